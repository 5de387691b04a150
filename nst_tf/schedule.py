"""When a run does what: the scales from coarse to fine, the steps at each, and when to go on."""

from collections.abc import Sequence
from typing import NamedTuple

from nst_tf.images.resize import Size, scaled
from nst_tf.settings import Settings


class Scale(NamedTuple):
    """One size to work at.

    Attributes:
        number: its place among the scales, from 1.
        ratio: its pictures' sides relative to those at the finest scale.
        size: height and width of the generated image, pixels.
        steps: steps to take, at most.
        steps_before: steps planned for the coarser scales.
        steps_after: those for the finer ones.
        deadline: share of the whole run's planned work that is done at its end.
    """

    number: int
    ratio: float
    size: Size
    steps: int
    steps_before: int
    steps_after: int
    deadline: float


def plan_scales(settings: Settings, content: Size, styles: Sequence[Size]) -> tuple[Scale, ...]:
    """Return the scales to go through, coarse to fine; the last is the size of the result.

    Scales with a long side below `min_dim`, or at which a picture would be too small for the
    network, are left out.

    Args:
        settings: the knobs of the run.
        content: height and width of the fitted content image, pixels.
        styles: those of the fitted style images.
    """
    ratios = [1.0]
    while len(ratios) < settings.scales:
        ratio = ratios[-1] / settings.scale_factor
        sides = [side for size in (content, *styles) for side in scaled(size, ratio)]
        long_side = max(scaled(content, ratio))
        if min(sides) < settings.smallest_side or long_side < settings.min_dim:
            break
        ratios.append(ratio)
    steps = [
        max(1, round(settings.steps * settings.coarse_steps**level)) for level in range(len(ratios))
    ]
    ratios.reverse()
    steps.reverse()
    work = [count * ratio**2 for count, ratio in zip(steps, ratios, strict=True)]
    return tuple(
        Scale(
            number=index + 1,
            ratio=ratio,
            size=scaled(content, ratio),
            steps=steps[index],
            steps_before=sum(steps[:index]),
            steps_after=sum(steps[index + 1 :]),
            deadline=sum(work[: index + 1]) / sum(work),
        )
        for index, ratio in enumerate(ratios)
    )


class GainRule:
    """Tell when further steps no longer pay.

    That is when the mean loss of the last ten steps is below that of the ten before them by less
    than the share `min_gain` of the latter. Means of ten let Adam's first, rising steps and its
    jitter pass; with `min_gain` 0 the rule never ends anything.
    """

    WINDOW = 10

    def __init__(self, min_gain: float) -> None:
        self._min_gain = min_gain
        self._losses: list[float] = []

    def restart(self) -> None:
        """Forget the losses: those to come are of another objective."""
        self._losses.clear()

    def ends(self, loss: float) -> bool:
        """Take in a step's loss; return whether the scale should end."""
        self._losses.append(loss)
        del self._losses[: -2 * self.WINDOW]
        if not self._min_gain or len(self._losses) < 2 * self.WINDOW:
            return False
        before, after = sum(self._losses[: self.WINDOW]), sum(self._losses[self.WINDOW :])
        return before - after < self._min_gain * before
