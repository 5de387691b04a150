"""The masks of painted regions, and regions by colour: their planes and parts of the paintings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from nst_tf.images.color_regions import SIDE, color_regions
from nst_tf.images.io import load_image
from nst_tf.images.masks import Region
from nst_tf.images.resize import Size, resize_plane
from nst_tf.page.drawings import (  # fmt: skip
    COLORS,
    SOLID,
    Drawing,
    Masks,
    checked,
    decode,
    region_masks,
    used_regions,
)
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError


def load_small(photo: Path, paintings: Sequence[Path], most_pixels: int) -> list[np.ndarray]:
    """Return uploaded pictures that have been checked, at the size of `color_regions`.

    Args:
        photo, paintings: paths of the files.
        most_pixels: maximum pixels of a file.
    """
    return [load_image(path, SIDE, most_pixels) for path in (photo, *paintings)]


def drawn_masks(
    drawing: Drawing, size: Size, photo: Path, paintings: Sequence[Path], most_pixels: int
) -> Masks:
    """Return the masks of painted regions.

    Args:
        drawing: the regions.
        size: height and width of the photo's preview, pixels.
        photo, paintings, most_pixels: as for `load_small`.

    Raises:
        UserError: the drawing cannot be read, or does not agree with the pictures.
    """
    planes = decode(drawing, size)
    if not drawing.colors:
        return region_masks(planes, len(paintings))
    content, *styles = load_small(photo, paintings, most_pixels)
    regions = color_regions(content, styles, drawing.colors)
    return color_masks(planes, regions, len(paintings))


def color_planes(regions: Sequence[Region], size: Size) -> np.ndarray:
    """Return the planes of regions by colour, uint8 `[k, *size]`."""
    return np.stack([levels(region.content, size) for region in regions])


def color_masks(planes: np.ndarray, regions: Sequence[Region], paintings: int) -> Masks:
    """Return the masks of regions by colour, and those of the parts of the paintings.

    With one painting, both are soft. With several, a region has a part in each, which only maps of
    labels can state; their edges are hard.

    Args:
        planes: of the photo, painted over, uint8 `[k, H, W]`.
        regions: the regions by colour at first, which name the parts of the paintings.
        paintings: the number of paintings.

    Raises:
        UserError: regions and parts do not agree.
    """
    if len(planes) > len(regions):
        raise UserError(f"there are {counted(len(regions), 'region')} by colour: make them again")
    used = used_regions(planes)
    if not used:
        return Masks()
    if paintings == 1:
        parts = [levels(regions[index].styles[0]) for index in used]
        return checked(Masks([*planes[used]], parts), 1)
    return checked(
        Masks(
            [_label_map(planes)], [_label_map(part_planes(regions, n)) for n in range(paintings)]
        ),
        paintings,
    )


def part_planes(regions: Sequence[Region], painting: int) -> np.ndarray:
    """Return the parts of a painting in each region, uint8 `[k, h, w]`; black without a part."""
    parts = [region.styles.get(painting) for region in regions]
    size = next(part.shape for part in parts if part is not None)
    empty = np.zeros(size, np.float32)
    return np.stack([levels(empty if part is None else part) for part in parts])


def levels(mask: np.ndarray | None, size: Size | None = None) -> np.ndarray:
    """Return a mask in [0, 1] as levels, uint8, at another size."""
    assert mask is not None
    fitted = resize_plane(mask, size or mask.shape, resample=Image.Resampling.BILINEAR)
    return np.rint(255 * fitted).astype(np.uint8)


def _label_map(planes: np.ndarray) -> np.ndarray:
    """Return a picture with the colour of the strongest plane, black where all are faint."""
    colors = np.array([*COLORS.values()], np.uint8)[planes.argmax(axis=0)]
    colors[planes.sum(axis=0, dtype=np.int32) < SOLID] = 0
    return colors
