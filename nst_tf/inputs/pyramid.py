"""The scale pyramid: the sizes of a run, and the steps at each."""

from collections.abc import Sequence
from typing import NamedTuple

from nst_tf.images.resize import Size, scaled
from nst_tf.settings import Settings


class Scale(NamedTuple):
    """One size of the pyramid.

    Attributes:
        number: index among the scales, from 1.
        ratio: sides of the scale's pictures relative to those at the finest scale.
        size: height and width of the generated image, pixels.
        steps: maximum number of steps.
        steps_before: steps planned for the coarser scales.
        steps_after: steps planned for the finer scales.
        deadline: fraction of the run's planned work that is done when the scale ends.
    """

    number: int
    ratio: float
    size: Size
    steps: int
    steps_before: int
    steps_after: int
    deadline: float


def plan_scales(settings: Settings, content: Size, styles: Sequence[Size]) -> tuple[Scale, ...]:
    """Return the scales of a run, coarse to fine; the last has the size of the result.

    Scales with a long side below `min_dim`, or at which a picture would be too small for the
    network, are left out.

    Args:
        content: height and width of the fitted content image, pixels.
        styles: height and width of each fitted style image, pixels.
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
        max(1, round(settings.finest_steps * settings.coarse_steps**level))
        for level in range(len(ratios))
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
