"""Masks, and regions: parts of the photo, each painted like parts of the styles.

A mask is an array `[H, W]` in [0, 1] that is 1 (white) in its region and 0 (black) elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.images.resize import Size, as_array, resize, resize_plane
from nst_tf.utils.describe import brief
from nst_tf.utils.errors import UserError

ROUNDING = 1e-5
"""Error of the sum of float32 masks that share the pixels."""

LEAST_WHITE = 0.05
"""Least value of a mask's lightest pixel. Darker masks are empty: their region would have next to
no weight."""


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the photo, and the parts of the styles that it is painted like.

    Attributes:
        content: float32 `[H, W]`, 1 inside the region and 0 outside; None: the whole photo.
        styles: for each style that the region uses, by its index from 0, the part to use: float32
            `[h, w]`, 1 inside and 0 outside; None: the whole style.
    """

    content: np.ndarray | None = None
    styles: Mapping[int, np.ndarray | None] = field(default_factory=lambda: {0: None})

    __repr__ = brief


def apply_alpha(
    regions: Sequence[Region], content: np.ndarray | None, styles: Sequence[np.ndarray | None]
) -> list[Region]:
    """Return the regions without the transparent parts of the pictures.

    Args:
        regions: from `pair_masks`.
        content, styles: the pictures' alphas, float32 `[H, W]` in [0, 1]; None: opaque.

    Raises:
        ValueError: nothing is left of a region.
    """
    if content is None and all(alpha is None for alpha in styles):
        return list(regions)
    shown = []
    for region in regions or everything(len(styles)):
        parts = {
            style_index: _shown(mask, styles[style_index], f"style {style_index + 1}")
            for style_index, mask in region.styles.items()
        }
        # Faint pixels of the photo are painted like opaque ones.
        visible = None if content is None else (content > 0.5 / 255).astype(np.float32)
        shown.append(Region(_shown(region.content, visible, "the photo"), parts))
    return shown


def _shown(mask: np.ndarray | None, alpha: np.ndarray | None, name: str) -> np.ndarray | None:
    """Return a mask times an alpha, scaled to a maximum of 1, at the alpha's size."""
    if alpha is None:
        return mask
    fitted = np.ones_like(alpha) if mask is None else _resized(mask, alpha.shape)
    if np.max(fitted, initial=0, where=alpha > 0.5 / 255) < 0.5:
        where = "all over" if mask is None else "wherever a mask is white"
        raise UserError(f"{name} is transparent {where}: there is nothing to see")
    left = alpha * fitted
    return left / left.max()


def fit_regions(regions: Sequence[Region], content: Size, styles: Sequence[Size]) -> list[Region]:
    """Check the regions' masks and resample them to the sizes of the pictures.

    Raises:
        UserError: an array is not a mask, a mask is empty at its new size, or a region uses a style
            that does not exist.
    """
    for style_index in {style_index for region in regions for style_index in region.styles}:
        if not 0 <= style_index < len(styles):
            raise UserError(
                f"a region is painted like style {style_index + 1}, but there are {len(styles)}"
            )
    for region_index, region in enumerate(regions):
        name = f"region {region_index + 1}"
        masks = [(f"the content mask of {name}", region.content, content)] + [
            (f"the mask of style {style_index + 1} in {name}", mask, styles[style_index])
            for style_index, mask in region.styles.items()
        ]
        for mask_name, mask, size in masks:
            if mask is not None:
                fit_mask(mask_name, mask, size)
    return resize_regions(regions, content, styles)


def fit_mask(name: str, mask: Any, size: Size) -> np.ndarray:
    """Check a mask and resample it, float32 `[*size]` in [0, 1].

    Raises:
        UserError: it is not a mask or is empty at that size; the text contains `name`.
    """
    if np.ndim(mask) != 2:
        raise UserError(f"{name} has shape {list(np.shape(mask))}: expected [H, W]")
    fitted = _resized(check_mask(name, mask), size)
    if fitted.max() < LEAST_WHITE:
        raise UserError(f"{name} is empty at {size[1]}x{size[0]} pixels: it is too small")
    return fitted


