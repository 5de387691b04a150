"""What a frame starts from and stays near: painted frames, moved to where things are now."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from nst_tf.images.masks import LEAST_WHITE
from nst_tf.inputs.reference import Reference
from nst_tf.video.flow import motion_edges, optical_flow, visible, warp
from nst_tf.video.shot import Painted

LAGS = (1, 2, 4)
"""Frames back to which long-term terms reach (Ruder et al., arXiv 1604.08610, section 4.2)."""

NEAR = 1 / 12  # of the long side: deviation of the surroundings that lend their colours
FAR = 0.02  # weight of the whole picture among them
LEAST_VARIANCE = 3e-3  # below which a colour is taken for constant
SMOOTHING = 1 / 48  # of the long side: deviation of the blur of the photo's change
ENOUGH = 0.5  # of what masks cover now must have been covered before to count as painted


class Start(NamedTuple):
    """What a frame begins with.

    Attributes:
        reference: for the temporal term.
        seen: where an earlier frame shows what is here, painted, bool `[H, W]`.
    """

    reference: Reference
    seen: np.ndarray


def moved(photo: np.ndarray, earlier: Painted, covered: np.ndarray | None = None) -> Start:
    """Return an earlier frame moved to where a new one shows the same things.

        R = W(I) + B(P' − W(P))

    W moves by the flow between the photos P and P', I is the painted frame, and B a blur. Without
    the last term, which is not in the paper, a scene that grows lighter would keep the paint of
    the darker one.

    Args:
        photo: P', the new frame, float32 `[H, W, 3]` in [0, 1].
        earlier: the frame that is moved.
        covered: how much of each pixel is to be painted, float32 `[H, W]`; None: all of it.
    """
    flow, back = optical_flow(photo, earlier.photo), optical_flow(earlier.photo, photo)
    seen = visible(flow, back)
    change = _blurred(photo - warp(earlier.photo, flow), seen)
    image = np.clip(warp(earlier.image[0], flow) + change, 0, 1)
    if earlier.covered is not None:  # where a mask comes in only now, the earlier frame is a photo
        least = ENOUGH if covered is None else np.maximum(ENOUGH * covered, LEAST_WHITE)
        seen = seen & (warp(earlier.covered, flow, sharp=False) >= least)
    confidence = (seen & ~motion_edges(flow)).astype(np.float32)
    return Start(Reference(image[None], confidence), seen)


def combined(starts: Sequence[Start]) -> Start:
    """Return what several earlier frames say together, the nearest first.

    A pixel follows a frame as far as no nearer one is known there:

        c_j ← max(0, c_j − Σ_{k<j} c_k)

    The mean of the references weighted by these c_j is that which the sum of all terms pulls
    towards (arXiv 1604.08610, eqs. 9 and 10).
    """
    total = np.zeros_like(starts[0].reference.confidence)
    image = np.zeros_like(starts[0].reference.image)
    seen = np.zeros_like(starts[0].seen)
    fallback = starts[0].reference.image
    for start in starts:
        share = np.maximum(0, start.reference.confidence - total)
        image += share[None, ..., None] * start.reference.image
        total += share
        fallback = np.where((start.seen & ~seen)[None, ..., None], start.reference.image, fallback)
        seen = seen | start.seen
    known = total[None, ..., None]
    image = np.where(known > 0, image / np.maximum(known, 1e-6), fallback)
    return Start(Reference(image, total), seen)


def repainted(photo: np.ndarray, image: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return a frame in the colours that its surroundings are painted in, float32 `[H, W, 3]`.

        q = A p + b        A = cov(q, p) (cov(p, p) + ε)⁻¹,  b = mean(q) − A mean(p)

    p are the photo's colours and q the paint's, over the known pixels near each place: the linear
    model of the guided filter (He, Sun and Tang, 2013).

    Args:
        photo: float32 `[H, W, 3]` in [0, 1].
        image: painted, of that shape.
        known: where the image shows the same things as the photo, bool `[H, W]`.
    """
    weight = known.astype(np.float32)[..., None]
    deviation = NEAR * max(known.shape)
    both = np.concatenate([photo, image], axis=-1)
    products = photo[..., :, None] * both[..., None, :]  # [H, W, 3, 6]
    flat = np.concatenate([both, products.reshape(*known.shape, 18), np.ones_like(weight)], axis=-1)
    # The whole picture counts a little, for places far from all that is known.
    overall = (flat * weight).mean(axis=(0, 1)) + 1e-6
    sums = FAR * overall + np.stack(
        [_blur(plane, deviation) for plane in np.moveaxis(flat * weight, -1, 0)], axis=-1
    )
    means = sums / sums[..., -1:]
    mean, paint = means[..., :3], means[..., 3:6]
    spread = means[..., 6:24].reshape(*known.shape, 3, 6) - (
        mean[..., :, None] * means[..., None, :6]
    )
    slope = np.linalg.solve(spread[..., :3] + LEAST_VARIANCE * np.eye(3), spread[..., 3:])
    found = paint + np.einsum("hwi,hwij->hwj", photo - mean, slope)
    return np.clip(found, 0, 1).astype(np.float32)


def _blur(plane: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(plane, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)


def _blurred(change: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return a change, `[H, W, 3]`, blurred over what is seen; 0 where nothing near is."""
    deviation = SMOOTHING * max(seen.shape)
    weight = seen.astype(np.float32)
    sums, counts = (_blur(values, deviation) for values in (change * weight[..., None], weight))
    return sums / np.maximum(counts, 0.05)[..., None]
