"""Sizes: resampling in floating point, and fitting content and styles to what a run uses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

Size = tuple[int, int]
Box = tuple[float, float, float, float]


def check_image(name: str, image: Any) -> np.ndarray:
    """Return `image` as float32 `[1, H, W, 3]`, taking `[H, W, 3]` too.

    Raises:
        ValueError: it has another shape, is not finite, or leaves [0, 1]; the text says `name`.
    """
    array = np.asarray(image)
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[0] != 1 or array.shape[3] != 3 or not array.size:
        raise ValueError(
            f"{name} has shape {list(np.shape(image))}: expected [1, H, W, 3] or [H, W, 3]"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{name} has dtype {array.dtype}: expected floats in [0, 1]")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name} ranges from {array.min():g} to {array.max():g}: expected [0, 1]")
    return array.astype(np.float32, copy=False)


def fit_size(height: int, width: int, max_dim: int) -> tuple[int, int]:
    """Return the size with a long side of at most `max_dim` (0: any) at the same aspect ratio."""
    if not 0 < max_dim < max(height, width):
        return height, width
    return long_side_size(height, width, max_dim)


def long_side_size(height: int, width: int, long_side: float) -> tuple[int, int]:
    """Return the size with the given long side, pixels, at the same aspect ratio, at least 1×1."""
    return scaled((height, width), long_side / max(height, width))


def scaled(size: Size, ratio: float) -> Size:
    """Return height and width times `ratio`, rounded, at least a pixel each."""
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def resize(image: np.ndarray, size: tuple[int, int], box: Box | None = None) -> np.ndarray:
    """Resample an image with an antialiased Lanczos filter, in floating point.

    Args:
        image: float32 `[1, H, W, 3]` in [0, 1].
        size: height and width wanted, pixels.
        box: part of the image to use: left, top, right and bottom, pixels and their fractions.

    Returns:
        float32 `[1, *size, 3]` in [0, 1]; an image of that size already is returned as it is.
    """
    if image.shape[1:3] == tuple(size):
        return image
    planes = [resize_plane(image[0, :, :, channel], size, box) for channel in range(3)]
    return np.stack(planes, axis=-1)[None]


def resize_plane(
    plane: np.ndarray,
    size: tuple[int, int],
    box: Box | None = None,
    resample: Image.Resampling = Image.Resampling.LANCZOS,
) -> np.ndarray:
    """Resample one channel, `[H, W]`, as `resize` does an image, or with another filter."""
    if plane.shape == tuple(size):
        return plane
    height, width = size
    resized = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32)).resize(
        (width, height), resample, box
    )
    return np.clip(np.asarray(resized), 0, 1)  # Lanczos rings beyond the range


def cover(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image to cover `size` without distortion and crop it about its centre."""
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


def fit_pictures(
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    *,
    max_dim: int,
    style_scales: Sequence[float],
    detail: float = 1.0,
    smallest_side: int,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Resize the content to at most `max_dim` and each style to the content's long side × scale.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1].
        styles: at least one image of the same kind, of any size.
        max_dim: limit of the content's long side, pixels; 0 for none.
        style_scales: long side of each style relative to the content's; 0 keeps its size.
        detail: divides the sides of all styles.
        smallest_side: least height and width that the network needs, pixels.

    Returns:
        The content and the styles, float32 `[1, H, W, 3]`; those of the right size as they came.

    Raises:
        ValueError: an array is no image, or a picture is too small.
    """
    if not len(styles):
        raise ValueError("styles is empty: at least one style image is needed")
    content = check_image("content", content)
    height, width = content.shape[1:3]
    content = resize(content, fit_size(height, width, max_dim))
    _check_size("content", content, smallest_side, "use a larger picture")
    fitted = []
    for number, (style, ratio) in enumerate(zip(styles, style_scales, strict=True), start=1):
        name = "style" if len(styles) == 1 else f"style {number}"
        style = check_image(name, style)
        height, width = style.shape[1:3]
        side = max(content.shape[1:3]) * ratio if ratio else max(height, width)
        style = resize(style, long_side_size(height, width, side / detail))
        _check_size(name, style, smallest_side, "raise style_scale or lower detail")
        fitted.append(style)
    return content, fitted


def _check_size(name: str, image: np.ndarray, smallest_side: int, mend: str) -> None:
    height, width = image.shape[1:3]
    if min(height, width) < smallest_side:
        raise ValueError(
            f"{name} is {width}x{height} pixels at the size it is used: the deepest layer needs "
            f"{smallest_side} a side, so {mend}, or use shallower layers"
        )