def resize_regions(
    regions: Sequence[Region], content: Size, styles: Sequence[Size]
) -> list[Region]:
    """Resample the regions' masks to the sizes of the pictures, without checks.

    Content masks share the pixels on which they overlap, and sum to at most 1. An entirely white
    mask becomes None. Without regions, the whole photo is painted like all styles.
    """
    masks = [_whole_or(region.content, content) for region in regions]
    if len(masks) > 1:
        planes = [np.ones(content, np.float32) if mask is None else mask for mask in masks]
        total = np.maximum(1, np.sum(planes, axis=0))
        masks = [plane / total for plane in planes]
    return [
        Region(
            mask,
            {index: _whole_or(part, styles[index]) for index, part in region.styles.items()},
        )
        for mask, region in zip(masks, regions, strict=True)
    ] or everything(len(styles))


def coverage(regions: Sequence[Region]) -> np.ndarray | None:
    """Return the share of each pixel that fitted regions cover, `[H, W]` in [0, 1]; None: all."""
    masks = [region.content for region in regions if region.content is not None]
    if len(masks) < len(regions):
        return None
    covered = np.minimum(1, np.sum(masks, axis=0))
    return None if covered.min() > 1 - ROUNDING else covered.astype(np.float32)


def count_masks(regions: Sequence[Region]) -> int:
    """Return the number of regions that are less than the whole photo."""
    return sum(region.content is not None for region in regions)


def masks_for_style(
    regions: Sequence[Region], style: int
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return the part of the photo that is painted like a style, and the part used of the style.

    They are float32 `[H, W]` and `[h, w]` in [0, 1], or None for the whole picture.
    """
    users = [region for region in regions if style in region.styles]
    return _union(r.content for r in users), _union(r.styles[style] for r in users)


def _union(masks: Iterable[np.ndarray | None]) -> np.ndarray | None:
    """Return the pixelwise maximum of masks `[H, W]`; None, the whole picture, if one is None."""
    union: np.ndarray | None = None
    for mask in masks:
        if mask is None:
            return None
        union = mask if union is None else np.maximum(union, mask)
    return union


def compose(image: Any, photo: Any, covered: Any) -> Any:
    """Blend an image over the photo: c · image + (1 − c) · photo, for arrays or tensors."""
    return covered * image + (1 - covered) * photo


def keep_photo(image: np.ndarray, photo: np.ndarray, covered: np.ndarray | None) -> np.ndarray:
    """Return a generated image, float32 `[1, h, w, 3]` of any size, with the photo elsewhere.

    `covered` comes from `coverage`.
    """
    if covered is None:
        return image
    size = image.shape[1:3]
    return compose(image, resize(photo, size), _resized(covered, size)[None, :, :, None])


def everything(styles: int) -> list[Region]:
    """Return the one region that paints the whole photo like all styles."""
    return [Region(None, dict.fromkeys(range(styles)))]


def _whole_or(mask: np.ndarray | None, size: Size) -> np.ndarray | None:
    """Return a mask `[H, W]` at another size, or None if it is white all over."""
    if mask is None or mask.min() > 1 - ROUNDING:
        return None
    return _resized(mask, size)


def _resized(mask: np.ndarray, size: Size) -> np.ndarray:
    # The filter for pictures, Lanczos, would make ripples along a mask's edge.
    return resize_plane(mask, size, resample=Image.Resampling.HAMMING)


def check_mask(name: str, mask: Any) -> np.ndarray:
    """Return a mask `[H, W]` or a map of labels `[H, W, 3]` as float32.

    UserError: it is neither, or black all over; the text names it `name`.
    """
    array = as_array(name, mask)
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)) or not array.size:
        raise UserError(
            f"{name} has shape {list(array.shape)}: expected [H, W], or [H, W, 3] for labels"
        )
    if not np.issubdtype(array.dtype, np.floating) or not np.isfinite(array).all():
        raise UserError(f"{name} must hold finite floats in [0, 1]")
    if array.min() < 0 or array.max() > 1:
        raise UserError(f"{name} has values outside [0, 1]")
    if array.max() < LEAST_WHITE:
        raise UserError(f"{name} is black all over: its region must be white")
    return array.astype(np.float32, copy=False)
