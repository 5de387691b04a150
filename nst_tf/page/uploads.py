"""What visitors upload: checked before anything is done with it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ImageOps

from nst_tf.images.decode import open_picture
from nst_tf.utils.errors import UserError

EDITED = 1024  # pixels of the long side of the picture that masks are painted on, at most


@dataclass(frozen=True, eq=False)
class Upload:
    """A picture file that is taken.

    Attributes:
        size: height and width of the picture, upright, pixels.
        preview: uint8 `[h, w, 3]`, of at most `EDITED` pixels on the long side.
    """

    size: tuple[int, int]
    preview: np.ndarray


def check_upload(path: Path, name: str, most_pixels: int) -> Upload:
    """Return what an uploaded file shows.

    Args:
        path: of the file.
        name: by which the visitor knows it.
        most_pixels: that a picture may have.

    Raises:
        ValueError: it is no picture that is taken; the text says why in a sentence.
    """
    if not path.exists():
        raise UserError(f"{name} is no longer here: choose it again")
    if not path.stat().st_size:
        raise UserError(f"{name} is empty: choose a picture")
    try:
        with open_picture(path) as image:
            width, height = image.size
            if fits := width * height <= most_pixels:
                image.draft("RGB", (EDITED, EDITED))  # a large JPEG is decoded at a smaller size
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, MemoryError) as error:
        raise UserError(str(error).replace(str(path), name)) from None
    if not fits:
        raise UserError(
            f"{name} has {width * height / 1e6:.0f} megapixels: at most {most_pixels / 1e6:.0f} "
            "are taken, so scale it down first"
        )
    if (upright.width < upright.height) != (width < height):
        width, height = height, width
    upright.thumbnail((EDITED, EDITED))
    return Upload((height, width), np.asarray(upright))
