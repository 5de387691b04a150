"""Frames between keys: the paint of both keys, moved along with the motion."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.video.flow import Motion
from nst_tf.video.frame import StylizedFrame
from nst_tf.video.reference import transfer_local_colors, warp_frame

COLOR_SIDE = 128  # long side at which the colours of surroundings are compared, pixels
UNSTEADY = 0.01  # weight along the borders between motions, relative to other places


class Held(NamedTuple):
    """A key that a frame follows.

    Attributes:
        key: the painted key.
        motion: the motion from the frame to the key.
        nearness: the key's weight: 1 if the frame is the key, 0 if it is another one.
    """

    key: StylizedFrame
    motion: Motion
    nearness: float


def carry_paint(
    photo: np.ndarray, plain: np.ndarray, covered: np.ndarray | None, keys: Sequence[Held]
) -> np.ndarray:
    """Return the paint of keys, moved to a frame, float32 `[1, H, W, 3]` in [0, 1].

        I = Σ_k n_k c_k R_k / Σ_k n_k c_k

    R_k is key k warped to the frame, n_k its nearness and c_k the confidence of each pixel. Where
    all confidences are 0, the frame itself appears in the colours of the surrounding paint.

    Args:
        photo: the frame, float32 `[H, W, 3]` in [0, 1].
        plain: the frame in the colours in which the keys' images are, float32 `[1, H, W, 3]`.
        covered: the fraction of each pixel to paint, float32 `[H, W]`; None: 1 everywhere.
        keys: the keys to follow.
    """
    image, total = np.zeros_like(plain), np.zeros(photo.shape[:2], np.float32)
    for held in keys:
        warped = warp_frame(photo, held.key, covered, held.motion)
        steady = warped.reference.confidence
        weight = np.float32(held.nearness) * np.maximum(steady, UNSTEADY * warped.seen)
        image += weight[None, ..., None] * warped.reference.image
        total += weight
    seen = total > 0
    image /= np.where(seen, total, 1)[None, ..., None]
    if seen.all():
        return image
    paint = transfer_local_colors(plain[0], image[0], seen, COLOR_SIDE)[None]
    return np.where(seen[None, ..., None], image, paint)
