"""Regions that a visitor paints over the photo, and the masks that they become."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nst_tf.images.pairing import pair_masks
from nst_tf.images.resize import Size
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError

# The palette of Okabe and Ito, which is safe for colour-blind people, with purple for black. A map
# of labels distinguishes them.
COLORS = {
    "orange": (230, 159, 0), "blue": (86, 180, 233), "green": (0, 158, 115),
    "pink": (204, 121, 167), "yellow": (240, 228, 66), "red": (213, 94, 0),
    "dark blue": (0, 114, 178), "purple": (112, 72, 190),
}  # fmt: skip
"""RGB levels of the regions, by name, for the first painting, the second and so on."""

MAX_BYTES = 8_000_000  # of an encoded drawing

SOLID = 128  # of 255; a fainter pixel may be left from the edge of a stroke
LEAST_SHARE = 1e-3  # of the photo, from which a plane of faint pixels is a region

FILE = ".regions.png"
"""Name of a run's drawing in its folder. No upload has such a name."""

UNREADABLE = "the painted regions cannot be read: paint them again"


@dataclass(frozen=True, eq=False)
class Drawing:
    """Regions as the page's editor sends them.

    Attributes:
        picture: the grey plane of each region, one below the other, as a PNG file.
        colors: the number of colours of regions by colour; 0: each region is for the painting of
            its number.
    """

    picture: bytes
    colors: int = 0


@dataclass(frozen=True, eq=False)
class Masks:
    """Masks as pictures: uint8 `[H, W]`, or `[H, W, 3]` for maps of labels.

    Attributes:
        content: the values of `--content_mask`, in order.
        style: the values of `--style_mask`, in order.
    """

    content: Sequence[np.ndarray] = ()
    style: Sequence[np.ndarray] = ()


def encode(planes: np.ndarray, colors: int = 0) -> Drawing:
    """Return the drawing of planes, uint8 `[k, H, W]`."""
    file = io.BytesIO()
    Image.fromarray(planes.reshape(-1, planes.shape[-1])).save(file, "PNG")
    return Drawing(file.getvalue(), colors)


def decode(drawing: Drawing, size: Size) -> np.ndarray:
    """Return the planes of a drawing, uint8 `[k, *size]`.

    Args:
        drawing: from a browser.
        size: height and width of the photo's preview, pixels.

    Raises:
        UserError: the drawing is not a PNG file, or does not have this size.
    """
    height, width = size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(drawing.picture), formats=["PNG"]) as image:
                count = image.height // height
                if image.size != (width, count * height) or not 1 <= count <= len(COLORS):
                    raise UserError(
                        "the painted regions are those of another photo: paint them again"
                    )
                return np.asarray(image.convert("L")).reshape(count, height, width)
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(UNREADABLE) from None


def region_masks(planes: np.ndarray, paintings: int) -> Masks:
    """Return the masks of regions that are each for the painting of its number.

    A single region makes one mask for all paintings, several regions make a mask for each painting.
    Without regions, there are no masks: the whole photo is painted.

    Raises:
        UserError: regions and paintings do not agree.
    """
    used = used_regions(planes)
    names = list(COLORS)
    if len(used) > 1 and used != list(range(paintings)):
        wanted = " and ".join(names[:paintings]) if paintings > 1 else "one colour"
        raise UserError(
            f"regions are painted in {' and '.join(names[index] for index in used)}, but there "
            f"{'is' if paintings == 1 else 'are'} {counted(paintings, 'painting')}: use {wanted}"
        )
    return checked(Masks([*planes[used]]), paintings)


def used_regions(planes: np.ndarray) -> list[int]:
    """Return the numbers of the planes, from 0, on which something is painted."""
    return [
        index
        for index, plane in enumerate(planes)
        if plane.max() >= SOLID or plane.mean() >= 255 * LEAST_SHARE
    ]


def checked(masks: Masks, paintings: int) -> Masks:
    """Return masks that the command accepts for a number of paintings; UserError otherwise."""
    content, style = (
        [mask.astype(np.float32) / 255 for mask in group] for group in (masks.content, masks.style)
    )
    pair_masks(content, style, paintings)
    return masks
