"""Levels, coarse to fine: their sizes, and the matches moved from one level to the next."""

import math

import numpy as np

from nst_tf.images.resize import Size, scaled
from nst_tf.synthesis.sources import Canvas, Layout

COARSEST = 128
"""Long side, pixels, to about which the picture is halved: there the search is exact."""


def level_sizes(picture: Size, size: Size) -> tuple[Size, ...]:
    """Return the sizes of the levels, coarse to fine; the last one is `size`.

    Up to the picture's own size, the sides double from level to level. From there to `size` they
    grow in equal steps of at most 2.

    Args:
        picture: height and width of the network's picture, pixels.
        size: height and width of the result, pixels.
    """
    halvings = max(0, round(math.log2(max(picture) / COARSEST)))
    below = [scaled(picture, 0.5**halving) for halving in range(halvings, 0, -1)]
    ratio = max(size) / max(picture)
    steps = max(0, math.ceil(math.log2(ratio) - 0.01))
    above = [scaled(picture, ratio ** (step / steps)) for step in range(steps)]
    return (*below, *above, size)


def carry(
    matches: np.ndarray, size: Size, layout: Layout, finer: Size, onto: Canvas,
    region: np.ndarray, first: int = 0,
) -> np.ndarray:  # fmt: skip
    """Return the matches of a level moved to the next one, int32, of the shape of `region`.

    A place y of the finer level lies at y' = floor(y / r) of the coarser one, where r is the ratio
    of the pictures' sizes. Its match is q n(y') + (y - r y'), where q is that of the painting's
    sizes. A painting that grows no more has q = 1, and strokes keep the size of its pixels.
    A match where the region's patches cannot begin is replaced by the next place where they can.

    Args:
        matches: int32 `[places down, places across]`.
        size, finer: height and width of the coarser and of the finer level, pixels.
        layout: of the coarser level's canvas.
        onto: the canvas of the finer level.
        region: the number of the region at each place of the finer level, or of a strip of it.
        first: row of the finer level at which the strip begins.
    """
    (down, rows), (across, columns) = (
        _coarser(start, count, new / old, limit)
        for start, count, new, old, limit in zip(
            (first, 0), region.shape, finer, size, matches.shape, strict=True
        )
    )
    tops, new_tops = np.array(layout.tops), np.array(onto.layout.tops)
    sizes = np.array(onto.layout.sizes)
    growth = sizes / np.array(layout.sizes)
    last = sizes - (finer[1] - region.shape[1] + 1)
    carried = np.empty(region.shape, np.int32)
    for y, row in enumerate(rows):
        v, u = np.divmod(matches[row, columns], layout.size[1])
        painting = np.searchsorted(tops, v, "right") - 1
        v = np.rint((v - tops[painting]) * growth[painting, 0] + down[y])
        u = np.rint(u * growth[painting, 1] + across)
        v = np.clip(v, 0, last[painting, 0]) + new_tops[painting]
        carried[y] = v * onto.size[1] + np.clip(u, 0, last[painting, 1])
    for number, allowed in enumerate(onto.allowed):
        wrong = (region == number) & (allowed[carried] == 0)
        if wrong.any():
            places = np.flatnonzero(allowed)
            following = np.searchsorted(places, carried[wrong])
            carried[wrong] = places[np.minimum(following, len(places) - 1)]
    return carried


def _coarser(first: int, count: int, ratio: float, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places that lie at `count` places of a finer level, and how far they are off.

    The places of the finer level begin at `first`.

    Args:
        ratio: of the finer level's side to the coarser one's.
        limit: number of places of the coarser level.
    """
    finer = np.arange(first, first + count)
    coarser = np.minimum((finer / ratio).astype(int), limit - 1)
    return finer - ratio * coarser, coarser
