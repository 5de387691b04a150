"""Pictures from files, bytes, PIL images and arrays."""

import io
import os
from collections.abc import Sequence
from typing import BinaryIO, cast

import numpy as np
from PIL import Image

from nst_tf.images.channels import Decoded, decode_image
from nst_tf.images.decode import decode
from nst_tf.images.levels import to_float
from nst_tf.images.resize import as_array, as_image, channels_first
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath

Source = StrPath | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray
"""Types that are accepted as pictures."""


class _NamedBytes(io.BytesIO):
    """A file in memory with a name that errors show in place of a path."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self._name = name

    def __str__(self) -> str:
        return self._name


def listed(pictures: Source | Sequence[Source]) -> list[Source]:
    """Return a sequence of pictures, or one picture, as a list."""
    return list(pictures) if isinstance(pictures, list | tuple) else [cast(Source, pictures)]


def lasting(picture: Source, name: str) -> Source:
    """Return a picture that can be decoded again: the bytes of an open file."""
    if isinstance(picture, Image.Image) or not hasattr(picture, "read"):
        return picture
    data = picture.read()
    if not isinstance(data, bytes):
        raise TypeError(f"{name} is not a file opened in binary mode: open it with 'rb'")
    return data


def decode_any(picture: Source, name: str = "", max_dim: int = 0, most_pixels: int = 0) -> Decoded:
    """Return the channels of a picture, upright and in sRGB.

    Args:
        picture: a picture file as its path, its bytes, or opened in binary mode; a PIL image; or an
            array: floats in [0, 1], `[1, H, W, 3]` or `[H, W, 3]`, or uint8 or uint16, which may be
            grey, `[H, W]`, and have an alpha, `[H, W, 2]` or `[H, W, 4]`.
        name: what the errors call it; a path is named anyway.
        max_dim, most_pixels: of a file, as for `decode`.

    Raises:
        OSError: a file is missing, unreadable, not a picture or truncated.
        UserError: the picture has too many pixels, or an array is not a picture.
        MemoryError: the picture does not fit into memory.
        TypeError: it is nothing of the kind.
    """
    shown = name or "the picture"
    if isinstance(picture, str | os.PathLike):
        try:
            return decode(picture, max_dim, most_pixels)
        except (OSError, UserError) as error:
            if not name:
                raise
            raise type(error)(f"{name}: {error}") from None
    if isinstance(picture, Image.Image):
        return decode_image(picture, shown)
    picture = lasting(picture, shown)
    if isinstance(picture, bytes | bytearray | memoryview):
        # To the decoder a file is a file; what it calls a path is what its errors show.
        data = _NamedBytes(bytes(picture), shown)
        return decode(cast(StrPath, data), max_dim, most_pixels)
    if hasattr(picture, "__array__"):
        return _decode_array(shown, as_array(shown, picture))
    raise TypeError(
        f"{shown} is of type {type(picture).__name__}: pass a path, bytes, a file opened in binary "
        "mode, a PIL image or an array"
    )


def _decode_array(name: str, array: np.ndarray) -> Decoded:
    """Return the channels of an array.

    Raises:
        UserError: it is not a picture.
    """
    if array.dtype not in (np.uint8, np.uint16):
        return Decoded(list(np.moveaxis(as_image(name, array)[0], -1, 0)), None, False)
    levels = array[..., None] if array.ndim == 2 else array
    levels = levels[0] if levels.ndim == 4 and len(levels) == 1 else levels
    if levels.ndim != 3 or levels.shape[2] > 4 or not levels.size:
        raise UserError(
            f"{name} has shape {list(array.shape)}: expected [H, W] or [H, W, C] with 1 to 4 "
            f"channels{channels_first(array.shape)}"
        )
    channels, alpha = list(np.moveaxis(levels, -1, 0)), None
    if len(channels) in (2, 4):
        alpha = to_float(channels.pop())
    return Decoded(channels, None if alpha is None or alpha.min() == 1 else alpha, False)
