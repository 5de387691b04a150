"""Where a scale starts: from what `init` says, or from the coarser scale's image."""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.resize import check_image, cover, resize
from nst_tf.settings import INITS, Settings


def start_image(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    settings: Settings,
    initial: np.ndarray | None = None,
) -> np.ndarray:
    """Return the image that the first step changes, float32 of the content's shape.

    Noise is uniform in [0, 1] and depends on nothing but the seed and the shape.
    """
    size = content.shape[1:3]
    if initial is not None:
        return cover(check_image("initial", initial), size)
    if settings.init == "content":
        return content
    if settings.init == "style":
        return cover(styles[0], size)
    if settings.init == "noise":
        return np.random.default_rng(settings.seed).random(content.shape, dtype=np.float32)
    if settings.init == "white":
        return np.ones_like(content)
    raise ValueError(
        f"init {settings.init!r} is not one of {', '.join(INITS)}: pass a picture as `initial`"
    )


def refined(
    image: np.ndarray, coarse: np.ndarray, photo: np.ndarray, strength: float
) -> np.ndarray:
    """Return a scale's image at the size of the next finer one.

    What the photo has at that size alone is added to it the more, the weaker the style is: all of
    it at a strength of 0, nothing from 1 on.

    Args:
        image: of the coarser scale, float32 `[1, h, w, 3]` in [0, 1].
        coarse: the photo there.
        photo: the photo at the finer scale, `[1, H, W, 3]`.
        strength: as in `Settings`.
    """
    size = photo.shape[1:3]
    image = resize(image, size)
    if strength >= 1:
        return image
    fine = photo - resize(coarse, size)
    return np.clip(image + (1 - strength) * fine, 0, 1)
