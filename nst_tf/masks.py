"""Regions: which part of the photo is painted like which part of which style.

A mask is a picture, white where its region is and black elsewhere, or a map of labels, in which
every colour is a region and black is none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.sizes import Size, resize, resize_plane

NEAR = 32 / 255  # channels of one label's colour differ by less
ROUNDING = 1e-5  # of masks that share the pixels
LEAST_LABEL = 0.005  # share of a map that a colour has at least; less is an edge's


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the photo, and the parts of styles that it is painted like.

    Attributes:
        content: float32 `[H, W]`, 1 in the region and 0 outside of it; None: all of the photo.
        styles: the same by the style's number from 0, for each style that the region uses.
    """

    content: np.ndarray | None = None
    styles: Mapping[int, np.ndarray | None] = field(default_factory=lambda: {0: None})


def pair_masks(
    content_masks: Sequence[np.ndarray], style_masks: Sequence[np.ndarray], styles: int
) -> list[Region]:
    """Return the regions that masks stand for.

    In order, each content mask is painted with the style and the style mask of its number; one
    content mask with all styles, and all content masks with a style if there is one alone. A single
    content mask in colour is a map of labels: its regions are painted like those of the same colour
    in the maps of the styles.

    Args:
        content_masks: float `[H, W]` in [0, 1], of any sizes, or one map of labels `[H, W, 3]`.
        style_masks: none, or one for each pair of content mask and style.
        styles: how many style images there are.

    Raises:
        ValueError: an array is no mask, a mask is empty, their numbers do not agree, or a label's
            colour is in no style's map.
    """
    ours = [_checked("content_mask", number, mask) for number, mask in enumerate(content_masks, 1)]
    theirs = [_checked("style_mask", number, mask) for number, mask in enumerate(style_masks, 1)]
    if any(mask.ndim == 3 for mask in (*ours, *theirs)):
        return _pair_labels(ours, theirs, styles)
    pairs = max(len(ours), styles)
    if len(ours) not in (0, 1, pairs) or styles not in (1, pairs):
        raise ValueError(
            f"{len(ours)} content masks for {styles} styles: give one for each style, or one in all"
        )
    if len(theirs) not in (0, pairs):
        of = "styles" if styles == pairs else "content masks"
        raise ValueError(f"{len(theirs)} style masks for {pairs} {of}: give one for each, or none")
    if not (ours or theirs):
        return []
    parts: list[np.ndarray | None] = [*theirs] if theirs else [None] * pairs
    if len(ours) < 2:
        return [Region(ours[0] if ours else None, dict(enumerate(parts)))]
    return [
        Region(mask, {number if styles > 1 else 0: part})
        for number, (mask, part) in enumerate(zip(ours, parts, strict=True))
    ]


def _pair_labels(ours: list[np.ndarray], theirs: list[np.ndarray], styles: int) -> list[Region]:
    if len(ours) != 1 or len(theirs) != styles:
        raise ValueError(
            f"masks in colour are maps of labels, which need one content_mask and a style_mask for "
            f"each style, not {len(ours)} and {len(theirs)} for {styles} styles"
        )
    maps = [split_labels(mask) for mask in theirs]
    regions = []
    for color, mask in split_labels(ours[0]).items():
        parts = {
            number: part
            for number, labels in enumerate(maps)
            for other, part in labels.items()
            if _near(np.array(color), np.array(other))
        }
        if not parts:
            raise ValueError(
                f"no style_mask has the colour {_words(color)} of content_mask: they have "
                f"{', '.join(sorted({_words(other) for labels in maps for other in labels}))}"
            )
        regions.append(Region(mask, parts))
    return regions


def split_labels(labels: np.ndarray) -> dict[tuple[float, ...], np.ndarray]:
    """Return a mask of 0 and 1 for each colour of a map but black, by the colour.

    Every pixel belongs to the nearest of the colours that cover at least half a per cent: smoothed
    edges and compression make no regions.

    Args:
        labels: float32 `[H, W, 3]` in [0, 1], or `[H, W]` in grey.

    Raises:
        ValueError: no colour but black covers enough.
    """
    if labels.ndim == 2:
        labels = np.repeat(labels[..., None], 3, axis=-1)
    levels = np.rint(labels * 255).astype(np.int64)
    codes, counts = np.unique(levels @ (1 << 16, 1 << 8, 1), return_counts=True)
    colors = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1) / 255
    black = np.zeros(3)
    found = [black]
    counts = np.where(_near(colors, black), 0, counts)
    while True:
        color = colors[counts.argmax()]
        near = _near(colors, color)
        if counts[near].sum() < max(1, LEAST_LABEL * levels[..., 0].size):
            break
        found.append(color)
        counts = np.where(near, 0, counts)
    if len(found) == 1:
        raise ValueError("a map of labels is black: paint its regions in other colours")
    least = np.full(labels.shape[:2], np.inf, np.float32)
    nearest = np.zeros(labels.shape[:2], np.intp)
    for number, color in enumerate(found):
        distance = np.abs(labels - color).max(axis=-1)
        nearest[distance < least] = number
        least = np.minimum(least, distance)
    return {
        tuple(color.tolist()): (nearest == number).astype(np.float32)
        for number, color in enumerate(found)
        if number
    }


