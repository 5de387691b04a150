"""Start images: that of a run, and that of each finer scale."""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.resize import as_image, cover
from nst_tf.images.wrap import resize_tile
from nst_tf.settings import INITS, Settings
from nst_tf.utils.errors import UserError


def start_image(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    settings: Settings,
    initial: np.ndarray | None = None,
) -> np.ndarray:
    """Return the image that the first step changes.

    Noise is uniform in [0, 1] and depends only on the seed and the shape.

    Args:
        content: the photo at the coarsest scale, float32 `[1, H, W, 3]` in [0, 1].
        styles: the paintings at the coarsest scale.
        initial: image to start from in place of `settings.init`, of any size.

    Returns:
        float32 of the content's shape, in [0, 1].

    Raises:
        UserError: `settings.init` is a path, or `initial` is not an image.
    """
    size = content.shape[1:3]
    if initial is not None:
        return cover(as_image("initial", initial), size)
    if settings.init == "content":
        return content
    if settings.init == "style":
        return cover(styles[0], size)
    if settings.init == "noise":
        return np.random.default_rng(settings.seed).random(content.shape, dtype=np.float32)
    if settings.init == "white":
        return np.ones_like(content)
    raise UserError(
        f"init {settings.init!r} is not one of {', '.join(INITS)}: pass a picture as `initial`"
    )


def upsample_start(
    image: np.ndarray,
    coarse: np.ndarray,
    photo: np.ndarray,
    strength: float,
    tileable: str = "none",
) -> np.ndarray:
    """Return the image of a scale at the size of the next finer scale.

    The detail that the photo has only at the finer size is added, times 1 − strength: all of it at
    a strength of 0, nothing from a strength of 1.

    Args:
        image: result of the coarser scale, float32 `[1, h, w, 3]` in [0, 1].
        photo: the photo at the finer scale, `[1, H, W, 3]`.
        tileable: which edges meet, as in `images.wrap.margins`.
    """
    size = photo.shape[1:3]
    image = resize_tile(image, size, tileable)
    if strength < 1:
        fine = photo - resize_tile(coarse, size, tileable)
        image = np.clip(image + (1 - strength) * fine, 0, 1)
    return image
