"""Adam on an image's pixels, each step followed by the projection to [0, 1]."""

from typing import NamedTuple

import tensorflow as tf


class AdamState(NamedTuple):
    """The state of Adam between steps.

    Attributes:
        step: int64 scalar, the number of steps done.
        first_moment, second_moment: float32 of the image's shape, the running means of the gradient
            and of its square.
    """

    step: tf.Tensor
    first_moment: tf.Tensor
    second_moment: tf.Tensor


def adam_start(shape: tuple[int, ...]) -> AdamState:
    """Return the state before the first step on an image of `shape`."""
    return AdamState(tf.constant(0, tf.int64), tf.zeros(shape), tf.zeros(shape))


def adam_update(
    image: tf.Tensor,
    gradient: tf.Tensor,
    state: AdamState,
    *,
    learning_rate: tf.Tensor | float,
    beta_1: tf.Tensor | float,
    beta_2: tf.Tensor | float = 0.999,
    epsilon: tf.Tensor | float,
) -> tuple[tf.Tensor, AdamState]:
    """Take one step of Adam and project the image to [0, 1].

        m ← m + (1 − β₁)(g − m),  v ← v + (1 − β₂)(g² − v)
        image ← clip(image − α · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε), 0, 1)

    As in `keras.optimizers.Adam`, ε stands outside the bias correction (the form before section
    2.1 of Kingma and Ba, arXiv 1412.6980), so α, β₁ and ε have to be tuned together. Nothing is
    updated in place: a failed step can be repeated from the same state.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        gradient: float32 of the image's shape, the gradient of the total loss.
        state: from `adam_start`, `adam_resample` or the step before.
        learning_rate: α, in units of the pixel range.
        beta_1, beta_2: decays of the moments, in [0, 1).
        epsilon: ε > 0, in units of the gradient.
    """
    step = state.step + 1
    t = tf.cast(step, tf.float32)
    first_moment = state.first_moment + (1 - beta_1) * (gradient - state.first_moment)
    change = tf.square(gradient) - state.second_moment
    second_moment = state.second_moment + (1 - beta_2) * change
    rate = learning_rate * tf.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    moved = image - rate * first_moment / (tf.sqrt(second_moment) + epsilon)
    return tf.clip_by_value(moved, 0.0, 1.0), AdamState(step, first_moment, second_moment)


def adam_resample(state: AdamState, shape: tuple[int, ...], factor: float) -> AdamState:
    """Return the state for the same image at another size, `(1, H, W, 3)`.

    The first moment is resized bicubically, the second bilinearly, which keeps it from becoming
    negative. `factor` is the ratio of a pixel's gradient at the new size to that at the old one.
    """
    first_moment = tf.image.resize(state.first_moment, shape[1:3], "bicubic") * factor
    second_moment = tf.image.resize(state.second_moment, shape[1:3], "bilinear") * factor**2
    return AdamState(state.step, first_moment, second_moment)
