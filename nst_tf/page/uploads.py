"""Checks of uploaded pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageOps

from nst_tf.images.decode import open_picture
from nst_tf.utils.errors import UserError

PREVIEW_SIDE = 1024  # maximum long side of the picture in the mask editor, pixels


@dataclass(frozen=True, eq=False)
class Upload:
    """An accepted picture.

    Attributes:
        size: height and width of the upright picture, pixels.
        preview: uint8 `[h, w, 3]`, with at most `PREVIEW_SIDE` pixels on the long side.
    """

    size: tuple[int, int]
    preview: np.ndarray


def check_upload(path: Path, name: str, max_pixels: int) -> Upload:
    """Return the size and the preview of an uploaded picture.

    Args:
        path: path of the file.
        name: the visitor's name of the file.
        max_pixels: the maximum number of pixels.

    Raises:
        ValueError: the picture is not accepted; the message says why in a sentence.
    """
    if not path.exists():
        raise UserError(f"{name} is no longer here: choose it again")
    if not path.stat().st_size:
        raise UserError(f"{name} is empty: choose a picture")
    try:
        with open_picture(path) as image:
            width, height = image.size
            if fits := width * height <= max_pixels:
                image.draft(
                    "RGB", (PREVIEW_SIDE, PREVIEW_SIDE)
                )  # a large JPEG is decoded at a smaller size
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, MemoryError) as error:
        raise UserError(str(error).replace(str(path), name)) from None
    if not fits:
        raise UserError(
            f"{name} has {width * height / 1e6:.0f} megapixels, more than the limit of "
            f"{max_pixels / 1e6:.0f}: scale it down first"
        )
    if (upright.width < upright.height) != (width < height):
        width, height = height, width
    upright.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    return Upload((height, width), np.asarray(upright))
