"""Adam on an image's pixels, each step followed by the projection to [0, 1]."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.losses.formulas import Losses, read


class Optimizer(Protocol):
    """What `stylize` needs of an optimizer.

    Attributes:
        evaluations: times that the objective has been evaluated.
        stationary: whether no step can improve the image any more.
    """

    evaluations: int
    stationary: bool

    def step(self, knobs: Any) -> Losses:
        """Update the image and return the losses before the update, both as `knobs` weigh them.

        Raises:
            FloatingPointError: they or the gradient are not finite; the losses are its argument.
                The image is left as it was.
        """
        ...


class AdamState(NamedTuple):
    """Adam's memory: a step counter (int64 scalar) and two moments of the image's shape."""

    step: tf.Variable
    mean: tf.Variable
    square: tf.Variable


def adam_state(shape: tuple[int, ...]) -> AdamState:
    """Return the state before the first step for a float32 image of `shape`."""
    return AdamState(
        tf.Variable(0, dtype=tf.int64, trainable=False),
        tf.Variable(tf.zeros(shape), trainable=False),
        tf.Variable(tf.zeros(shape), trainable=False),
    )


def resampled(state: AdamState, shape: tuple[int, ...], factor: float) -> AdamState:
    """Return the state for an image of `shape` whose gradient is `factor` times as large."""
    mean = tf.image.resize(state.mean, shape[1:3], "bicubic") * factor
    square = tf.image.resize(state.square, shape[1:3], "bilinear") * factor**2  # never negative
    moments = (tf.Variable(moment, trainable=False) for moment in (mean, square))
    return AdamState(tf.Variable(state.step.value(), trainable=False), *moments)


def adam_update(
    image: tf.Variable,
    gradient: tf.Tensor,
    state: AdamState,
    *,
    learning_rate: tf.Tensor,
    beta_1: tf.Tensor,
    beta_2: float = 0.999,
    epsilon: tf.Tensor,
) -> None:
    """Take one step of Adam and project the image to [0, 1].

        m ← m + (1 − β₁)(g − m),  v ← v + (1 − β₂)(g² − v)
        image ← clip(image − α · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε), 0, 1)

    As in `keras.optimizers.Adam`, ε stands outside the bias correction (the form before section
    2.1 of Kingma and Ba, arXiv 1412.6980), so that α, β₁ and ε are one tuned triple. It is written
    out because variables passed as arguments let one compiled step serve every run of a size.

    Args:
        image: float32 `[1, H, W, 3]`, updated in place.
        gradient: of the total loss with respect to `image`, same shape.
        state: updated in place.
        learning_rate: α, in units of the pixel range.
        beta_1: decay of the mean, in [0, 1).
        beta_2: decay of the square, in [0, 1).
        epsilon: ε > 0, in units of the gradient.
    """
    t = tf.cast(state.step.assign_add(1), tf.float32)
    mean = state.mean.assign_add((1 - beta_1) * (gradient - state.mean))
    square = state.square.assign_add((1 - beta_2) * (tf.square(gradient) - state.square))
    rate = learning_rate * tf.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    image.assign(tf.clip_by_value(image - rate * mean / (tf.sqrt(square) + epsilon), 0.0, 1.0))


class Adam:
    """Adam as an `Optimizer`.

    Args:
        update: the compiled step on the image, given the state and the knobs.
        state: where to go on.
    """

    stationary = False

    def __init__(
        self,
        update: Callable[[AdamState, Any], tuple[Losses, tf.Tensor]],
        state: AdamState,
    ) -> None:
        self.state = state
        self._update = update
        self.evaluations = 0

    def step(self, knobs: Any) -> Losses:
        """Apply one step: see `Optimizer`."""
        self.evaluations += 1
        tensors, finite = self._update(self.state, knobs)
        losses = read(tensors)
        if not finite:
            raise FloatingPointError(losses)
        return losses


class Average:
    """The running average of a variable, free of its start: Σ dⁿ⁻ᵏ x_k / Σ dⁿ⁻ᵏ.

    Polyak's averaging of iterates with an exponential window; Adam's steps jitter, their average
    does not.

    Args:
        variable: float32 of any shape.
        decay: d in [0, 1).
    """

    def __init__(self, variable: tf.Variable, decay: float) -> None:
        self._variable = variable
        self._decay = decay
        self._average = tf.Variable(variable, trainable=False)
        self._weight = 0.0

    def update(self) -> None:
        """Take in the variable as it is now."""
        self._weight = self._decay * self._weight + 1
        self._average.assign_add((self._variable - self._average) / self._weight)

    def numpy(self) -> np.ndarray:
        """Return the average, or before the first update the variable."""
        return self._average.numpy()
