"""The second stage of a run: the network's picture remade of the paintings' own patches."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nst_tf.compute.budget import BASE, describe_bytes, memory_budget
from nst_tf.compute.plan import RETENTION, Plan
from nst_tf.compute.winograd import thread_count
from nst_tf.images.masks import compose, resize_regions
from nst_tf.images.resize import Size, fit_size, scaled
from nst_tf.images.wrap import resize_tile
from nst_tf.inputs.prepare import RunInputs
from nst_tf.settings import Settings
from nst_tf.synthesis.estimate import (
    fitting_strip,
    levels_work,
    synthesis_bytes,
    synthesis_work,
)
from nst_tf.synthesis.levels import level_sizes
from nst_tf.synthesis.repaint import Level, Strokes, repaint
from nst_tf.synthesis.sources import PaintSource
from nst_tf.synthesis.strips import STRIP
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.transfer.state import RunState

BETWEEN = Strokes()
"""The strokes with which a scale starts. `patch_size` and `repaint_detail` concern only the second
stage, which can be repeated with other values on the same network's picture."""

SECONDS = 2.0
"""Time set aside for a unit of `level_work`, twice what two cores with AVX-512 need."""


def paint_strokes(
    inputs: RunInputs, state: "RunState", plans: Sequence[Plan], budget: int | None = None
) -> Iterator[Level]:
    """Remake the picture of a run at the sizes of its levels, up to the size of the result.

    Below a strength of 1, the levels are mixed with the network's picture, so that a strength near
    0 returns the photo.

    Args:
        inputs: at the size of the result.
        state: after the last step of the network.
        plans: of the network's scales.
        budget: bytes that the process may use; `None`: what the settings allow.
    """
    settings, size, share = inputs.settings, inputs.size, min(1.0, inputs.settings.strength)
    picture = state.output_image.numpy()
    strip, _ = _fitted(settings, size, paint_sizes(inputs), plans, budget)
    coarse = _coarser_picture(inputs, state)
    strokes = Strokes(settings.patch_size, settings.repaint_detail)
    for level in _levels(inputs, picture, inputs.colors.content, strokes, coarse, strip):
        if share < 1:
            network = resize_tile(picture, level.size, settings.tileable)
            mixed = compose(level.image, network, share)
            level = replace(level, image=mixed)
        yield level


def enlarge_with_strokes(
    inputs: RunInputs, image: np.ndarray, plain: np.ndarray, photo: np.ndarray
) -> np.ndarray:
    """Return the image of a scale enlarged with patches of the paintings, of the shape of `plain`.

    An image that is only resized has no texture at its new size, and the network needs half of its
    steps to paint one. Strength mixes this image with `plain` as it does in `paint_strokes`.

    Args:
        image: result of the coarser scale, float32 `[1, h, w, 3]` in [0, 1].
        plain: the image enlarged without patches, `[1, H, W, 3]`.
        photo: the photo at the finer scale, `[1, H, W, 3]`.
    """
    *_, level = _levels(inputs, image, photo, BETWEEN)
    return compose(level.image, plain, min(1.0, inputs.settings.strength))


def _levels(
    inputs: RunInputs,
    picture: np.ndarray,
    photo: np.ndarray,
    strokes: Strokes,
    coarse: np.ndarray | None = None,
    strip: int = STRIP,
) -> Iterator[Level]:
    """Repaint a picture of the network up to the size of `photo`; arguments as for `repaint`."""
    settings, size = inputs.settings, photo.shape[1:3]
    sources = _sources(inputs, max(size) / max(inputs.size))
    regions = resize_regions(inputs.regions, size, [source.image.shape[:2] for source in sources])
    kept = inputs.kept(size)
    return repaint(
        picture,
        photo if settings.content_weight else None,
        sources,
        replace(strokes, tileable=settings.tileable),
        size,
        coarse,
        regions if inputs.regions else (),
        None if kept is None else np.minimum(1, kept),
        thread_count(),
        strip,
    )


class PlannedLevel(NamedTuple):
    """A level before the run.

    Attributes:
        size: height and width, pixels.
        work: in pixels that a step of the network computes in the same time.
    """

    size: Size
    work: float


