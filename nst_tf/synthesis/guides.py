"""Guides: what a level is matched by, for the picture and for the paintings alike."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nst_tf.images.color import LUMA
from nst_tf.images.resize import Box, Size, fit_size, resize_plane, scaled
from nst_tf.images.wrap import Margins, inner_box, wrapped

BLUR = 0.5  # standard deviation, pixels: the network's grain does not count
EDGE_BLUR = 2.0  # standard deviation, pixels: edges are what this blur removes
EDGES = 0.3  # weight of the photo's edges where it has detail
DETAIL_SIDE = 256  # long side, pixels, at which the photo's detail is measured


def blurred(image: np.ndarray, deviation: float) -> np.ndarray:
    """Return an image, float32 `[H, W, C]`, after a Gaussian blur; borders are repeated."""
    radius = int(3 * deviation + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    for axis in (0, 1):
        padding = [(0, 0)] * image.ndim
        padding[axis] = (radius, radius)
        padded = np.pad(image, padding, "edge")
        length = image.shape[axis]
        image = sum(
            weight * np.take(padded, range(start, start + length), axis)
            for start, weight in enumerate(weights)
        )
    return image


def enlarged_guide(
    image: np.ndarray, photo: np.ndarray | None, size: Size, around: Margins = (0, 0)
) -> np.ndarray:
    """Return the guide of a level above the network's size: the level before, with photo detail.

    The detail is what the photo's luma has and the size before could not hold.

    Args:
        image: the level before, float32 `[h, w, 3]`.
        photo: float32 `[*size, 3]`, or `None`.
        around: the image's margins, if its edges meet.
    """
    own = image.shape[:2]
    box = inner_box(around, own) if any(around) else None

    def enlarged(image: np.ndarray) -> np.ndarray:
        return sized(wrapped(image, around), size, Image.Resampling.BICUBIC, box)

    guide = enlarged(image)
    if photo is not None:
        grey = luminance(photo)
        grey -= enlarged(sized(grey, own))
        guide += grey
    return guide


def enlarged_reference(painting: np.ndarray, smaller: Size, size: Size) -> np.ndarray:
    """Return a painting, float32 `[h, w, 3]`, as softened as `enlarged_guide` is."""
    own = painting.shape[:2]
    reduced = sized(painting, scaled(own, max(smaller) / max(size)))
    return sized(reduced, own, Image.Resampling.BICUBIC)


def sized(
    image: np.ndarray,
    size: Size,
    how: Image.Resampling = Image.Resampling.LANCZOS,
    box: Box | None = None,
) -> np.ndarray:
    """Return an image, float32 `[h, w, C]` in [0, 1], or a box of it, at another size."""
    result = np.empty((*size, image.shape[2]), np.float32)
    for c in range(image.shape[2]):
        result[..., c] = resize_plane(image[..., c], size, box, how)
    return result


def network_guide(
    picture: np.ndarray,
    photo: np.ndarray | None,
    share: np.ndarray | None,
    around: Margins = (0, 0),
) -> np.ndarray:
    """Return the guide of a level up to the network's size: its picture, with the photo's edges.

    Args:
        picture: the network's picture, float32 `[H, W, 3]`.
        photo: of that shape, or `None`.
        share: from `detail_share`, or `None`: where the photo's edges count.
        around: the margins that the guide gets.
    """
    guide = blurred(wrapped(picture, around), BLUR)
    if photo is not None and share is not None:
        weight = np.float32(EDGES) * wrapped(fitted_share(share, picture.shape[:2]), around)
        guide = guide + weight * photo_edges(wrapped(photo, around), wrapped(picture, around))
    return guide


def luminance(image: np.ndarray) -> np.ndarray:
    """Return the luma of an image, float32 `[H, W, 3]`, as `[H, W, 1]`."""
    return image @ LUMA[:, None]


def photo_edges(photo: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return the photo's edges at the picture's contrast, float32 `[H, W, 1]`.

    They are the photo's luma less its blur.
    """
    grey = luminance(photo)
    contrast = luminance(picture).std() / max(grey.std(), np.float32(1e-3))
    return (grey - blurred(grey, EDGE_BLUR)) * min(contrast, np.float32(2))


def detail_share(photo: np.ndarray, share: float) -> np.ndarray:
    """Return where a photo has detail: 1, and where it is flat: 0, float32 `[h, w]`.

    Detail is the mean magnitude of what a blur removes from the luma. The result has a mean of
    about `share`, is 0 everywhere at a share of 0, and has a long side of at most `DETAIL_SIDE`.

    Args:
        photo: float32 `[H, W, 3]`.
    """
    height, width = photo.shape[:2]
    size = fit_size(height, width, DETAIL_SIDE)
    grey = sized(luminance(photo), size)
    energy = blurred(np.abs(grey - blurred(grey, 2)), 3)
    energy = blurred(widened(energy, 2), 3)[..., 0]
    # Between two quantiles, the result grows from 0 to 1.
    low, high = np.quantile(energy, np.clip((1 - 1.3 * share, 1.3 - 1.3 * share), 0, 1))
    return np.clip((energy - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def fitted_share(share: np.ndarray, size: Size) -> np.ndarray:
    """Return a plane, float32 `[h, w]`, at a size, as `[*size, 1]`."""
    return resize_plane(share, size, resample=Image.Resampling.BILINEAR)[..., None]


def widened(plane: np.ndarray, radius: int) -> np.ndarray:
    """Return the maximum over the square of a radius around each pixel, `[H, W, 1]`."""
    for axis in (0, 1):
        padding = [(0, 0)] * plane.ndim
        padding[axis] = (radius, radius)
        padded = np.pad(plane, padding, "edge")
        plane = sliding_window_view(padded, 2 * radius + 1, axis).max(-1)
    return plane
