"""Resampling in floating point, and the sizes of pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.images.levels import quantize
from nst_tf.utils.errors import UserError

Size = tuple[int, int]
"""Height and width, pixels."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of a picture, pixels and their fractions."""


def as_array(name: str, values: Any) -> np.ndarray:
    """Return an array or an eager tensor as an array.

    Raises:
        UserError: it has no values, like a tensor in a graph.
    """
    try:
        return np.asarray(values)
    except (NotImplementedError, ValueError):  # of TensorFlow, and of Keras
        raise UserError(
            f"{name} is a {type(values).__name__} without values: pass a tensor from outside "
            "tf.function, or an array"
        ) from None


def channels_first(shape: Sequence[int]) -> str:
    """Return the remedy for pictures with their channels first; empty for other shapes."""
    first = len(shape) in (3, 4) and shape[-3] in (1, 3, 4) and shape[-1] > 4
    return "; put the channels last with numpy.moveaxis(picture, -3, -1)" if first else ""


def as_image(name: str, image: Any) -> np.ndarray:
    """Return an image, floats `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], as float32 `[1, H, W, 3]`.

    Raises:
        UserError: the array has another shape, is not finite, or leaves [0, 1]; the text contains
            `name`.
    """
    array = as_array(name, image)
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[0] != 1 or array.shape[3] != 3 or not array.size:
        raise UserError(
            f"{name} has shape {list(np.shape(image))}: expected [1, H, W, 3] or [H, W, 3]"
            f"{channels_first(array.shape)}"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{name} has dtype {array.dtype}: expected floats in [0, 1], or levels as uint8 or "
            "uint16; convert it with .astype"
        )
    if not np.isfinite(array).all():
        raise UserError(f"{name} holds NaN or infinity")
    if array.min() < 0 or array.max() > 1:
        levels = "; divide levels by 255" if array.min() >= 0 else ""
        raise UserError(
            f"{name} ranges from {array.min():g} to {array.max():g}: expected [0, 1]{levels}"
        )
    return array.astype(np.float32, copy=False)


def fit_size(height: int, width: int, max_dim: int) -> tuple[int, int]:
    """Return the size, pixels, with a long side of at most `max_dim` at the same aspect ratio.

    A `max_dim` of 0 sets no limit.
    """
    if not 0 < max_dim < max(height, width):
        return height, width
    return long_side_size(height, width, max_dim)


def long_side_size(height: int, width: int, long_side: float) -> tuple[int, int]:
    """Return the size with the given long side, pixels, at the same aspect ratio, at least 1×1."""
    return scaled((height, width), long_side / max(height, width))


def scaled(size: Size, ratio: float) -> Size:
    """Return height and width times `ratio`, rounded, at least one pixel each."""
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def resize(image: np.ndarray, size: tuple[int, int], box: Box | None = None) -> np.ndarray:
    """Resample an image, or a box of it, with an antialiased Lanczos filter, in floating point.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        size: height and width of the result, pixels; with the image's size, it is the same array.
        box: the part of the image to use; None: all of it.
    """
    if image.shape[1:3] == tuple(size) and box is None:
        return image
    planes = [resize_plane(image[0, :, :, channel], size, box) for channel in range(3)]
    return np.stack(planes, axis=-1)[None]


def resize_plane(
    plane: np.ndarray,
    size: tuple[int, int],
    box: Box | None = None,
    resample: Image.Resampling = Image.Resampling.LANCZOS,
) -> np.ndarray:
    """Resample one channel, float32 `[H, W]` in [0, 1], as `resize` resamples three.

    Other filters than Lanczos can be chosen.
    """
    if plane.shape == tuple(size) and box is None:
        return plane
    height, width = size
    resized = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
        (width, height), resample, box
    )
    return np.clip(np.asarray(resized), 0, 1)  # Lanczos rings beyond the range


def preview(image: np.ndarray, long_side: int) -> np.ndarray:
    """Return an image, float32 `[1, h, w, 3]` in [0, 1], as uint8 `[h, w, 3]` of a limited size."""
    _, height, width, _ = image.shape
    return quantize(resize(image, fit_size(height, width, long_side))[0])


def cover(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image `[1, H, W, 3]` to cover `size` undistorted, and crop it about its centre."""
    height, width = size
    _, old_height, old_width, _ = image.shape
    scale = max(height / old_height, width / old_width)
    top, left = (old_height - height / scale) / 2, (old_width - width / scale) / 2
    box = (
        max(0, left),
        max(0, top),
        min(old_width, left + width / scale),
        min(old_height, top + height / scale),
    )
    return resize(image, size, box)