def levels_of(inputs: RunInputs) -> tuple[PlannedLevel, ...]:
    """Return the levels of a run, coarse to fine; none if its settings ask for none."""
    if not inputs.settings.repaints:
        return ()
    picture, settings = inputs.scales[-1].size, inputs.settings
    work = levels_work(picture, inputs.size, _paint_pixels(inputs, inputs.size))
    if len(inputs.scales) > 1 and settings.content_weight and settings.repaint_detail < 1:
        # The coarse picture passes through levels of its own before the first one.
        coarse = scaled(picture, 1 / settings.scale_factor)
        work[0] += sum(levels_work(coarse, picture, _paint_pixels(inputs, picture)))
    return tuple(map(PlannedLevel, level_sizes(picture, inputs.size), work))


def work_before_scales(inputs: RunInputs) -> list[float]:
    """Return the work of the strokes with which each scale starts, as in `PlannedLevel`."""
    sizes = [scale.size for scale in inputs.scales]
    if not inputs.settings.repaints:
        return [0.0] * len(sizes)
    pairs = itertools.pairwise(sizes)
    return [0.0, *(sum(levels_work(a, b, _paint_pixels(inputs, b))) for a, b in pairs)]


def _paint_pixels(inputs: RunInputs, size: Size) -> float:
    """Return the pixels of the paintings at a size of the picture."""
    ratio = max(size) / max(inputs.size)
    return sum(
        math.prod(own) * min(1.0, paint.side * ratio / max(own)) ** 2
        for paint, own in zip(inputs.paint, paint_sizes(inputs), strict=True)
    )


def network_time(inputs: RunInputs) -> float:
    """Return the part of the time limit that is left to the network, seconds; 0: no limit.

    The levels, which cannot be shortened, have the rest, but at most half of it.
    """
    limit = inputs.settings.time_limit
    work = synthesis_work(inputs.scales[-1].size, inputs.size) if inputs.settings.repaints else 0.0
    return max(limit / 2, limit - SECONDS * work)


def paint_sizes(inputs: RunInputs) -> list[Size]:
    """Return height and width of each painting at the finest level, pixels."""
    return [paint.image.shape[1:3] for paint in inputs.paint]


def peak_memory(
    settings: Settings,
    size: Size,
    paintings: Sequence[Size],
    plans: Sequence[Plan],
    budget: int | None = None,
) -> int:
    """Return the peak of a run's memory, its levels included, bytes.

    Args:
        size: height and width of the result, pixels.
        paintings: height and width of each at the finest level, pixels.
        plans: of the network's scales.
        budget: bytes that the process may use; `None`: what the settings allow.

    Raises:
        UserError: the levels need more than the budget, even in the smallest strips.
    """
    network = max(plan.peak for plan in plans)
    if not settings.repaints:
        return network
    budget = memory_budget(settings) if budget is None else budget
    _, needed = _fitted(settings, size, paintings, plans, budget)
    if needed > budget:
        height, width = size
        raise UserError(
            f"brushstrokes of {width}x{height} pixels need about {describe_bytes(needed)} of "
            f"memory, but the run may take {describe_bytes(budget)}: lower max_dim, or free memory "
            "or raise memory_budget"
        )
    return max(network, needed)


def _fitted(
    settings: Settings, size: Size, paintings: Sequence[Size], plans: Sequence[Plan],
    budget: int | None,
) -> tuple[int, int]:  # fmt: skip
    """Return the pixels of a strip with which the levels fit, and what the process then needs.

    Arguments are as for `peak_memory`.
    """
    budget = memory_budget(settings) if budget is None else budget
    network = max(plan.peak for plan in plans)
    used = BASE + round(RETENTION * (network - BASE))
    picture = fit_size(*size, settings.network_limit)
    stage = picture, size, paintings, settings.patch_size
    strip = fitting_strip(budget - used, *stage)
    if settings.tileable != "none":  # the first and the last strip would depend on each other
        strip = math.prod(size)
    return strip, used + synthesis_bytes(*stage, strip)


def _sources(inputs: RunInputs, ratio: float = 1.0) -> list[PaintSource]:
    """Return the sources of patches for a picture whose sides are `ratio` times the result's."""
    return [
        PaintSource(inputs.colors.style(number, paint.image)[0], paint.side * ratio)
        for number, paint in enumerate(inputs.paint)
    ]


def _coarser_picture(inputs: RunInputs, state: "RunState") -> np.ndarray | None:
    """Return the network's picture at its next coarser scale; `None` if there was one scale.

    The finest scale has started from this picture, enlarged.
    """
    if state.scale == 1:
        return None
    size = scaled(inputs.scales[-1].size, 1 / inputs.settings.scale_factor)
    return resize_tile(state.start.numpy(), size, inputs.settings.tileable)
