"""Paintings as the source of patches: one canvas per level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from nst_tf.images.masks import Region
from nst_tf.images.resize import Size, resize_plane, scaled
from nst_tf.utils.describe import brief


@dataclass(frozen=True, eq=False)
class PaintSource:
    """A painting that patches are taken from.

    Attributes:
        image: the painting at its own size, float32 `[h, w, 3]` in [0, 1], in the run's colours.
        side: its long side at the result's size, pixels, which `style_scale` and `detail` set. A
            painting is never enlarged: above its own long side it keeps its own pixels.
    """

    image: np.ndarray
    side: float

    __repr__ = brief

    def size_at(self, ratio: float) -> Size:
        """Return height and width at a level, whose sides are `ratio` times the result's."""
        own = self.image.shape[:2]
        return scaled(own, min(1.0, self.side * ratio / max(own)))


@dataclass(frozen=True, eq=False)
class Canvas:
    """The paintings of a level below each other, in the rows of one canvas.

    A match is the number of the canvas' pixel at a patch's upper left, counted along the rows.

    Attributes:
        sizes: height and width of each painting, pixels, at least a patch's.
        width: of the canvas, pixels: that of the widest painting.
        tops: the row of the canvas at which each painting begins.
        paint: the colours, float32 `[pixels, 3]` in [0, 1].
        allowed: where each region's patches can begin, uint8 `[regions, pixels]`.
    """

    sizes: tuple[Size, ...]
    width: int
    tops: tuple[int, ...]
    paint: np.ndarray
    allowed: np.ndarray

    __repr__ = brief


def make_canvas(paintings: Sequence[np.ndarray], patch: int, regions: Sequence[Region]) -> Canvas:
    """Return the canvas of paintings, float32 `[h, w, 3]`, each at least a patch high and wide.

    Args:
        regions: whose style masks are of any size; empty: one that allows all paintings.
    """
    sizes = tuple(painting.shape[:2] for painting in paintings)
    width = max(size[1] for size in sizes)
    tops = tuple(int(top) for top in np.cumsum([0, *(size[0] for size in sizes)]))
    rows = [stack_part(painting, width) for painting in paintings]
    regions = regions or [Region(None, dict.fromkeys(range(len(sizes))))]
    allowed = np.zeros((len(regions), tops[-1], width), np.uint8)
    for number, region in enumerate(regions):
        for index, mask in region.styles.items():
            height, across = sizes[index]
            allowed[number, tops[index] : tops[index] + height, :across] = patch_places(
                mask, sizes[index], patch
            )
    return Canvas(
        sizes,
        width,
        tops[:-1],
        np.concatenate(rows).reshape(-1, 3),
        allowed.reshape(len(regions), -1),
    )


def stack_part(image: np.ndarray, width: int) -> np.ndarray:
    """Return an image, `[h, w, C]`, with zeros on the right up to a width."""
    return np.pad(image, ((0, 0), (0, width - image.shape[1]), (0, 0)))


def patch_places(mask: np.ndarray | None, size: Size, patch: int) -> np.ndarray:
    """Return 1 where patches can begin, uint8 `[*size]`: those in the white part of a mask.

    A mask that has no room for a patch allows those with the most white pixels.
    """
    height, width = size
    places = np.zeros(size, np.uint8)
    inner = places[: height - patch + 1, : width - patch + 1]
    if mask is None:
        inner[:] = 1
        return places
    white = resize_plane(mask, size, resample=Image.Resampling.HAMMING) > 0.5
    counts = sliding_window_view(white, (patch, patch)).sum((2, 3))
    inner[:] = counts == counts.max()
    return places
