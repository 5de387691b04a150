"""Regions by colour: what has a colour in the photo is painted like that colour's paint."""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.color import color_map
from nst_tf.images.guided import guided_filter
from nst_tf.images.masks import Region
from nst_tf.images.palette import memberships, palette_of, to_lab
from nst_tf.images.resize import fit_size, resize

SIDE = 512
"""Long side, pixels, up to which masks are made."""

LEAST_SHARE = 0.01
"""Share of a picture below which a mask is left out."""

WINDOW = 1 / 64
"""Radius of the windows in which edges are sought, relative to the picture's long side."""


def color_regions(photo: np.ndarray, paintings: Sequence[np.ndarray], count: int) -> list[Region]:
    """Return a region for each colour of the paintings' palette.

    Photo and paintings are divided by the same palette, and each part of the photo is painted like
    the part of the paintings that has its colour. The photo may have none of their
    colours, so it is divided after it is given their mean and covariance. The masks have the edges
    of the pictures, and add up to 1.

    Args:
        photo: float32 `[1, H, W, 3]` in [0, 1].
        paintings: images like the photo.
        count: number of colours; a colour of which the photo has nothing gives no region.
    """
    reduced = [_reduced(picture) for picture in (photo, *paintings)]
    content, styles = reduced[0], reduced[1:]
    whole = np.concatenate([style.reshape(1, 1, -1, 3) for style in styles], axis=2)
    matched = np.clip(color_map(content, whole)(content), 0, 1)
    palette = palette_of(styles, count)
    while True:
        masks = _masks(content, matched, palette)
        parts = [_masks(style, style, palette) for style in styles]
        used = [
            _counts(mask) and any(_counts(part[n]) for part in parts)
            for n, mask in enumerate(masks)
        ]
        if all(used):
            break
        palette = palette[used]
    return [
        Region(mask, {index: part[n] for index, part in enumerate(parts) if _counts(part[n])})
        for n, mask in enumerate(masks)
    ]


def _masks(picture: np.ndarray, colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return a mask for each colour of a palette with the edges of a picture, `[k, H, W]`."""
    shares = memberships(to_lab(colors[0]), palette)
    radius = max(1, round(WINDOW * max(picture.shape[1:3])))
    snapped = np.clip(guided_filter(picture[0], shares, radius), 0, 1)
    return snapped / snapped.sum(axis=0)


def _reduced(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[1:3]
    return resize(picture, fit_size(height, width, SIDE))


def _counts(mask: np.ndarray) -> bool:
    """Return whether a mask is large enough to have statistics."""
    return float(mask.mean()) >= LEAST_SHARE
