"""Cuts: where a film goes over to another scene, and the style starts again."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from nst_tf.images.preview import preview
from nst_tf.video.flow import optical_flow, warp

LONG_SIDE = 128  # pixels at which frames are compared, whatever their size
BINS = 8  # of each channel's histogram
# Between sample pictures these are at least 0.37 and 0.73, between frames of a camera that moves by
# a tenth of the picture at most 0.1 and 0.08; a flash that doubles the light has 0.33 and 0.21.
LEAST_CHANGE = 0.2  # of the colours' histogram, Hellinger's distance
LEAST_RESIDUAL = 0.3  # share of the variance that motion does not explain
LEAST_VARIANCE = 1e-5  # below which a frame shows nothing


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Return whether a cut lies between two frames: other colours, which no motion explains.

    Both have to hold. A pan changes what is there step by step, and fades and flashes leave
    things in their places.

    Args:
        before, after: float32 `[H, W, 3]` in [0, 1].
    """
    one, other = (_thumbnail(frame) for frame in (before, after))
    if color_change(one, other) < LEAST_CHANGE:
        return False
    return motion_residual(one, other) >= LEAST_RESIDUAL


def scenes(frames: Iterable[np.ndarray]) -> Iterator[int]:
    """Yield the numbers of the frames, from 0, with which the scenes begin."""
    before = None
    for number, frame in enumerate(frames):
        if before is None or is_cut(before, frame):
            yield number
        before = frame


def color_change(one: np.ndarray, other: np.ndarray) -> float:
    """Return Hellinger's distance of two frames' histograms of colours, 0 to 1."""
    first, second = (
        cv2.calcHist([np.uint8(255 * frame)], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
        for frame in (one, other)
    )
    return cv2.compareHist(_spread(first), _spread(second), cv2.HISTCMP_BHATTACHARYYA)


def motion_residual(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 − r² of a frame and the other moved to it, 0 to 1; a change of light is none."""
    there = warp(one, optical_flow(other, one))
    values = np.stack([there.ravel(), other.ravel()]).astype(np.float64)
    (variance, shared), (_, other_variance) = np.cov(values)
    if min(variance, other_variance) < LEAST_VARIANCE:
        return float(max(variance, other_variance) >= LEAST_VARIANCE)
    return 1 - shared**2 / (variance * other_variance) if shared > 0 else 1.0


def _spread(histogram: np.ndarray) -> np.ndarray:
    """Return a histogram whose bins share with their neighbours: no border splits a colour."""
    for axis in range(histogram.ndim):
        padded = np.moveaxis(np.pad(histogram, [(int(n == axis),) * 2 for n in range(3)]), axis, 0)
        shared = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        histogram = np.moveaxis(shared, 0, axis)
    return np.ascontiguousarray(histogram)


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    return preview(frame[None], LONG_SIDE).astype(np.float32) / 255
