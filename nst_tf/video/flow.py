"""Optical flow between frames, warping, and the regions where the flow is reliable.

A flow from one frame to another is float32 `[H, W, 2]`, in pixels: what is at (x, y) in the one is
at (x + flow[y, x, 0], y + flow[y, x, 1]) in the other.
"""

from typing import NamedTuple

import cv2
import numpy as np

from nst_tf.images.levels import quantize
from nst_tf.video.flat import PATCH, complete_flow

# Ruder, Dosovitskiy and Brox (arXiv 1604.08610, eqs. 5 and 6), after Sundaram, Brox and Keutzer.
OCCLUDED, OCCLUDED_OFFSET = 0.01, 0.5  # factor of the squared lengths, and squared pixels
EDGE, EDGE_OFFSET = 0.01, 0.002
INACCURACY = 0.1  # pixels by which a flow may be off: what lies that near outside has not left
ALIKE = 1 / 4  # squared correlation of two textures that are the same
TEXTURED = 1e-3  # variance of the luma in a window, above that of a camera's noise


class Motion(NamedTuple):
    """The motion from a frame to another one.

    Attributes:
        flow: the flow, float32 `[H, W, 2]`.
        seen: where the other frame shows the same things, bool `[H, W]`.
        steady: where it does, away from the borders between motions, bool `[H, W]`.
    """

    flow: np.ndarray
    seen: np.ndarray
    steady: np.ndarray


class Track:
    """The motions from frames, one after another, to the same frame.

    Each search begins with what the search before found. Over a dozen frames, a thing moves too far
    to be found without.

    Args:
        to: the frame to which the motions lead, float32 `[H, W, 3]` in [0, 1].
    """

    def __init__(self, to: np.ndarray) -> None:
        self._to = to
        self._found: tuple[int, np.ndarray, np.ndarray] | None = None

    def motion(self, frame: np.ndarray, apart: int) -> Motion:
        """Return the motion from a frame, float32 `[H, W, 3]` in [0, 1].

        Args:
            apart: its distance from the frame to which the motion leads, frames.
        """
        near = back_near = None
        if self._found:
            before, flow, back = self._found
            near, back_near = (np.float32(apart / before) * found for found in (flow, back))
        flow = optical_flow(frame, self._to, near)
        back = optical_flow(self._to, frame, back_near)
        self._found = apart, flow, back
        flow, back = complete_flow(flow, frame), complete_flow(back, self._to)
        flow = kept_inside(flow)
        seen = visible(flow, back) & alike(frame, warp(self._to, flow, sharp=False))
        return Motion(flow, seen, seen & ~motion_edges(flow))


def estimate_motion(one: np.ndarray, other: np.ndarray) -> Motion:
    """Return the motion from one frame to another, both float32 `[H, W, 3]` in [0, 1]."""
    return Track(other).motion(one, 1)


def optical_flow(one: np.ndarray, other: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """Return the flow from one frame to another, computed with dense inverse search.

    The method is that of Kroeger, Timofte, Dai and Van Gool ("Fast optical flow using dense inverse
    search", 2016) in OpenCV's implementation; it needs no trained weights.

    Args:
        one, other: float32 `[H, W, 3]` in [0, 1], sRGB.
        near: a flow to begin with, float32 `[H, W, 2]`; it is overwritten.
    """
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)  # full size: at half size, the edges of things blur
    # Camera noise, the only signal in flat parts, must not look like motion.
    search.setPatchSize(PATCH)
    search.setPatchStride(4)
    search.setVariationalRefinementAlpha(100)
    search.setVariationalRefinementIterations(10)
    greys = [cv2.cvtColor(quantize(frame), cv2.COLOR_RGB2GRAY) for frame in (one, other)]
    return search.calc(*greys, near)


def warp(values: np.ndarray, flow: np.ndarray, sharp: bool = True) -> np.ndarray:
    """Warp values of one frame to another, of the same shape; the border is replicated.

    Values between pixels are interpolated with a Lanczos filter. A film is warped in every frame,
    and bicubic interpolation would blur its strokes a little each time.

    Args:
        values: float32 `[H, W]` or `[H, W, C]`.
        flow: flow from the target frame to the frame of `values`.
        sharp: False for linear interpolation, which does not overshoot.
    """
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    at = flow + np.stack([columns, rows], axis=-1).astype(np.float32)
    kind = cv2.INTER_LANCZOS4 if sharp else cv2.INTER_LINEAR
    return cv2.remap(values, at, None, kind, borderMode=cv2.BORDER_REPLICATE)


def visible(flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return where a frame shows what the other one also shows, bool `[H, W]`.

    Elsewhere something is uncovered or enters from beyond the border:

        |f + b|² ≥ 0.01 (|f|² + |b|²) + 0.5

    Args:
        flow: f, the flow from the frame to the other.
        back: the flow from the other to the frame; b is `back` warped with f.
    """
    height, width = flow.shape[:2]
    back = warp(back, flow, sharp=False)
    both = _squared(flow) + _squared(back)
    consistent = _squared(flow + back) < OCCLUDED * both + OCCLUDED_OFFSET
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    return consistent & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def kept_inside(flow: np.ndarray) -> np.ndarray:
    """Return a flow that does not leave the frame where it does by less than its inaccuracy."""
    height, width = flow.shape[:2]
    here = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    there = flow + here.astype(np.float32)
    inside = np.clip(there, 0, np.array([width - 1, height - 1], np.float32))
    return np.where(np.abs(there - inside) < INACCURACY, inside - here, flow).astype(np.float32)


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return where two frames show the same texture, or none, bool `[H, W]`.

    A flow and the one back can agree on something that is not there. Brightness and contrast do not
    count: `r² ≥ 1/4`, where r is the correlation of the luma in a window.

    Args:
        one, other: the frame and the other one, warped to it, float32 `[H, W, 3]` in [0, 1].
    """
    first, second = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (one, other))
    mean, other_mean, square, other_square, product = (
        cv2.GaussianBlur(plane, (0, 0), PATCH / 4)
        for plane in (first, second, first**2, second**2, first * second)
    )
    variance, other_variance = square - mean**2, other_square - other_mean**2
    shared = product - mean * other_mean
    flat = np.maximum(variance, other_variance) < TEXTURED
    return flat | ((shared > 0) & (shared**2 >= ALIKE * variance * other_variance))


def motion_edges(flow: np.ndarray) -> np.ndarray:
    """Return the borders between things that move differently, bool `[H, W]`.

    |∇f|² > 0.01 |f|² + 0.002
    """
    gradients = sum(_squared(gradient) for gradient in np.gradient(flow, axis=(0, 1)))
    return gradients > EDGE * _squared(flow) + EDGE_OFFSET


def _squared(vectors: np.ndarray) -> np.ndarray:
    return np.square(vectors).sum(axis=-1)
