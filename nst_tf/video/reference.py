"""The temporal reference: earlier painted frames, warped by the motion since."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from nst_tf.images.masks import LEAST_WHITE
from nst_tf.images.resize import fit_size
from nst_tf.inputs.reference import Reference
from nst_tf.video.flow import Motion, estimate_motion, warp
from nst_tf.video.frame import StylizedFrame

LAGS = (1, 2, 4)
"""Distances of the frames in long-term terms (Ruder et al., arXiv 1604.08610, section 4.2)."""

COLOR_WINDOW = 1 / 12  # standard deviation of the colour-transfer window, relative to the long side
GLOBAL_WEIGHT = 0.02  # weight of the whole picture in that window
MIN_VARIANCE = 3e-3  # variance below which a colour counts as constant
CHANGE_BLUR = 1 / 48  # standard deviation of the blur of a photo's change, of the long side
MIN_COVERED = 0.5  # fraction of the mask now that must have been covered before to count as painted


class WarpedFrame(NamedTuple):
    """One or several earlier frames, warped to a new one.

    Attributes:
        reference: the reference of the temporal term.
        seen: where an earlier frame shows the same things, painted, bool `[H, W]`.
        share: how much of the start is to be theirs, float32 `[H, W]`; None: all where seen.
    """

    reference: Reference
    seen: np.ndarray
    share: np.ndarray | None = None


def warp_frame(
    photo: np.ndarray,
    earlier: StylizedFrame,
    covered: np.ndarray | None = None,
    motion: Motion | None = None,
) -> WarpedFrame:
    """Return an earlier frame, warped to where a new one shows the same things.

        R = W(I) + B(P' − W(P))

    W warps with the flow between the photos P and P', I is the painted frame, and B a blur. The
    last term, which is not in the paper, follows the light: without it, a scene that grows lighter
    would keep its darker paint.

    Args:
        photo: P', the new frame, float32 `[H, W, 3]` in [0, 1].
        earlier: the frame to warp.
        covered: the fraction of each pixel to paint, float32 `[H, W]`; None: 1 everywhere.
        motion: the motion from the new frame to the earlier one; None: it is estimated.
    """
    motion = motion or estimate_motion(photo, earlier.photo)
    change = _blurred(photo - warp(earlier.photo, motion.flow), motion.seen)
    image = np.clip(warp(earlier.image[0], motion.flow) + change, 0, 1)
    painted = painted_before(motion, earlier.covered, covered)
    confidence = (painted & motion.steady).astype(np.float32)
    return WarpedFrame(Reference(image[None], confidence), painted)


def painted_before(
    motion: Motion, earlier: np.ndarray | None, covered: np.ndarray | None
) -> np.ndarray:
    """Return where a frame shows what an earlier one shows painted, bool `[H, W]`.

    A newly masked area is a photo in the earlier frame.

    Args:
        motion: from the frame to the earlier one.
        earlier, covered: the painted fraction of each pixel of the earlier frame and of the new
            one, float32 `[H, W]`; None: 1 everywhere.
    """
    if earlier is None:
        return motion.seen
    least = MIN_COVERED if covered is None else np.maximum(MIN_COVERED * covered, LEAST_WHITE)
    return motion.seen & (warp(earlier, motion.flow, sharp=False) >= least)


def combine(frames: Sequence[WarpedFrame]) -> WarpedFrame:
    """Combine several warped frames, nearest first, into one.

    A pixel follows a frame only where no nearer frame is known:

        c_j ← max(0, c_j − Σ_{k<j} c_k)

    The sum of all temporal terms pulls towards the mean of the references weighted with these c_j
    (arXiv 1604.08610, eqs. 9 and 10).
    """
    total = np.zeros_like(frames[0].reference.confidence)
    image = np.zeros_like(frames[0].reference.image)
    seen = np.zeros_like(frames[0].seen)
    fallback = frames[0].reference.image
    for frame in frames:
        share = np.maximum(0, frame.reference.confidence - total)
        image += share[None, ..., None] * frame.reference.image
        total += share
        fallback = np.where((frame.seen & ~seen)[None, ..., None], frame.reference.image, fallback)
        seen = seen | frame.seen
    known = total[None, ..., None]
    image = np.where(known > 0, image / np.maximum(known, 1e-6), fallback)
    return WarpedFrame(Reference(image, total), seen)


def transfer_local_colors(
    photo: np.ndarray, image: np.ndarray, known: np.ndarray, side: int = 0
) -> np.ndarray:
    """Return a photo in the colours of the surrounding paint, float32 `[H, W, 3]`.

        q = A p + b        A = cov(q, p) (cov(p, p) + ε)⁻¹,  b = mean(q) − A mean(p)

    p are the photo's colours and q the paint's, over the known pixels near each location: the
    linear model of the guided filter (He, Sun and Tang, 2013).

    Args:
        photo: float32 `[H, W, 3]` in [0, 1].
        image: the painted image, of that shape.
        known: where the image shows the same things as the photo, bool `[H, W]`.
        side: maximum long side at which colours are compared, pixels, which is faster than at full
            size; 0: full size.
    """
    size, weight = known.shape, known.astype(np.float32)[..., None]
    if 0 < side < max(size):
        shrunk = _resized(np.concatenate([photo, image * weight, weight], axis=-1), side)
        weight = shrunk[..., 6:]
        model = _color_model(shrunk[..., :3], shrunk[..., 3:6] / np.maximum(weight, 1e-3), weight)
        mean, paint, matrix = (cv2.resize(part, size[::-1]) for part in model)
    else:
        mean, paint, matrix = _color_model(photo, image, weight)
    matrix = matrix.reshape(*size, 3, 3)
    found = paint + np.einsum("hwi,hwij->hwj", photo - mean, matrix)
    return np.clip(found, 0, 1).astype(np.float32)


def _color_model(
    photo: np.ndarray, image: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean(p), mean(q) and A, `[H, W, 3]` twice and `[H, W, 9]`, of `transfer_local_colors`.

    `weight`, `[H, W, 1]`, is 0 where the image is unknown.
    """
    known = weight[..., 0]
    deviation = COLOR_WINDOW * max(known.shape)
    both = np.concatenate([photo, image], axis=-1)
    products = photo[..., :, None] * both[..., None, :]  # [H, W, 3, 6]
    flat = np.concatenate([both, products.reshape(*known.shape, 18), np.ones_like(weight)], axis=-1)
    # The whole picture counts a little, for locations far from all known pixels.
    overall = (flat * weight).mean(axis=(0, 1)) + 1e-6
    sums = GLOBAL_WEIGHT * overall + np.stack(
        [_blur(plane, deviation) for plane in np.moveaxis(flat * weight, -1, 0)], axis=-1
    )
    means = sums / sums[..., -1:]
    mean, paint = means[..., :3], means[..., 3:6]
    spread = means[..., 6:24].reshape(*known.shape, 3, 6) - (
        mean[..., :, None] * means[..., None, :6]
    )
    matrix = np.linalg.solve(spread[..., :3] + MIN_VARIANCE * np.eye(3), spread[..., 3:])
    return mean, paint, matrix.reshape(*known.shape, 9)


def _resized(planes: np.ndarray, side: int) -> np.ndarray:
    """Return planes `[H, W, C]` at a smaller size, float32 `[h, w, C]`."""
    rows, columns = planes.shape[:2]
    height, width = fit_size(rows, columns, side)
    # OpenCV averages areas of four planes, not of more.
    return np.stack(
        [
            cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
            for plane in np.moveaxis(planes, -1, 0)
        ],
        axis=-1,
    )


def _blur(plane: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)


def _blurred(change: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a change, `[H, W, 3]`, blurred over the seen pixels; 0 far from all of them."""
    deviation = CHANGE_BLUR * max(seen.shape)
    weight = seen.astype(np.float32)
    sums, counts = (_blur(values, deviation) for values in (change * weight[..., None], weight))
    return sums / np.maximum(counts, 0.05)[..., None]
