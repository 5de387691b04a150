"""Whether a run has gone astray, by rules on what is known of it anyway.

A step is astray if its loss is more than ten times the best one since the objective last changed,
or if the image has become blank, which it was not before. A run whose steps are astray twenty times
in a row goes on from the best image with gentler steps; so does one whose loss is not finite. That
helps once; the next time, the run ends.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

RISE = 10.0  # times the best loss
PATIENCE = 20  # steps in a row that may be astray: Adam swings
BLANK = 0.02  # standard deviation of a channel below which nobody sees anything
RATE_REDUCTION = 0.1  # of Adam's learning rate


class DivergenceMonitor(NamedTuple):
    """What is remembered of a run to tell whether it is astray.

    Attributes:
        best: the least loss of an image that is not blank, since the objective last changed.
        image: that image; None: there is none yet.
        astray: steps in a row that were astray.
        gentler: whether the run has gone back once, and takes gentler steps.
    """

    best: float = math.inf
    image: tf.Tensor | None = None
    diverged: int = 0
    reduced_rate: bool = False

    def reset(self) -> "DivergenceMonitor":
        """Return what is left when the objective changes: earlier losses mean nothing then."""
        return DivergenceMonitor(reduced_rate=self.reduced_rate)

    def seen(self, image: tf.Tensor, loss: float, blank: bool) -> "DivergenceMonitor":
        """Return what is remembered after an image was evaluated.

        Args:
            image: the image.
            loss: its total loss.
            blank: whether it is blank though the photo is not.
        """
        if not blank and loss <= self.best:
            return self._replace(best=loss, image=image, diverged=0)
        diverged = self.image is not None and (blank or loss > RISE * self.best)
        return self._replace(diverged=self.diverged + 1 if diverged else 0)

    @property
    def lost(self) -> bool:
        """Whether the run has been astray for too long."""
        return self.diverged >= PATIENCE


def is_blank(image: tf.Tensor) -> bool:
    """Return whether all pixels of an image, `[1, h, w, 3]` in [0, 1], have nearly one colour."""
    return bool(tf.reduce_max(tf.math.reduce_std(image, axis=(1, 2))) < BLANK)


def complaint(step: int, losses: Mapping[str, float], blank: bool, adam: bool) -> str:
    """Return what is wrong with a run, and which weight to change, in words.

    Args:
        step: the last one.
        losses: before it.
        blank: whether its image is blank.
        adam: whether Adam takes the steps.
    """
    terms = {name: loss for name, loss in losses.items() if name != "total"}
    worst = max(terms, key=lambda name: terms[name])
    if blank:  # the only term that asks for blank pictures whatever photo and painting are
        worst = "total_variation" if "total_variation" in terms else worst
    what = "the picture is blank" if blank else "the loss stays tenfold above its best"
    return f"{what} at step {step}: lower {worst}_weight" + " or learning_rate" * adam
