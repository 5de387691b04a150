"""Uploaded pictures: their checks and their places on the disk."""

import hashlib
import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from nst_tf.images.channels import separated
from nst_tf.images.decode import open_picture
from nst_tf.images.io import load_picture, opaque
from nst_tf.images.kinds import INSTALL_HEIF
from nst_tf.images.resize import preview
from nst_tf.page.limits import Limits
from nst_tf.page.order import safe_names
from nst_tf.page.visitor import Visitor
from nst_tf.utils.errors import UserError

PREVIEW_SIDE = 1024  # maximum long side of the picture in the mask editor, pixels


@dataclass(frozen=True, eq=False)
class Upload:
    """An accepted picture.

    Attributes:
        size: height and width of the upright picture, pixels.
        preview: the picture as a run reads it: in sRGB, transparent parts over white; uint8
            `[h, w, 3]`, with a limited long side.
    """

    size: tuple[int, int]
    preview: np.ndarray


def store_upload(visitor: Visitor, limits: Limits, name: str, file: BinaryIO, size: int) -> str:
    """Store a file of a visitor within its quota, and each file only once; return its path.

    Args:
        visitor: the visitor.
        limits: the quota.
        name: the visitor's name of the file.
        file: the opened file.
        size: size of the file, bytes.

    Raises:
        UserError: the file exceeds the quota by itself.
    """
    (name,) = safe_names([name])
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    path = visitor.uploads / digest[:32] / name
    if str(path) not in visitor.files or not path.exists():
        visitor.make_room(1, size, limits)
        path.parent.mkdir(exist_ok=True)
        file.seek(0)
        with open(path, "wb") as target:
            shutil.copyfileobj(file, target)
    granted = visitor.grant(path, max(1, size))
    os.utime(path)
    return granted


def check_upload(path: Path, name: str, max_pixels: int, side: int = PREVIEW_SIDE) -> Upload:
    """Return the size and the preview of an uploaded picture.

    Args:
        path: path of the file.
        name: the visitor's name of the file.
        max_pixels: the maximum number of pixels.
        side: the maximum long side of the preview, pixels.

    Raises:
        UserError: the picture is not accepted; the message says why in a sentence.
    """
    if not path.exists():
        raise UserError(f"{name} is no longer here: choose it again")
    if not path.stat().st_size:
        raise UserError(f"{name} is empty: choose a picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on the file, which the run repeats
            return _checked(path, name, max_pixels, side)
    except (OSError, ValueError, MemoryError) as error:
        # Visitors see no paths, and install nothing on the server.
        text = str(error).replace(str(path), name).replace(INSTALL_HEIF, "")
        raise UserError(text) from None


def _checked(path: Path, name: str, max_pixels: int, side: int) -> Upload:
    with open_picture(path) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise UserError(
                f"{name} has {width * height / 1e6:.0f} megapixels, more than the limit of "
                f"{max_pixels / 1e6:.0f}: scale it down first"
            )
        if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in ("L", "RGB"):
            return _checked_jpeg(image, side)
    picture = load_picture(path, side, name, max_pixels)
    return Upload(picture.full_size, preview(opaque(picture), side))


def _checked_jpeg(image: Image.Image, side: int) -> Upload:
    """Return an opened JPEG file, which is decoded at a smaller size if it is large."""
    width, height = image.size
    image.draft(image.mode, (side, side))
    upright = ImageOps.exif_transpose(image)
    if (upright.width < upright.height) != (width < height):
        width, height = height, width
    upright.thumbnail((side, side))
    channels = separated(upright, "").channels
    return Upload((height, width), np.stack(channels * (3 // len(channels)), axis=-1))
