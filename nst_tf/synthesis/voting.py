"""Votes: the picture that the matched patches show together.

    T(y) = Σ_d w(y − d) S(n(y − d) + d) / Σ_d w(y − d)        w = (c + ε)^−p

d runs over a patch, and c is the mean cost of the patch's pixels (Wexler, Shechtman and Irani,
"Space-Time Completion of Video", PAMI 2007, section 3.2). Patches that fit better count more. In a
level's last round, p is larger and ε smaller, which keeps strokes crisp.
"""

import numpy as np

from nst_tf.images.resize import Size
from nst_tf.synthesis import matching_loops as loops
from nst_tf.synthesis.matching import SCALE, Matches
from nst_tf.synthesis.sources import Canvas
from nst_tf.synthesis.threads import Rows

SOFT = (1e-3, 1.0)
"""ε and p of a vote that is matched again."""

SHARP = (1e-4, 3.0)
"""ε and p of a level's last vote."""


def vote(
    matches: Matches, canvas: Canvas, size: Size, kind: tuple[float, float], rows: Rows
) -> np.ndarray:
    """Return the picture, float32 `[*size, 3]` in [0, 1]; `kind` is `SOFT` or `SHARP`."""
    least, power = kind
    weights = (
        matches.costs.astype(np.float32) * np.float32(1 / SCALE**2) + np.float32(least)
    ) ** np.float32(-power)
    image = np.empty((*size, 3), np.float32)
    patch = size[0] - matches.places.shape[0] + 1
    rows(loops.vote, size[0], canvas.paint, canvas.width, matches.places, weights, patch, image)
    return image
