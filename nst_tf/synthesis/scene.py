"""The scene that all levels of a picture share, and the result that one leaves to the next."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nst_tf.images.masks import Region
from nst_tf.images.resize import Size, resize, resize_plane
from nst_tf.images.wrap import Margins, margins, resize_tile
from nst_tf.synthesis.sources import Layout, PaintSource
from nst_tf.synthesis.threads import Rows
from nst_tf.utils.describe import brief


@dataclass(frozen=True)
class Strokes:
    """Settings of the stage.

    Attributes:
        patch_size: side of a patch, pixels. Levels at which the picture or a painting is smaller
            use smaller patches.
        detail: how much structure of the network's picture and of the photo remains, from 0 (bold)
            to 1 (all).
        tileable: which edges meet, as in `images.wrap.margins`.
    """

    patch_size: int = 3
    detail: float = 0.5
    tileable: str = "none"


@dataclass(frozen=True, eq=False)
class Scene:
    """What all levels share: arguments of `repaint`, where the photo has detail, and threads."""

    photo: np.ndarray | None
    share: np.ndarray | None
    sources: Sequence[PaintSource]
    strokes: Strokes
    size: Size
    regions: Sequence[Region]
    keep: np.ndarray | None
    strip: int
    rows: Rows

    __repr__ = brief

    def margins(self, size: Size) -> Margins:
        """Return the margins that repeat the other side of a level of a size, pixels."""
        return margins(self.strokes.tileable, size)

    def photo_at(self, size: Size) -> np.ndarray | None:
        """Return the photo at a size, float32 `[*size, 3]`."""
        if self.photo is None:
            return None
        return resize_tile(self.photo, size, self.strokes.tileable)[0]

    def keep_at(self, size: Size) -> np.ndarray | None:
        """Return how much of the guide each pixel keeps at a size, float32 `[*size]`."""
        if self.keep is None:
            return None
        return resize_plane(self.keep, size, resample=Image.Resampling.HAMMING)

    def paintings_at(self, size: Size) -> list[np.ndarray]:
        """Return the paintings at a level of a size, float32 `[h, w, 3]`."""
        ratio = max(size) / max(self.size)
        return [resize(s.image[None], s.size_at(ratio))[0] for s in self.sources]


@dataclass(frozen=True, eq=False)
class Painted:
    """What the next level needs of a level: image `[h, w, 3]`, matches, and the canvas' layout."""

    image: np.ndarray
    matches: np.ndarray
    layout: Layout

    __repr__ = brief

    @property
    def size(self) -> Size:
        """Height and width, pixels."""
        return self.image.shape[:2]
