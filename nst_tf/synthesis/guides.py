"""Guides: what a level is matched by, for the picture and for the paintings alike."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nst_tf.images.resize import Size, resize_plane

BLUR = 0.5  # standard deviation, pixels: the network's grain does not count
EDGE_BLUR = 2.0  # standard deviation, pixels: edges are what this blur removes
EDGES = 0.3  # weight of the photo's edges


def blurred(image: np.ndarray, deviation: float) -> np.ndarray:
    """Return an image, float32 `[H, W, C]`, less its detail: a Gaussian blur, borders mirrored."""
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


def reduced(image: np.ndarray, size: Size, smaller: Size) -> np.ndarray:
    """Return an image, float32 `[H, W, C]`, as it is after reduction and enlargement."""
    return sized(sized(image, smaller), size, Image.Resampling.BICUBIC)


def sized(
    image: np.ndarray, size: Size, how: Image.Resampling = Image.Resampling.LANCZOS
) -> np.ndarray:
    """Return an image, float32 `[h, w, C]` in [0, 1], at another size."""
    planes = [resize_plane(image[..., c], size, resample=how) for c in range(image.shape[2])]
    return np.stack(planes, axis=-1)


def luminance(image: np.ndarray) -> np.ndarray:
    """Return the luma of an image, float32 `[H, W, 3]`, as `[H, W, 1]`."""
    return image @ np.array([[0.299], [0.587], [0.114]], np.float32)


def photo_edges(photo: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return the photo's edges at the picture's contrast, float32 `[H, W, 1]`.

    They are the photo's luma less its blur.
    """
    grey = luminance(photo)
    contrast = luminance(picture).std() / max(grey.std(), np.float32(1e-3))
    return (grey - blurred(grey, EDGE_BLUR)) * min(contrast, np.float32(2))


def detail_share(photo: np.ndarray, share: float) -> np.ndarray:
    """Return 1 where a photo has detail, 0 where it is flat, and values between, `[H, W, 1]`.

    Detail is the mean magnitude of what a blur removes. The mean of the result is about `share`.

    Args:
        photo: float32 `[H, W, 3]`.
    """
    unit = max(photo.shape[:2]) / 512
    grey = luminance(photo)
    energy = blurred(np.abs(grey - blurred(grey, 4 * unit)), 6 * unit)
    energy = blurred(widened(energy, round(4 * unit)), 6 * unit)
    low, high = np.quantile(energy, np.clip((0.85 - share, 1.15 - share), 0, 1))
    return np.clip((energy - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def widened(plane: np.ndarray, radius: int) -> np.ndarray:
    """Return the maximum over the square of a radius around each pixel, `[H, W, 1]`."""
    for axis in (0, 1):
        padding = [(0, 0)] * plane.ndim
        padding[axis] = (radius, radius)
        padded = np.pad(plane, padding, "edge")
        plane = sliding_window_view(padded, 2 * radius + 1, axis).max(-1)
    return plane


def mixed(fine: np.ndarray, bold: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return `fine` where `share` is 1, and `bold` where it is 0."""
    return share * fine + (1 - share) * bold