def show_only(
    regions: Sequence[Region], content: np.ndarray | None, styles: Sequence[np.ndarray | None]
) -> list[Region]:
    """Return the regions without the transparent parts of the pictures.

    Args:
        regions: from `pair_masks`.
        content: the photo's alpha, `[H, W]` in [0, 1], or None where it is opaque.
        styles: that of each style.

    Raises:
        ValueError: of a region, nothing is left.
    """
    if content is None and all(alpha is None for alpha in styles):
        return list(regions)
    shown = []
    for region in regions or [Region(None, dict.fromkeys(range(len(styles))))]:
        parts = {
            number: _shown(mask, styles[number], f"style {number + 1}")
            for number, mask in region.styles.items()
        }
        shown.append(Region(_shown(region.content, content, "the photo"), parts))
    return shown


def _shown(mask: np.ndarray | None, alpha: np.ndarray | None, name: str) -> np.ndarray | None:
    if alpha is None:
        return mask
    visible = (alpha > 0.5 / 255).astype(np.float32)
    left = visible if mask is None else visible * _resized(mask, _size(visible))
    if left.max() < 0.5:
        where = "all over" if mask is None else "wherever a mask is white"
        raise ValueError(f"{name} is transparent {where}: there is nothing to see")
    return left


def fit_regions(regions: Sequence[Region], content: Size, styles: Sequence[Size]) -> list[Region]:
    """Resample the regions' masks to the sizes of the pictures.

    Where content masks overlap, they share the pixels. A mask that is white all over becomes None.
    Without regions, all of the photo is painted like all of all styles.

    Raises:
        ValueError: a region uses a style that there is not.
    """
    for number in {number for region in regions for number in region.styles}:
        if not 0 <= number < len(styles):
            raise ValueError(
                f"a region is painted like style {number + 1}, but there are {len(styles)}"
            )
    ours = [_whole_or(region.content, content) for region in regions]
    if len(ours) > 1:
        planes = [np.ones(content, np.float32) if mask is None else mask for mask in ours]
        most = np.maximum(1, np.sum(planes, axis=0))
        ours = [plane / most for plane in planes]
    return [
        Region(
            mask,
            {number: _whole_or(part, styles[number]) for number, part in region.styles.items()},
        )
        for mask, region in zip(ours, regions, strict=True)
    ] or [Region(None, dict.fromkeys(range(len(styles))))]


def coverage(regions: Sequence[Region]) -> np.ndarray | None:
    """Return how far fitted regions cover the photo, `[H, W]` in [0, 1]; None: all of it."""
    masks = [region.content for region in regions if region.content is not None]
    if len(masks) < len(regions):
        return None
    covered = np.minimum(1, np.sum(masks, axis=0))
    return None if covered.min() > 1 - ROUNDING else covered.astype(np.float32)


def used(regions: Sequence[Region], style: int) -> np.ndarray | None:
    """Return what fitted regions use of a style, `[h, w]` in [0, 1]; None: all of it or nothing."""
    parts = [region.styles[style] for region in regions if style in region.styles]
    masks = [mask for mask in parts if mask is not None]
    return np.max(masks, axis=0) if masks and len(masks) == len(parts) else None


def compose(image: Any, photo: Any, covered: Any) -> Any:
    """Return the image where it is covered and the photo elsewhere, as arrays or tensors."""
    return covered * image + (1 - covered) * photo


def keep_photo(image: np.ndarray, photo: np.ndarray, covered: np.ndarray | None) -> np.ndarray:
    """Return a generated image, of any size, with the photo where regions do not cover it.

    Args:
        image: float32 `[1, h, w, 3]` in [0, 1].
        photo: the content image, `[1, H, W, 3]`.
        covered: from `coverage`.
    """
    if covered is None:
        return image
    size = image.shape[1:3]
    return compose(image, resize(photo, size), _resized(covered, size)[None, :, :, None])


def _whole_or(mask: np.ndarray | None, size: Size) -> np.ndarray | None:
    if mask is None or mask.min() > 1 - ROUNDING:
        return None
    return _resized(mask, size)


def _resized(mask: np.ndarray, size: Size) -> np.ndarray:
    # Not by the filter for pictures, whose ripples would cross a mask's edge.
    return resize_plane(mask, size, resample=Image.Resampling.BILINEAR)


def _checked(name: str, number: int, mask: Any) -> np.ndarray:
    array = np.asarray(mask)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or not array.size:
        raise ValueError(
            f"{name} {number} has shape {list(array.shape)}: "
            "expected [H, W], or [H, W, 3] for labels"
        )
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError(f"{name} {number} must hold finite floats in [0, 1]")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name} {number} has values outside [0, 1]")
    if array.max() < 0.5:
        raise ValueError(f"{name} {number} is empty: its region must be white")
    return array.astype(np.float32, copy=False)


def _near(colors: np.ndarray, color: np.ndarray) -> np.ndarray:
    return np.abs(colors - color).max(axis=-1) < NEAR


def _words(color: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


def _size(mask: np.ndarray) -> Size:
    return mask.shape[0], mask.shape[1]
