"""Pictures that tile: margins that repeat the other side, and photos whose edges meet."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from nst_tf.images.masks import Region, compose
from nst_tf.images.resize import Box, Size, resize, resize_plane

MARGIN = 32
"""Pixels beyond an edge that are seen with it: nearly all that a feature of block 4 depends on, and
all that a round of brushstrokes does."""

BLEND = 0.3
"""Share of half a side in which `overlapped` blends."""

Margins = tuple[int, int]
"""Rows above and below a picture, and columns on its left and right, that repeat the other side."""


def margins(tileable: str, size: Size) -> Margins:
    """Return the margins of a picture: 0 where its edges need not meet.

    Args:
        tileable: `none`, `both`, `x` (left and right meet) or `y`.
        size: height and width, pixels.
    """
    height, width = (min(MARGIN, side) for side in size)
    return height * (tileable in ("both", "y")), width * (tileable in ("both", "x"))


def padded_size(tileable: str, size: Size) -> Size:
    """Return height and width with the margins, pixels."""
    rows, columns = margins(tileable, size)
    return size[0] + 2 * rows, size[1] + 2 * columns


def wrapped(array: np.ndarray, around: Margins, first: int = 0) -> np.ndarray:
    """Return an array with margins along the axes `first` and `first + 1`."""
    if not any(around):
        return array
    widths = [(0, 0)] * array.ndim
    widths[first], widths[first + 1] = ((margin, margin) for margin in around)
    return np.pad(array, widths, "wrap")


def resize_tile(image: np.ndarray, size: Size, tileable: str) -> np.ndarray:
    """Resample an image as `resize` does, as if it were repeated where its edges meet."""
    own = image.shape[1:3]
    if tileable == "none" or own == tuple(size):
        return resize(image, size)
    around = margins(tileable, own)
    return resize(wrapped(image, around, 1), size, inner_box(around, own))


def inner_box(around: Margins, size: Size) -> Box:
    """Return what is between the margins of a picture of some size without them."""
    (top, left), (height, width) = around, size
    return left, top, left + width, top + height


def wrapped_regions(regions: Sequence[Region], around: Margins, size: Size) -> list[Region]:
    """Return regions whose content masks have a size, and margins."""
    if not any(around):
        return list(regions)
    masks = (region.content for region in regions)
    return [
        replace(
            region,
            content=None
            if mask is None
            else wrapped(resize_plane(mask, size, resample=Image.Resampling.HAMMING), around),
        )
        for region, mask in zip(regions, masks, strict=True)
    ]


def rewrapped(array: np.ndarray, around: Margins, size: Size) -> np.ndarray:
    """Return an array, `[rows, columns, …]`, whose margins repeat what is between them again.

    Args:
        size: height and width between the margins. What follows them is the second margin, which
            is shorter for places of patches.
    """
    if not any(around):
        return array
    widths = [(0, 0)] * array.ndim
    for axis, (margin, side) in enumerate(zip(around, size, strict=True)):
        if margin:
            widths[axis] = margin, array.shape[axis] - margin - side
            array = np.take(array, range(margin, margin + side), axis)
    return np.pad(array, widths, "wrap")


def cropped(array: np.ndarray, around: Margins, size: Size) -> np.ndarray:
    """Return what is between the margins, `[*size, …]`, contiguous."""
    (top, left), (height, width) = around, size
    return np.ascontiguousarray(array[top : top + height, left : left + width])


def periodic(image: np.ndarray, tileable: str) -> np.ndarray:
    """Return an image, float32 `[1, H, W, C]` in [0, 1], whose edges meet, by a smooth change.

    It is the periodic component of Moisan, "Periodic plus Smooth Image Decomposition" (Journal of
    Mathematical Imaging and Vision, 2011): the image less the smooth s with Δs = v, where v are the
    jumps from one edge to the opposite one, and Δ is the periodic Laplacian.
    """
    if tileable == "none":
        return image
    picture = image[0].astype(np.float64)
    jumps = np.zeros_like(picture)
    if tileable in ("both", "y"):
        across = picture[-1] - picture[0]
        jumps[0] += across
        jumps[-1] -= across
    if tileable in ("both", "x"):
        across = picture[:, -1] - picture[:, 0]
        jumps[:, 0] += across
        jumps[:, -1] -= across
    rows, columns = (2 * np.cos(2 * np.pi * np.arange(n) / n) for n in picture.shape[:2])
    laplacian = rows[:, None] + columns - 4
    laplacian[0, 0] = 1  # the mean of the jumps is 0
    spectrum = np.fft.fft2(jumps, axes=(0, 1)) / laplacian[..., None]
    smooth = np.fft.ifft2(spectrum, axes=(0, 1)).real
    return np.clip(picture - smooth, 0, 1).astype(np.float32)[None]


def overlapped(image: np.ndarray, tileable: str) -> np.ndarray:
    """Return an image, `[1, H, W, C]`, whose edges show what is in its middle, so they meet.

    It is blended with itself, moved by half its side. This repeats motifs, so it is for textures.
    """
    for axis, letter in ((1, "y"), (2, "x")):
        if tileable in ("both", letter):
            side = image.shape[axis]
            shape = [-1 if other == axis else 1 for other in range(image.ndim)]
            from_middle = np.abs((2 * np.arange(side) + 1) / side - 1).reshape(shape)
            share = np.clip((0.5 + BLEND / 2 - from_middle) / BLEND, 0, 1).astype(np.float32)
            image = compose(image, np.roll(image, side // 2, axis), share)
    return image
