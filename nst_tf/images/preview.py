"""Small pictures of a run in progress."""

import numpy as np

from nst_tf.images.levels import quantize
from nst_tf.images.resize import fit_size, resize


def preview(image: np.ndarray, long_side: int) -> np.ndarray:
    """Return an image, float32 `[1, h, w, 3]` in [0, 1], as uint8 `[h, w, 3]` of a limited size.

    Args:
        image: of any scale; it is never enlarged.
        long_side: limit of its long side, pixels.
    """
    _, height, width, _ = image.shape
    return quantize(resize(image, fit_size(height, width, long_side))[0])
