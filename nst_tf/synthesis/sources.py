"""Paintings as the source of patches, and the canvas that holds them at a level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nst_tf.images.masks import Region, everything
from nst_tf.images.resize import Size, resize_plane, scaled
from nst_tf.utils.describe import brief


@dataclass(frozen=True, eq=False)
class PaintSource:
    """A painting that patches are taken from.

    Attributes:
        image: the painting at its own size, float32 `[h, w, 3]` in [0, 1], in the run's colours.
        side: its long side at the result's size, pixels, which `style_scale` and `detail` set. A
            painting is never enlarged: it is used at its own size where this side is longer.
    """

    image: np.ndarray
    side: float

    __repr__ = brief

    def size_at(self, ratio: float) -> Size:
        """Return height and width at a level whose sides are `ratio` times the result's."""
        own = self.image.shape[:2]
        return scaled(own, min(1.0, self.side * ratio / max(own)))


@dataclass(frozen=True)
class Layout:
    """The places of the paintings on a canvas, one below the other.

    Attributes:
        sizes: height and width of each painting, pixels.
    """

    sizes: tuple[Size, ...]

    @property
    def tops(self) -> list[int]:
        """The row at which each painting begins."""
        return [sum(height for height, _ in self.sizes[:n]) for n in range(len(self.sizes))]

    @property
    def size(self) -> Size:
        """Height and width of the canvas, pixels."""
        return sum(height for height, _ in self.sizes), max(width for _, width in self.sizes)


@dataclass(frozen=True, eq=False)
class Canvas:
    """The paintings at a level, one below the other.

    A match is a number of one of the canvas' pixels, counted along its rows: the upper left pixel
    of a patch.

    Attributes:
        layout: where each painting is.
        colors: float32 `[height, width, 3]` in [0, 1]; 0 on the right of narrower paintings.
        allowed: where the patches of each region can begin: 1, uint8 `[regions, height * width]`.
    """

    layout: Layout
    colors: np.ndarray
    allowed: np.ndarray

    __repr__ = brief

    @property
    def size(self) -> Size:
        """Height and width, pixels."""
        return self.layout.size


def make_canvas(
    paintings: Sequence[np.ndarray], patch: int, regions: Sequence[Region] = ()
) -> Canvas:
    """Return the canvas of paintings, float32 `[h, w, 3]`, each at least a patch high and wide.

    Args:
        patch: side of a patch, pixels.
        regions: whose style masks can be of any size; empty: one that uses all paintings.
    """
    layout = Layout(tuple(painting.shape[:2] for painting in paintings))
    regions = regions or everything(len(paintings))
    allowed = np.zeros((len(regions), *layout.size), np.uint8)
    for number, region in enumerate(regions):
        for index, mask in region.styles.items():
            (height, width), top = layout.sizes[index], layout.tops[index]
            part = allowed[number, top : top + height, :width]
            part[: height - patch + 1, : width - patch + 1] = _beginnings(
                mask, (height, width), patch
            )
    return Canvas(layout, stacked(paintings), allowed.reshape(len(regions), -1))


def stacked(images: Sequence[np.ndarray]) -> np.ndarray:
    """Return images, `[h, w, 3]`, one below the other, with zeros on the right of narrower ones.

    A single image is copied only if it is part of another array, or read-only.
    """
    if len(images) == 1:
        return np.require(images[0], np.float32, ("C", "W"))
    width = max(image.shape[1] for image in images)
    padded = (np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0))) for image in images)
    return np.concatenate(list(padded))


def _beginnings(mask: np.ndarray | None, size: Size, patch: int) -> np.ndarray | int:
    """Return 1 where patches begin that lie in the white part of a mask, and 0 elsewhere.

    If there are none, those with the most white pixels count.
    """
    if mask is None:
        return 1
    white = _fitted(mask, size) > 0.5
    counts = sliding_window_view(white, (patch, patch)).sum((2, 3))
    return counts == counts.max()


def region_map(regions: Sequence[Region], size: Size, patch: int) -> np.ndarray:
    """Return the number of the region at each place of a picture, uint16 `[H - patch + 1, …]`.

    It is the region whose content mask is largest at the middle of the place's patch.
    """
    best = np.zeros(size, np.float32)
    numbers = np.zeros(size, np.uint16)
    for number, region in enumerate(regions):
        mask = np.float32(1) if region.content is None else _fitted(region.content, size)
        larger = mask > best
        best = np.where(larger, mask, best)
        numbers[larger] = number
    height, width = (side - patch + 1 for side in size)
    middle = patch // 2
    return np.ascontiguousarray(numbers[middle : middle + height, middle : middle + width])


def _fitted(mask: np.ndarray, size: Size) -> np.ndarray:
    return resize_plane(mask, size, resample=Image.Resampling.HAMMING)
