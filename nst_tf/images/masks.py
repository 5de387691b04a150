"""Regions: which part of the photo is painted like which part of which style.

A mask is a picture, white where its region is and black elsewhere, or a map of labels, in which
every colour is a region and black is none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.checks import counted
from nst_tf.images.labels import in_hex, nearest_label, split_labels
from nst_tf.images.resize import Size, resize, resize_plane

ROUNDING = 1e-5  # of masks that share the pixels
LEAST_WHITE = 0.05  # of a mask at its lightest: with less there is no region


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
    ours = [_checked(f"content_mask {n}", mask) for n, mask in enumerate(content_masks, 1)]
    theirs = [_checked(f"style_mask {n}", mask) for n, mask in enumerate(style_masks, 1)]
    if any(mask.ndim == 3 for mask in (*ours, *theirs)):
        return _pair_labels(ours, theirs, styles)
    pairs = max(len(ours), styles)
    if len(ours) not in (0, 1, pairs) or styles not in (1, pairs):
        raise ValueError(
            f"{counted(len(ours), 'content mask')} for {counted(styles, 'style')}: give one for "
            "each style, or one for all"
        )
    if len(theirs) not in (0, pairs):
        what = counted(pairs, "style" if styles == pairs else "content mask")
        raise ValueError(
            f"{counted(len(theirs), 'style mask')} for {what}: give one for each, or none"
        )
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
            "masks in colour are maps of labels, which need one content_mask and a style_mask for "
            f"each style, not {len(ours)} and {len(theirs)} for {counted(styles, 'style')}"
        )
    maps = [split_labels(mask) for mask in theirs]
    regions = []
    for color, mask in split_labels(ours[0]).items():
        near = [nearest_label(color, labels) for labels in maps]
        parts = {
            number: labels[label]
            for number, (label, labels) in enumerate(zip(near, maps, strict=True))
            if label is not None
        }
        if not parts:
            known = sorted({in_hex(label) for labels in maps for label in labels})
            raise ValueError(
                f"no style_mask has the colour {in_hex(color)} of content_mask: they have "
                f"{', '.join(known)}"
            )
        regions.append(Region(mask, parts))
    for number in range(styles):
        if not any(number in region.styles for region in regions):
            raise ValueError(f"style_mask {number + 1} has none of the colours of content_mask")
    return regions


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
    for region in regions or _everything(len(styles)):
        parts = {
            number: _shown(mask, styles[number], f"style {number + 1}")
            for number, mask in region.styles.items()
        }
        # Of a photo, all that shows at all is painted.
        visible = None if content is None else (content > 0.5 / 255).astype(np.float32)
        shown.append(Region(_shown(region.content, visible, "the photo"), parts))
    return shown


def _shown(mask: np.ndarray | None, alpha: np.ndarray | None, name: str) -> np.ndarray | None:
    if alpha is None:
        return mask
    fitted = np.ones_like(alpha) if mask is None else _resized(mask, _size(alpha))
    if np.max(fitted, initial=0, where=alpha > 0.5 / 255) < 0.5:
        where = "all over" if mask is None else "wherever a mask is white"
        raise ValueError(f"{name} is transparent {where}: there is nothing to see")
    left = alpha * fitted
    return left / left.max()


def fit_regions(regions: Sequence[Region], content: Size, styles: Sequence[Size]) -> list[Region]:
    """Check the regions' masks and resample them to the sizes of the pictures.

    Raises:
        ValueError: a mask is none or is empty at that size, or a region uses a style that there is
            not.
    """
    for number in {number for region in regions for number in region.styles}:
        if not 0 <= number < len(styles):
            raise ValueError(
                f"a region is painted like style {number + 1}, but there are {len(styles)}"
            )
    for number, region in enumerate(regions, start=1):
        _check_fitted(f"the content mask of region {number}", region.content, content)
        for style, mask in region.styles.items():
            name = f"the mask of style {style + 1} in region {number}"
            _check_fitted(name, mask, styles[style])
    return resize_regions(regions, content, styles)


def _check_fitted(name: str, mask: Any, size: Size) -> None:
    if mask is None:
        return
    if np.ndim(mask) != 2:
        raise ValueError(f"{name} has shape {list(np.shape(mask))}: expected [H, W]")
    if _resized(_checked(name, mask), size).max() < LEAST_WHITE:
        raise ValueError(f"{name} is empty at {size[1]}x{size[0]} pixels: it is too small")


def resize_regions(
    regions: Sequence[Region], content: Size, styles: Sequence[Size]
) -> list[Region]:
    """Resample the regions' masks to the sizes of the pictures, or of smaller ones.

    Where content masks overlap, they share the pixels. A mask that is white all over becomes None.
    Without regions, all of the photo is painted like all of all styles.
    """
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
    ] or _everything(len(styles))


def coverage(regions: Sequence[Region]) -> np.ndarray | None:
    """Return how far fitted regions cover the photo, `[H, W]` in [0, 1]; None: all of it."""
    masks = [region.content for region in regions if region.content is not None]
    if len(masks) < len(regions):
        return None
    covered = np.minimum(1, np.sum(masks, axis=0))
    return None if covered.min() > 1 - ROUNDING else covered.astype(np.float32)


def count_masks(regions: Sequence[Region]) -> int:
    """Return how many regions are less than the whole photo."""
    return sum(region.content is not None for region in regions)


def paired(regions: Sequence[Region], style: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return what fitted regions paint like a style, and what they use of it.

    Each is `[h, w]` in [0, 1], or None for all of it.
    """
    ours = [region for region in regions if style in region.styles]
    return _union(r.content for r in ours), _union(r.styles[style] for r in ours)


def _union(masks: Iterable[np.ndarray | None]) -> np.ndarray | None:
    union: np.ndarray | None = None
    for mask in masks:
        if mask is None:
            return None
        union = mask if union is None else np.maximum(union, mask)
    return union


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


def _everything(styles: int) -> list[Region]:
    """Return what no regions mean: all of the photo is painted like all of all styles."""
    return [Region(None, dict.fromkeys(range(styles)))]


def _whole_or(mask: np.ndarray | None, size: Size) -> np.ndarray | None:
    if mask is None or mask.min() > 1 - ROUNDING:
        return None
    return _resized(mask, size)


def _resized(mask: np.ndarray, size: Size) -> np.ndarray:
    # Not by the filter for pictures, whose ripples would cross a mask's edge.
    return resize_plane(mask, size, resample=Image.Resampling.HAMMING)


def _checked(name: str, mask: Any) -> np.ndarray:
    array = np.asarray(mask)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or not array.size:
        raise ValueError(
            f"{name} has shape {list(array.shape)}: expected [H, W], or [H, W, 3] for labels"
        )
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite floats in [0, 1]")
    if array.min() < 0 or array.max() > 1:
        raise ValueError(f"{name} has values outside [0, 1]")
    if array.max() < LEAST_WHITE:
        raise ValueError(f"{name} is black all over: its region must be white")
    return array.astype(np.float32, copy=False)


def _size(mask: np.ndarray) -> Size:
    return mask.shape[0], mask.shape[1]
