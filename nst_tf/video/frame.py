"""A frame before and after it is painted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.images.faces import Face
from nst_tf.images.masks import Region


class FrameInput(NamedTuple):
    """A frame of a film as the painter receives it.

    Attributes:
        photo: float32 `[H, W, 3]` in [0, 1], within the settings' `max_dim`.
        regions: the parts to paint, each with its paintings; empty: the whole frame with all
            paintings; None: nothing is painted.
        alpha: uint8 `[H, W]`; None: opaque. The whole photo is painted regardless.
        faces: the faces to keep, in pixels of `photo`.
    """

    photo: np.ndarray
    regions: Sequence[Region] | None = ()
    alpha: np.ndarray | None = None
    faces: tuple[Face, ...] = ()


class StylizedFrame(NamedTuple):
    """A painted frame.

    Attributes:
        photo: the film's frame, float32 `[H, W, 3]` in [0, 1].
        image: the optimised image, float32 `[1, H, W, 3]` in [0, 1], in the run's colours.
        result: the image as it is shown, float32 `[1, H, W, 3]` in [0, 1].
        covered: the painted fraction of each pixel, float32 `[H, W]` in [0, 1]; None: 1 everywhere.
        faces: the faces that were to be kept, in pixels of `photo`.
    """

    photo: np.ndarray
    image: np.ndarray
    result: np.ndarray
    covered: np.ndarray | None = None
    faces: tuple[Face, ...] = ()

    def coverage(self) -> np.ndarray:
        """Return `covered` as an array."""
        whole = np.ones(self.photo.shape[:2], np.float32)
        return whole if self.covered is None else self.covered
