"""Pairs of masks and styles: the regions that the user's masks define."""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.labels import nearest_label, split_labels, to_hex
from nst_tf.images.masks import Region, check_mask
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError


def pair_masks(
    content_masks: Sequence[np.ndarray], style_masks: Sequence[np.ndarray], styles: int
) -> list[Region]:
    """Return the regions that masks define.

    The n-th content mask is painted with the n-th style and the n-th style mask. A single content
    mask is painted with all styles, and a single style paints all content masks. A single content
    mask in colour is a map of labels: each of its regions is painted like the regions of the same
    colour in the maps of the styles.

    Args:
        content_masks: float `[H, W]` in [0, 1] of any sizes, or one map of labels `[H, W, 3]`.
        style_masks: none, or one for each pair of content mask and style.
        styles: the number of style images.

    Raises:
        UserError: an array is not a mask, a mask is empty, the numbers of masks and styles do not
            agree, or a label's colour is in no style's map.
    """
    content_masks = [
        check_mask(f"content_mask {n}", mask) for n, mask in enumerate(content_masks, 1)
    ]
    style_masks = [check_mask(f"style_mask {n}", mask) for n, mask in enumerate(style_masks, 1)]
    if any(mask.ndim == 3 for mask in (*content_masks, *style_masks)):
        return _pair_labels(content_masks, style_masks, styles)
    pairs = max(len(content_masks), styles)
    if len(content_masks) not in (0, 1, pairs) or styles not in (1, pairs):
        raise UserError(
            f"{counted(len(content_masks), 'content mask')} for {counted(styles, 'style')}: give "
            "one for each style, or one for all"
        )
    if len(style_masks) not in (0, pairs):
        what = counted(pairs, "style" if styles == pairs else "content mask")
        raise UserError(
            f"{counted(len(style_masks), 'style mask')} for {what}: give one for each, or none"
        )
    if not (content_masks or style_masks):
        return []
    parts: list[np.ndarray | None] = [*style_masks] if style_masks else [None] * pairs
    if len(content_masks) < 2:
        return [Region(content_masks[0] if content_masks else None, dict(enumerate(parts)))]
    return [
        Region(mask, {region_index if styles > 1 else 0: part})
        for region_index, (mask, part) in enumerate(zip(content_masks, parts, strict=True))
    ]


def _pair_labels(
    content_masks: list[np.ndarray], style_masks: list[np.ndarray], styles: int
) -> list[Region]:
    """Pair the labels of maps by their colours; arguments and errors as for `pair_masks`."""
    if len(content_masks) != 1 or len(style_masks) != styles:
        raise UserError(
            "masks in colour are maps of labels, which need one content_mask and a style_mask for "
            f"each style, not {len(content_masks)} and {len(style_masks)} for "
            f"{counted(styles, 'style')}"
        )
    maps = [split_labels(mask) for mask in style_masks]
    regions = []
    for color, mask in split_labels(content_masks[0]).items():
        near = [nearest_label(color, labels) for labels in maps]
        parts = {
            style_index: labels[label]
            for style_index, (label, labels) in enumerate(zip(near, maps, strict=True))
            if label is not None
        }
        if not parts:
            known = sorted({to_hex(label) for labels in maps for label in labels})
            raise UserError(
                f"no style_mask has the colour {to_hex(color)} of content_mask: they have "
                f"{', '.join(known)}"
            )
        regions.append(Region(mask, parts))
    for style_index in range(styles):
        if not any(style_index in region.styles for region in regions):
            raise UserError(f"style_mask {style_index + 1} has none of the colours of content_mask")
    return regions
