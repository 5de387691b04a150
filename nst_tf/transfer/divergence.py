"""Detection of divergence, from values that a run computes anyway.

A step has diverged if its loss is more than ten times the best loss since the objective last
changed, or if the image has become blank. A run with twenty such steps in a row continues from the
best image at a reduced rate; so does a run whose loss is not finite. This happens once: the next
time, the run ends.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

RISE = 10.0  # times the best loss
PATIENCE = 20  # diverged steps in a row that are tolerated: Adam oscillates
BLANK = 0.02  # standard deviation of a channel below which a picture looks blank
RATE_REDUCTION = 0.1  # of Adam's learning rate


class DivergenceMonitor(NamedTuple):
    """The best image of a run, and how long the run has diverged from it.

    Attributes:
        best: the least loss of an image that is not blank, since the objective last changed.
        image: the image with that loss, or None before the first one.
        diverged: steps in a row that have diverged.
        reduced_rate: whether the run has been rolled back, and continues at a reduced rate.
    """

    best: float = math.inf
    image: tf.Tensor | None = None
    diverged: int = 0
    reduced_rate: bool = False

    def reset(self) -> "DivergenceMonitor":
        """Return the monitor after a change of the objective, which makes earlier losses void."""
        return DivergenceMonitor(reduced_rate=self.reduced_rate)

    def seen(self, image: tf.Tensor, loss: float, blank: bool) -> "DivergenceMonitor":
        """Return the monitor after an evaluation of an image, which may be blank."""
        if not blank and loss <= self.best:
            return self._replace(best=loss, image=image, diverged=0)
        diverged = self.image is not None and (blank or loss > RISE * self.best)
        return self._replace(diverged=self.diverged + 1 if diverged else 0)

    @property
    def lost(self) -> bool:
        """Whether the run has diverged for too long."""
        return self.diverged >= PATIENCE


def is_blank(image: tf.Tensor) -> bool:
    """Return whether the pixels of an image, `[1, h, w, 3]` in [0, 1], have nearly one colour."""
    return bool(tf.reduce_max(tf.math.reduce_std(image, axis=(1, 2))) < BLANK)


def complaint(step: int, losses: Mapping[str, float], blank: bool, adam: bool) -> str:
    """Return in words how a run has diverged, and which weight to lower."""
    terms = {name: loss for name, loss in losses.items() if name != "total"}
    worst = max(terms, key=lambda name: terms[name])
    if blank:  # only this term prefers blank pictures, regardless of photo and painting
        worst = "total_variation" if "total_variation" in terms else worst
    what = "the picture is blank" if blank else "the loss stays tenfold above its best"
    return f"{what} at step {step}: lower {worst}_weight" + " or learning_rate" * adam
