"""The sharpness of a picture: how much of its contrast is fine.

    z(I) = mean |L − L₁| / mean |L₂ − L₄|

L is the luma of I, and L_σ its blur with a standard deviation of σ pixels. Few steps of the network
can leave its picture blurred. Matched with a sharp painting, such a picture would find blurred
patches only. At a smaller size it is sharp, and the levels enlarge it from there.
"""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.resize import Size, resize
from nst_tf.synthesis.guides import blurred, luminance
from nst_tf.synthesis.sources import PaintSource

BLURRED = 0.55
"""Sharpness, relative to photo and paintings, below which a picture is blurred. Pictures of enough
steps have 0.67 and more of the paintings' sharpness."""

LEAST = 1e-4
"""Added to both means, so that the rounding of a flat image does not count."""


def sharp_size(
    picture: np.ndarray, photo: np.ndarray | None, sources: Sequence[PaintSource], size: Size,
    sizes: Sequence[Size],
) -> Size:  # fmt: skip
    """Return the largest of `sizes` at which a picture is not blurred; if none is, the first one.

    Args:
        picture: the network's picture, float32 `[1, h, w, 3]` in [0, 1].
        photo: float32 `[1, *size, 3]`, or `None`: only the paintings count. A picture near a
            blurred photo is not blurred.
        size: height and width of the result, pixels.
        sizes: heights and widths up to the picture's, small to large.
    """
    for candidate in reversed(sizes[1:]):
        ratio = max(candidate) / max(size)
        expected = sharpness([resize(s.image[None], s.size_at(ratio))[0] for s in sources])
        if photo is not None:
            expected = min(expected, sharpness([resize(photo, candidate)[0]]))
        if sharpness([resize(picture, candidate)[0]]) >= BLURRED * expected:
            return candidate
    return sizes[0]


def sharpness(images: Sequence[np.ndarray]) -> float:
    """Return z of all pixels of images, float32 `[h, w, 3]`; about 1 without contrast."""
    fine = coarse = LEAST * sum(image.shape[0] * image.shape[1] for image in images)
    for image in images:
        grey = luminance(image)
        fine += float(np.abs(grey - blurred(grey, 1)).sum())
        coarse += float(np.abs(blurred(grey, 2) - blurred(grey, 4)).sum())
    return fine / coarse
