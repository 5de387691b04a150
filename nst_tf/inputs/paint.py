"""Paintings as what brushstrokes are taken from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.images.borders import painted_box
from nst_tf.images.masks import Region
from nst_tf.images.resize import fit_size, resize


class Paint(NamedTuple):
    """A painting that brushstrokes are taken from.

    Attributes:
        image: float32 `[1, h, w, 3]` in [0, 1], no larger than in the picture's file.
        side: its long side at the size of the result, pixels; `image` may be smaller.
        cropped: whether a border of the picture is left out.
    """

    image: np.ndarray
    side: float
    cropped: bool


def take_paint(number: int, style: np.ndarray, side: int, regions: Sequence[Region]) -> Paint:
    """Return the paint of a style, without the border that its picture may have.

    Where a region names the part of the style to use, that part counts, with a border in it.

    Args:
        number: of the style, from 0.
        style: float32 `[1, h, w, 3]` in [0, 1].
        side: long side of the whole style at the size of the result, pixels.
    """
    height, width = style.shape[1:3]
    masked = any(region.styles.get(number) is not None for region in regions)
    top, bottom, left, right = (0, height, 0, width) if masked else painted_box(style[0])
    part = style[:, top:bottom, left:right]
    rows, columns = part.shape[1:3]
    part_side = side * max(rows, columns) / max(height, width)
    image = resize(part, fit_size(rows, columns, max(1, round(part_side))))
    return Paint(image, part_side, part.size < style.size)
