"""A frame before and after it is painted."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.images.faces import Face
from nst_tf.images.masks import Region, coverage, resize_regions


class FrameInput(NamedTuple):
    """A frame of a film as the painter receives it.

    Attributes:
        photo: float32 `[H, W, 3]` in [0, 1], within the settings' `max_dim`.
        regions: the parts to paint, each with its paintings; empty: the whole frame with all
            paintings; None: nothing is painted.
        alpha: uint8 `[H, W]`; None: opaque. The whole photo is painted regardless.
        faces: the faces to keep, in pixels of `photo`.
        find_faces: returns more of them; it is called only if the network paints the frame.
    """

    photo: np.ndarray
    regions: Sequence[Region] | None = ()
    alpha: np.ndarray | None = None
    faces: tuple[Face, ...] = ()
    find_faces: Callable[[], tuple[Face, ...]] = tuple

    @property
    def covered(self) -> np.ndarray | None:
        """The fraction of each pixel to paint, float32 `[H, W]` in [0, 1]; None: 1 everywhere."""
        size = self.photo.shape[:2]
        if self.regions is None:
            return np.zeros(size, np.float32)
        masks = [Region(region.content, {}) for region in self.regions]
        return coverage(resize_regions(masks, size, ()))

    def with_faces(self) -> "FrameInput":
        """Return the frame with the faces found in it."""
        return self._replace(faces=(*self.faces, *self.find_faces()), find_faces=tuple)


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


class PaintedFrame(NamedTuple):
    """A frame of a film after it is painted.

    Attributes:
        number: its number in the film, from 0.
        frame: the frame.
        alpha: uint8 `[H, W]`; None: opaque.
        keys: for a key, the key and the earlier keys that the next frames need, latest first.
    """

    number: int
    frame: StylizedFrame
    alpha: np.ndarray | None = None
    keys: tuple[StylizedFrame, ...] = ()


class Begun(NamedTuple):
    """The painted part of a film, after which it is continued.

    Attributes:
        keys: the latest keys before the next frame, latest first.
        first: number of the next frame, from 0; the frame before it is a key.
        ahead: the number of a key after it and that key's `keys`, if it is painted already.
    """

    keys: tuple[StylizedFrame, ...] = ()
    first: int = 0
    ahead: tuple[int, tuple[StylizedFrame, ...]] | None = None


NOT_BEGUN = Begun()
