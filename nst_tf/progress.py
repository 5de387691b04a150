"""What a run tells while it goes on, and when it cannot."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nst_tf.losses.formulas import Losses
from nst_tf.schedule import Scale


@dataclass(frozen=True)
class Progress:
    """What one step did, for callbacks.

    Attributes:
        step: number of the step, from 1.
        steps: steps in the whole run, at most: a scale may end early.
        scale: the scale that it belongs to: its number from 1, its size, its steps.
        scales: scales in the whole run.
        scale_step: number of the step within its scale, from 1.
        ahead: work after this step, at most, in steps of its own size.
        losses: the objective's terms, floats, of the image *before* this step's update.
        evaluations: times that the objective has been evaluated, at all scales, this step included.
        seconds: time since the run began, this step included.
        image: returns a copy of the image *after* the update, float32 `[1, h, w, 3]` in [0, 1], of
            the scale's size; with `averaging`, the average up to it.
    """

    step: int
    steps: int
    scale: Scale
    scales: int
    scale_step: int
    ahead: float
    losses: Losses
    evaluations: int
    seconds: float
    image: Callable[[], np.ndarray]


Callback = Callable[[Progress], object]
"""Is given every step's `Progress`; one that returns True ends the run after that step."""


class NonFiniteLossError(ArithmeticError):
    """The objective overflowed. `image` is the last finite image, float32 `[1, H, W, 3]`."""

    def __init__(self, message: str, image: np.ndarray):
        super().__init__(message)
        self.image = image
