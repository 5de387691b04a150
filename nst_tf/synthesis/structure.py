"""Structure kept where the paintings have no patch for it, and parts that are kept as they are.

    T'(y) = T(y) + m(y) (L(B(y)) − L(T(y)))        m = s · clamp((c(y) − c₀) / (c₁ − c₀), 0, 1)

T is the picture of a level's last vote, B its guide, L the luma, and c the mean cost of a pixel of
the patches over y. Small things for which no patch fits, such as windows and contours, remain in
the colours of the paint. Texler et al. ("Arbitrary Style Transfer Using Neurally-Guided Patch-Based
Synthesis", Computers & Graphics 2020) name their loss as what remains to be solved.
"""

import numpy as np

from nst_tf.images.masks import compose
from nst_tf.synthesis.matching import SCALE
from nst_tf.synthesis.threads import Rows

STRENGTH = 1.4  # s, relative to `Strokes.detail`; it is at most 1
ABOVE = 0.5  # of s above the size of the network's picture, whose guide is soft
FITTING, FAILING = 1.5e-3, 1.2e-2  # c₀ and c₁


def structure_strength(detail: float) -> float:
    """Return s for `Strokes.detail`, at levels up to the network's size."""
    return min(1.0, STRENGTH * detail)


def restore_structure(
    image: np.ndarray, guide: np.ndarray, costs: np.ndarray, strength: float, rows: Rows
) -> None:
    """Change a picture to T'.

    Args:
        image: T, float32 `[H, W, 3]` in [0, 1].
        guide: B, float32 `[H, W, 3]`.
        costs: int32, from `matching.improve`.
        strength: s, from 0 to 1.
    """
    from nst_tf.synthesis import matching_loops as loops

    patch = len(image) - len(costs) + 1
    low, high = FITTING * SCALE**2, FAILING * SCALE**2
    rows(loops.restore_structure, len(image), image, guide, costs, patch, strength, low, high)


def keep_parts(image: np.ndarray, guide: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Return a picture with its guide where `keep` is 1.

    Args:
        image: float32 `[H, W, 3]` in [0, 1].
        guide: of that shape.
        keep: float32 `[H, W]` in [0, 1].
    """
    return np.clip(compose(guide, image, keep[..., None]), 0, 1)
