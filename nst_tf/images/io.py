"""Picture files as float32 arrays, read without TensorFlow."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from nst_tf.images.channels import Decoded
from nst_tf.images.exif import PhotoExif
from nst_tf.images.faces import Face, faces_of
from nst_tf.images.levels import to_float
from nst_tf.images.masks import LEAST_WHITE
from nst_tf.images.resize import Size, fit_size, resize_plane
from nst_tf.images.sources import Source, decode_any
from nst_tf.utils.errors import UserError

LEAST_COLOR = 0.002
"""Minimum share of coloured pixels in a map of labels; masks may have a few stray pixels."""

COLOR_RANGE = 0.1
"""Minimum difference between the channels of a coloured pixel, out of 1. It is wide enough for the
tint of scanned greys."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: float32 `[1, H, W, 3]`, sRGB in [0, 1]; half transparent pixels have their own
            colour, invisible ones are white.
        alpha: float32 `[H, W]` in [0, 1], or None if the file is opaque.
        has_profile: whether the file has a colour profile, and the output should have one.
        exif: the Exif data to keep.
        full_size: height and width in the file, pixels.
        faces: the faces in `pixels`, if they were sought.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    has_profile: bool = False
    exif: PhotoExif = field(default_factory=PhotoExif)
    full_size: Size = (0, 0)
    faces: tuple[Face, ...] = ()


def load_image(path: Source, max_dim: int = 0, most_pixels: int = 0) -> np.ndarray:
    """Read a picture and show its transparent parts over white.

    Args:
        path: a file of any format that Pillow reads, or HEIC with the extra `heif`: its path, its
            bytes, or the file opened in binary mode; or a PIL image or an array, as for `stylize`.
            Only the first frame of an animation is used. PNG and TIFF files with 16 bits a channel
            keep their precision.
        max_dim: limit of the long side, pixels; 0 for none. Pictures are never enlarged.
        most_pixels: maximum pixels of a file; 0: Pillow's limit, twice
            `PIL.Image.MAX_IMAGE_PIXELS`.

    Returns:
        float32 `[1, H, W, 3]`, sRGB in [0, 1].

    Raises:
        OSError: the file is missing, unreadable, not a picture or truncated, or memory ran out.
        UserError: the picture has too many pixels, or its pixels are not finite or out of range.
        TypeError: `path` is none of these.
    """
    return opaque(load_picture(path, max_dim, most_pixels=most_pixels))


def opaque(picture: Picture) -> np.ndarray:
    """Return the pixels of a picture, with its transparent parts shown over white."""
    if picture.alpha is None:
        return picture.pixels
    return over_white(picture.pixels, picture.alpha)


def over_white(pixels: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return pixels `[…, H, W, 3]` with an alpha `[H, W]`, in [0, 1], blended over white."""
    return 1 - alpha[..., None] * (1 - pixels)


def load_picture(
    path: Source, max_dim: int = 0, name: str = "", most_pixels: int = 0, faces: bool = False
) -> Picture:
    """Read a picture with its transparency; arguments and errors as for `load_image`.

    Args:
        name: what the errors call the picture; by default its path, or `the picture`.
        faces: whether to search the picture for faces.
    """
    shown = name or _name(path)
    try:
        decoded = decode_any(path, name, max_dim, most_pixels)
        size = fit_size(*decoded.size, max_dim)
        picture = as_picture(decoded, size, shown)
        return replace(picture, faces=faces_of(decoded, size)) if faces else picture
    except MemoryError:
        raise OSError(
            f"{shown} cannot be read: memory ran out, so scale the picture down first"
        ) from None


def _name(path: Source) -> str:
    return str(path) if isinstance(path, str | os.PathLike) else "the picture"


def as_picture(decoded: Decoded, size: Size, name: str) -> Picture:
    """Return a decoded picture at some size; errors, which contain `name`, as for `load_image`."""
    alpha = None if decoded.alpha is None else resize_plane(decoded.alpha, size)
    planes = list(_planes(decoded, alpha, size, name))
    pixels = np.stack(planes * (3 if len(planes) == 1 else 1), axis=-1)[None]
    return Picture(pixels, alpha, decoded.has_profile, decoded.exif, decoded.size)


def _planes(
    decoded: Decoded, alpha: np.ndarray | None, size: Size, path: str
) -> Iterator[np.ndarray]:
    """Yield each channel in floating point, `[*size]` in [0, 1]; `alpha` has that size too."""
    for channel in decoded.channels:  # one at a time: a photograph in floats is large
        plane = to_float(channel)
        if not np.isfinite(plane).all():
            raise UserError(f"{path} holds NaN or infinite pixels")
        if plane.min() < 0 or plane.max() > 1:
            raise UserError(f"{path} has pixels outside [0, 1]: scale floating-point ones to it")
        if alpha is not None and decoded.alpha is not None:
            if plane.shape != size:  # invisible pixels must not mix with their neighbours
                plane = resize_plane(plane * decoded.alpha, size) / np.maximum(alpha, 1e-6)
            plane = np.where(alpha > 0, np.minimum(plane, 1), 1)
        yield resize_plane(plane, size)


def load_mask(path: Source, most_pixels: int = 0, max_dim: int = 0) -> np.ndarray:
    """Read a mask, or a map of labels if it is in colour; transparent parts are black.

    Arguments are those of `load_image`.

    Returns:
        float32 in [0, 1], `[H, W]`, or `[H, W, 3]` for a map.

    Raises:
        OSError: as for `load_image`.
        ValueError: as for `load_image`, or a mask without colours is black all over.
    """
    picture = load_picture(path, max_dim, most_pixels=most_pixels)
    mask = picture.pixels[0]
    if picture.alpha is not None:
        mask = mask * picture.alpha[..., None]
    if (np.ptp(mask, axis=-1) > COLOR_RANGE).mean() > LEAST_COLOR:
        return mask
    mask = mask.mean(axis=-1)
    if mask.max() < LEAST_WHITE:
        raise UserError(
            f"{_name(path)} is black all over: a mask must be white where its region is"
        )
    return mask
