"""Detection of cuts, where the style starts again."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from nst_tf.images.levels import to_float
from nst_tf.images.resize import preview
from nst_tf.video.flow import optical_flow, warp

LONG_SIDE = 128  # pixels of the long side at which frames are compared
BINS = 8  # bins of each channel's histogram
# Colour change and motion residual are at least 0.37 and 0.73 between two sample pictures, at most
# 0.1 and 0.08 for a camera that moves by a tenth of the picture, and 0.33 and 0.21 for a flash that
# doubles the light.
MIN_CHANGE = 0.2  # Hellinger distance of the colour histograms
MIN_RESIDUAL = 0.3  # fraction of the variance that motion does not explain
MIN_VARIANCE = 1e-5  # variance below which a frame counts as uniform
GRAIN = 2.0  # standard deviation of the blur that removes a camera's noise, pixels


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Return whether a cut lies between two frames: colours differ, and no motion explains it.

    Both conditions are needed. A pan changes the colours gradually, and fades and flashes leave
    things in their places. A uniform frame, the middle of a fade, shows nothing, so no scene begins
    there, unless a film does.

    Args:
        before: the latest frame that is not uniform, or the film's first, float32 `[H, W, 3]` in
            [0, 1].
        after: the frame in question.
    """
    if is_uniform(after):
        return False
    if is_uniform(before):
        return True
    one, other = (_small(frame) for frame in (before, after))
    if color_change(one, other) < MIN_CHANGE:
        return False
    return motion_residual(one, other) >= MIN_RESIDUAL


def scenes(frames: Iterable[np.ndarray]) -> Iterator[int]:
    """Yield the index of each scene's first frame."""
    before = None
    for number, frame in enumerate(frames):
        if before is None or is_cut(before, frame):
            yield number
        if before is None or not is_uniform(frame):
            before = frame


def is_uniform(frame: np.ndarray) -> bool:
    """Return whether a frame, float32 `[H, W, 3]` in [0, 1], has one colour, apart from noise."""
    return bool(without_noise(_small(frame)).var(axis=(0, 1)).max() < MIN_VARIANCE)


def without_noise(frame: np.ndarray) -> np.ndarray:
    """Return a frame, float32 `[H, W, 3]`, blurred by the size of a camera's noise."""
    return cv2.GaussianBlur(frame, (0, 0), GRAIN, borderType=cv2.BORDER_REFLECT)


def color_change(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Hellinger distance of two frames' colour histograms, 0 to 1."""
    first, second = (
        cv2.calcHist([np.uint8(255 * frame)], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
        for frame in (one, other)
    )
    return cv2.compareHist(_smoothed(first), _smoothed(second), cv2.HISTCMP_BHATTACHARYYA)


def motion_residual(one: np.ndarray, other: np.ndarray) -> float:
    """Return how much of a frame another one, warped to it, does not explain, 0 to 1."""
    return unexplained(warp(one, optical_flow(other, one)), other)


def unexplained(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 − r² of the values of two frames, 0 to 1; brightness has no effect."""
    values = np.stack([one.ravel(), other.ravel()]).astype(np.float64)
    (variance, shared), (_, other_variance) = np.cov(values)
    if min(variance, other_variance) < MIN_VARIANCE:
        return float(max(variance, other_variance) >= MIN_VARIANCE)
    return 1 - shared**2 / (variance * other_variance) if shared > 0 else 1.0


def _smoothed(histogram: np.ndarray) -> np.ndarray:
    """Return a histogram blurred over neighbouring bins, so that bin borders do not matter."""
    for axis in range(histogram.ndim):
        padded = np.moveaxis(np.pad(histogram, [(int(n == axis),) * 2 for n in range(3)]), axis, 0)
        shared = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
        histogram = np.moveaxis(shared, 0, axis)
    return np.ascontiguousarray(histogram)


def _small(frame: np.ndarray) -> np.ndarray:
    """Return a frame at the size at which frames are compared, float32 `[h, w, 3]` in [0, 1]."""
    return to_float(preview(frame[None], LONG_SIDE))
