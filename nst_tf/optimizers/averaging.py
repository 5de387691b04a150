"""Averaging of an optimizer's iterates."""

from typing import NamedTuple

import tensorflow as tf


class AverageState(NamedTuple):
    """A running average and the sum of the weights in it."""

    average: tf.Tensor
    weight: float


def average_update(state: AverageState | None, image: tf.Tensor, decay: float) -> AverageState:
    """Return the running average after one more image.

        average_n = Σ_k dⁿ⁻ᵏ x_k / Σ_k dⁿ⁻ᵏ,  k = 1 … n

    This is Polyak's averaging of iterates with an exponential window. Adam's steps jitter; their
    average does not. The division by the sum of the weights removes the bias towards a start.

    Args:
        state: the average so far, or None before the first image.
        image: floats of any shape, the same at each call.
        decay: d in [0, 1).
    """
    if state is None:
        return AverageState(image, 1.0)
    weight = decay * state.weight + 1
    return AverageState(state.average + (image - state.average) / weight, weight)
