"""Adam on an image's pixels, each step followed by the projection to [0, 1]."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from nst_tf.losses import Losses, read


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
        image: float32 `[1, H, W, 3]`.
        update: the compiled step on the image, given the state and the knobs.
    """

    stationary = False

    def __init__(
        self, image: tf.Variable, update: Callable[[AdamState, Any], tuple[Losses, tf.Tensor]]
    ) -> None:
        self._state = adam_state(tuple(image.shape))
        self._update = update
        self.evaluations = 0

    def step(self, knobs: Any) -> Losses:
        """Apply one step: see `Optimizer`."""
        self.evaluations += 1
        tensors, finite = self._update(self._state, knobs)
        losses = read(tensors)
        if not finite:
            raise FloatingPointError(losses)
        return losses
