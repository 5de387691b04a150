"""Borders of a painting's picture: frames and strips of the scan, which are not paint.

A border ends with a step in colour along the picture's whole side. With d(x) the difference of the
colours of two neighbouring lines, outer less inner, at x, and m its mean along the side, there is a
step where |m| is large and d(x) points the way of m almost everywhere:

    |m| ≥ STEP   and   d(x) · m ≥ |m|² / 4 at a share WHOLE of all x
"""

import numpy as np

STEP = 0.08  # of the range of a colour
WHOLE = 0.7  # of a side; painted edges reach 0.6
WIDEST = 0.05  # of the picture's side


def painted_box(painting: np.ndarray) -> tuple[int, int, int, int]:
    """Return the part of a painting's picture without borders: top, bottom, left and right.

    `painting[top:bottom, left:right]` is the part to keep: all of a picture without borders.

    Args:
        painting: float32 `[h, w, 3]` in [0, 1].
    """
    height, width = painting.shape[:2]
    columns = painting.swapaxes(0, 1)
    return (
        border_width(painting),
        height - border_width(painting[::-1]),
        border_width(columns),
        width - border_width(columns[::-1]),
    )


def border_width(lines: np.ndarray) -> int:
    """Return how many of the first lines, float32 `[lines, length, 3]`, are a border."""
    nearest = lines[: int(WIDEST * len(lines)) + 2].astype(np.float64)
    steps = nearest[:-1] - nearest[1:]
    means = steps.mean(axis=1, keepdims=True)
    squares = (means * means).sum(axis=2)
    agree = ((steps * means).sum(axis=2) >= squares / 4).mean(axis=1)
    borders = np.flatnonzero((squares[:, 0] >= STEP**2) & (agree >= WHOLE))
    return int(borders[-1]) + 1 if len(borders) else 0
