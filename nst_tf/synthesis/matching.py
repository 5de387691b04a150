"""Matches: at each place of the picture, the most similar patch of the paintings.

    n(y) = argmin_n  Σ_d (1 − α) |B(y + d) − A(n + d)|² + α |T(y + d) − S(n + d)|²

d runs over the pixels of a patch. T is the picture repainted so far, S the paintings, B and A
are their guides (Hertzmann et al., "Image Analogies", SIGGRAPH 2001, section 3).

The coarsest level is searched exactly. At the others, the candidates of a place are its own match,
the matches of places 8, 4, 2 and 1 pixels away, moved along (Ashikhmin, "Synthesizing Natural
Textures", I3D 2001), and two places near the best of them. A sweep reads the matches of the sweep
before, so its result does not depend on the order of the places.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from nst_tf.images.resize import Size
from nst_tf.synthesis.sources import Canvas
from nst_tf.synthesis.threads import Rows
from nst_tf.utils.describe import brief

ALPHA = 0.2
"""Weight of the picture as repainted so far, relative to the sum of both weights."""

SCALE = 12000
"""The value 1 is the whole number `SCALE / patch`. So costs of patches of all sizes fit into 32
bits: with values in [0, 1], they are at most 3 · SCALE²."""

COARSENESS = 8
"""What features are divided by for the exact search."""

PAIRS = 2**22
"""Pairs of patches that the exact search compares at once."""

STEPS = (8, 4, 2, 1, 1, 1)
"""Distances of the neighbours in the sweeps of a round, pixels."""

REACH = 2
"""Distance of the places near the best match, pixels."""


@dataclass(frozen=True, eq=False)
class Features:
    """The values that are compared: guide and picture, weighted, as whole numbers.

    Attributes:
        values: int16 `[height * width * CHANNELS]`.
        size: height and width, pixels.
        patch: side of the patches, pixels.
    """

    values: np.ndarray
    size: Size
    patch: int

    __repr__ = brief

    def set_guide(self, guide: np.ndarray, rows: Rows, top: int = 0) -> None:
        """Set the guide from the row `top` on, float32 `[h, w, 3]`, which may leave [0, 1]."""
        self._write(guide, (1 - ALPHA) ** 0.5, 0, rows, top)

    def set_picture(self, picture: np.ndarray, rows: Rows) -> None:
        """Set the picture, float32 `[*size, 3]` in [0, 1]."""
        self._write(picture, ALPHA**0.5, 3, rows, 0)

    def _write(self, image: np.ndarray, weight: float, first: int, rows: Rows, top: int) -> None:
        from nst_tf.synthesis import matching_loops as loops

        factor = np.float32(weight * SCALE / self.patch)
        width = self.size[1]
        rows(loops.write_features, len(image), image, factor, self.values, width, top, first)


def make_features(
    guides: Iterable[np.ndarray], picture: np.ndarray, patch: int, rows: Rows
) -> Features:
    """Return the features of a picture, float32 `[height, width, 3]`, and its guides.

    Args:
        guides: float32 `[h, w, 3]`, one below the other; what they do not cover is 0.
        patch: side of the patches, pixels.
    """
    from nst_tf.synthesis import matching_loops as loops

    size = picture.shape[:2]
    features = Features(np.zeros(size[0] * size[1] * loops.CHANNELS, np.int16), size, patch)
    features.set_picture(picture, rows)
    top = 0
    for guide in guides:
        features.set_guide(guide, rows, top)
        top += len(guide)
    return features


@dataclass(frozen=True, eq=False)
class Problem:
    """What is matched with what at a level.

    Attributes:
        target: features of the picture.
        source: features of the canvas.
        canvas: the paintings.
        region: number of the region at each place, uint16 `[H - patch + 1, W - patch + 1]`.
    """

    target: Features
    source: Features
    canvas: Canvas
    region: np.ndarray

    __repr__ = brief


def search(problem: Problem) -> np.ndarray:
    """Return the best of all allowed matches, of equal ones the first: int32, shaped as `region`.

    |t − s|² = |t|² + |s|² − 2 t·s, so a product of matrices compares all patches. Its factors are
    whole numbers that are small enough for float32 to hold every sum exactly, in any order.
    """
    matches = np.empty(problem.region.shape, np.int32)
    ours, theirs = _patches(problem.target), _patches(problem.source)
    for number, allowed in enumerate(problem.canvas.allowed):
        places, beginnings = np.nonzero(problem.region == number), np.flatnonzero(allowed)
        at = np.divmod(beginnings, problem.canvas.size[1])
        candidates = theirs[at].reshape(len(beginnings), -1)
        norms = (candidates * candidates).sum(axis=1)
        block = max(1, PAIRS // len(beginnings))
        for start in range(0, len(places[0]), block):
            some = places[0][start : start + block], places[1][start : start + block]
            costs = ours[some].reshape(len(some[0]), -1) @ candidates.T
            costs *= -2
            costs += norms
            matches[some] = beginnings[costs.argmin(axis=1)]
    return matches


def _patches(features: Features) -> np.ndarray:
    """Return the patch at each place: whole numbers, float32 `[h, w, 6, patch, patch]`."""
    from nst_tf.synthesis import matching_loops as loops

    values = np.rint(features.values * np.float32(1 / COARSENESS))
    values = values.reshape(*features.size, loops.CHANNELS)[..., : loops.USED]
    return sliding_window_view(values, (features.patch, features.patch), (0, 1))


def improve(
    problem: Problem, matches: np.ndarray, rows: Rows, round_number: int, first: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the matches after the sweeps of a round, and their costs, int32.

    Args:
        matches: int32, shaped as the problem's `region`.
        round_number: which of the level's rounds this is: each tries other places near a match.
        first: row of the level at which the problem's picture, a strip of it, begins.
    """
    from nst_tf.synthesis import matching_loops as loops

    target, patch = problem.target, problem.target.patch
    common = (
        target.values, target.size[1], problem.source.values, problem.canvas.size[1],
        problem.canvas.allowed, problem.region, patch,
    )  # fmt: skip
    height = len(matches)
    costs = np.empty_like(matches)
    rows(loops.measure, height, *common, matches, costs)
    found, found_costs = np.empty_like(matches), np.empty_like(matches)
    for number, step in enumerate(STEPS):
        seed = round_number * len(STEPS) + number
        sweep = matches, costs, found, found_costs, step, REACH, seed, first
        rows(loops.sweep, height, *common, *sweep)
        if number == 0:  # the caller's matches stay as they are
            matches, costs, found, found_costs = found, found_costs, np.empty_like(found), costs
        else:
            matches, costs, found, found_costs = found, found_costs, matches, costs
    return matches, costs
