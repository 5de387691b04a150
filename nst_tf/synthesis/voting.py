"""Votes: the picture that the matched patches show together.

    T(y) = Σ_d w(y − d) S(n(y − d) + d) / Σ_d w(y − d)        w = (c + ε)^−p

d runs over the pixels of a patch, and c is the mean cost of a pixel of the patch: patches that fit
better count more (Wexler, Shechtman and Irani, "Space-Time Completion of Video", PAMI 2007). In a
level's last round, p is larger and ε smaller, which keeps strokes crisp.
"""

from typing import NamedTuple

import numpy as np

from nst_tf.images.resize import Size
from nst_tf.synthesis.matching import SCALE
from nst_tf.synthesis.sources import Canvas
from nst_tf.synthesis.threads import Rows


class Weighting(NamedTuple):
    """ε and p of a vote."""

    least: float
    power: float


SOFT = Weighting(3e-4, 2)
"""For a vote that is matched again."""

SHARP = Weighting(3e-5, 4)
"""For the last vote of a level."""


def weigh(costs: np.ndarray, weighting: Weighting) -> np.ndarray:
    """Return the weight of each match, float32; `costs` are int32, from `matching.improve`."""
    weights = costs.astype(np.float32)
    weights *= np.float32(1 / SCALE**2)
    weights += np.float32(weighting.least)
    return np.power(weights, np.float32(-weighting.power), out=weights)


def vote(
    matches: np.ndarray, weights: np.ndarray, canvas: Canvas, size: Size, rows: Rows
) -> np.ndarray:
    """Return the picture, float32 `[*size, 3]` in [0, 1].

    Args:
        matches: int32 `[places down, places across]`.
        weights: float32, above 0, of that shape.
        size: height and width of the picture, pixels.
    """
    from nst_tf.synthesis import matching_loops as loops

    image = np.empty((*size, 3), np.float32)
    patch = size[0] - len(matches) + 1
    colors, across = canvas.colors.reshape(-1, 3), canvas.size[1]
    rows(loops.vote, size[0], colors, across, matches, weights, patch, image)
    return image
