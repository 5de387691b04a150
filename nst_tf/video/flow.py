"""Optical flow between frames, pictures moved along it, and where it can be trusted.

A flow from a frame to another is float32 `[H, W, 2]`: what is at (x, y) in the one is at
(x + flow[y, x, 0], y + flow[y, x, 1]) in the other, in pixels.
"""

import cv2
import numpy as np

from nst_tf.images.levels import quantize

# Ruder, Dosovitskiy and Brox (arXiv 1604.08610, eqs. 5 and 6), after Sundaram, Brox and Keutzer.
OCCLUDED, OCCLUDED_LEAST = 0.01, 0.5  # share of the squared lengths, and squared pixels
EDGE, EDGE_LEAST = 0.01, 0.002


def optical_flow(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the flow from a frame to another, by dense inverse search.

    Kroeger, Timofte, Dai and Van Gool ("Fast optical flow using dense inverse search", 2016), as
    OpenCV has it; it needs no trained weights.

    Args:
        one, other: float32 `[H, W, 3]` in [0, 1], sRGB.
    """
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)  # the frames' own size: at half of it, edges of things are blurred
    # The noise of a camera, alone in flat parts, must not be taken for motion.
    search.setPatchSize(12)
    search.setPatchStride(4)
    search.setVariationalRefinementAlpha(100)
    search.setVariationalRefinementIterations(10)
    greys = [cv2.cvtColor(quantize(frame), cv2.COLOR_RGB2GRAY) for frame in (one, other)]
    return search.calc(*greys, None)


def warp(values: np.ndarray, flow: np.ndarray, sharp: bool = True) -> np.ndarray:
    """Return values of the frame that a flow leads to, moved to where it begins.

    Between pixels they are interpolated, by Lanczos' filter or, if not `sharp`, linearly, which
    does not overshoot. Beyond the border they are those of the border. A film is moved in each of
    its frames, and cubics would take a little of its strokes every time.

    Args:
        values: float32 `[H, W]` or `[H, W, C]`.
        flow: from the frame that is wanted to the one that is given.
    """
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    at = flow + np.stack([columns, rows], axis=-1).astype(np.float32)
    kind = cv2.INTER_LANCZOS4 if sharp else cv2.INTER_LINEAR
    return cv2.remap(values, at, None, kind, borderMode=cv2.BORDER_REPLICATE)


def visible(flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Return where a frame shows what the other one shows too, bool `[H, W]`.

    Elsewhere something is uncovered, or comes in from beyond the border:

        |f + b|² ≥ 0.01 (|f|² + |b|²) + 0.5

    Args:
        flow: f, from the frame to the other.
        back: from the other to the frame; b is what it is where f leads.
    """
    height, width = flow.shape[:2]
    back = warp(back, flow, sharp=False)
    both = _squared(flow) + _squared(back)
    consistent = _squared(flow + back) < OCCLUDED * both + OCCLUDED_LEAST
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    return consistent & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def motion_edges(flow: np.ndarray) -> np.ndarray:
    """Return where things border on each other that move differently, bool `[H, W]`.

    |∇f|² > 0.01 |f|² + 0.002
    """
    slopes = sum(_squared(slope) for slope in np.gradient(flow, axis=(0, 1)))
    return slopes > EDGE * _squared(flow) + EDGE_LEAST


def _squared(vectors: np.ndarray) -> np.ndarray:
    return np.square(vectors).sum(axis=-1)
