"""Strips of rows, in which a large level is painted with less memory.

A strip's matches depend on the rows around it. A sweep reads the matches of a place `step` rows
away, and matches and votes each read `patch - 1` rows more. With a halo of all these rows, which is
painted with the strip and left out of the result, a strip equals that part of the whole, bit for
bit.
"""

from collections.abc import Callable

import numpy as np

from nst_tf.synthesis.matching import STEPS

STRIP = 2**23
"""Pixels of a strip unless memory is short."""

Paint = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def halo_rows(rounds: int, patch: int) -> int:
    """Return the rows above and below a strip on which it depends."""
    return patch - 1 + rounds * (sum(STEPS) + patch - 1)


def in_strips(
    paint: Paint, guide: np.ndarray, patch: int, rows: int, halo: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return image and matches of a level that is painted strip by strip.

    Args:
        paint: returns image and matches of rows of the guide, and of the row at which they begin.
        guide: float32 `[H, W, 3]`. It is overwritten.
        patch: side of a patch, pixels.
        rows: of a strip, without its halo.
        halo: rows above and below a strip that are painted with it.
    """
    height, width = guide.shape[:2]
    if rows + halo >= height:
        return paint(guide, 0)
    matches = np.empty((height - patch + 1, width - patch + 1), np.int32)
    above = guide[:0]
    for top in range(0, height, rows):
        bottom, start = min(top + rows, height), top - len(above)
        part = np.concatenate([above, guide[top : bottom + halo]])
        image, found = paint(part, start)
        above = part[max(0, bottom - halo) - start : bottom - start].copy()
        guide[top:bottom] = image[top - start : bottom - start]
        matches[top:bottom] = found[top - start : bottom - start]
    return guide, matches
