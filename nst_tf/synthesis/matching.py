"""Matches: the patch of the paintings that is most like the picture's patch at each place.

    n(y) = argmin_n  Σ_d (1 − α) |B(y + d) − A(n + d)|² + α |T(y + d) − S(n + d)|²

d runs over a patch, T is the picture as repainted so far, S the paintings, and B and A are their
guides (Hertzmann et al., "Image Analogies", SIGGRAPH 2001, section 3.1). The coarsest level is
searched exactly. At the others, a place's candidates are its own match, the matches of places 8, 4, 2
and 1 pixels away, moved along (Ashikhmin, "Synthesizing natural textures", I3D 2001, section 3), and
two places near the best of them. Sweeps read the matches of the sweep before and write new ones, so
their result does not depend on the order of the places.
"""

from dataclasses import dataclass

import numpy as np

from nst_tf.images.resize import Size
from nst_tf.synthesis import matching_loops as loops
from nst_tf.synthesis.sources import Canvas
from nst_tf.synthesis.threads import Rows
from nst_tf.utils.describe import brief

ALPHA = 0.2
"""Weight of the picture repainted so far; the guide's is 1 less that."""

SCALE = 12000
"""Features are whole numbers, of which `SCALE / patch` is 1. A cost is at most 3 · SCALE² for values in
[0, 1], so it fits into 32 bits for all sizes of patches, and values may lie a little outside."""

STEPS = (8, 4, 2, 1, 1, 1)
"""Distances of the neighbours in the sweeps of a round, pixels."""

REACH = 2
"""Distance of the places near the best match, pixels."""


@dataclass(eq=False)
class Features:
    """The values that are compared, int16 `[height * width * CHANNELS]`, rows of pixels."""

    values: np.ndarray
    size: Size
    patch: int

    __repr__ = brief

    @classmethod
    def empty(cls, size: Size, patch: int) -> "Features":
        return cls(np.zeros(size[0] * size[1] * loops.CHANNELS, np.int16), size, patch)

    def set_guide(self, guide: np.ndarray, rows: Rows) -> None:
        """Set the guide, float32 `[*size, 3]`."""
        self._write(guide, (1 - ALPHA) ** 0.5, 0, rows)

    def set_picture(self, picture: np.ndarray, rows: Rows) -> None:
        """Set the picture, float32 `[*size, 3]` in [0, 1]."""
        self._write(picture, ALPHA**0.5, 3, rows)

    def _write(self, image: np.ndarray, weight: float, first: int, rows: Rows) -> None:
        factor = np.float32(weight * SCALE / self.patch)
        rows(loops.write_features, self.size[0], image, factor, self.values, first)


@dataclass(eq=False)
class Matches:
    """The match of each place, and its cost: int32 `[H - patch + 1, W - patch + 1]`."""

    places: np.ndarray
    costs: np.ndarray

    __repr__ = brief


def search(
    target: Features, source: Features, canvas: Canvas, region: np.ndarray, rows: Rows
) -> Matches:
    """Return the best of all allowed matches, of equal ones the first.

    Args:
        region: the number of the region at each place, uint8 `[H - patch + 1, W - patch + 1]`.
    """
    matches = Matches(np.zeros(region.shape, np.int32), np.zeros(region.shape, np.int32))
    rows(
        loops.search, region.shape[0], target.values, target.size[1], source.values, canvas.width,
        canvas.allowed, region, matches.places, matches.costs, target.patch,
    )  # fmt: skip
    return matches


def improve(
    matches: Matches, target: Features, source: Features, canvas: Canvas, region: np.ndarray,
    rows: Rows, seed: int,
) -> Matches:  # fmt: skip
    """Return better matches: those after the sweeps of a round; `seed` is the round's number."""
    common = (
        target.values, target.size[1], source.values, canvas.width, canvas.allowed, region,
    )  # fmt: skip
    height, patch = region.shape[0], target.patch
    rows(loops.measure, height, *common, matches.places, matches.costs, patch)
    other = Matches(np.empty_like(matches.places), np.empty_like(matches.costs))
    for number, step in enumerate(STEPS):
        rows(
            loops.sweep, height, *common, matches.places, matches.costs, other.places, other.costs,
            patch, step, REACH, seed * len(STEPS) + number,
        )  # fmt: skip
        matches, other = other, matches
    return matches


def carry(
    matches: np.ndarray, old: Canvas, old_size: Size, new: Canvas, size: Size,
    region: np.ndarray,
) -> Matches:  # fmt: skip
    """Return the matches of a level moved to the next one.

    A place y of the new level lies at y′ = ⌊y / r⌋ of the old one, r the ratio of the pictures'
    sizes. Its match is q n(y′) + (y − r y′), q the ratio of the painting's sizes: where the painting
    grows no more, q is 1, and strokes keep the size of the painting's pixels.

    Args:
        matches: int32, from the level of `old_size`.
        region: the number of the region at each place of the new level.
    """
    carried = np.empty(region.shape, np.int32)
    ratios = [new_side / old_side for new_side, old_side in zip(size, old_size, strict=True)]
    rows, columns = (
        np.minimum((np.arange(count) / ratio).astype(int), limit - 1)
        for count, ratio, limit in zip(region.shape, ratios, matches.shape, strict=True)
    )
    beside = np.rint(np.arange(region.shape[1]) - ratios[1] * columns)
    sizes, tops = np.array(new.sizes), np.array(new.tops)
    growth = sizes / np.array(old.sizes)
    patch = size[0] - region.shape[0] + 1
    for y, row in enumerate(rows):
        v, u = np.divmod(matches[row, columns], old.width)
        painting = np.searchsorted(old.tops, v, "right") - 1
        v = np.rint(
            (v - np.array(old.tops)[painting]) * growth[painting, 0] + (y - ratios[0] * row)
        )
        u = np.rint(u * growth[painting, 1] + beside)
        v = np.clip(v, 0, sizes[painting, 0] - patch) + tops[painting]
        u = np.clip(u, 0, sizes[painting, 1] - patch)
        carried[y] = v * new.width + u
    for number, allowed in enumerate(new.allowed):
        wrong = (region == number) & (allowed[carried] == 0)
        if wrong.any():
            places = np.flatnonzero(allowed)
            after = np.searchsorted(places, carried[wrong])
            carried[wrong] = places[np.minimum(after, len(places) - 1)]
    return Matches(carried, np.zeros(region.shape, np.int32))
