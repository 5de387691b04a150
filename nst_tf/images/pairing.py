"""Pairs of masks and styles: the regions that the user's masks and maps of labels define.

A map of labels is a picture in which every colour but black is a region.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from nst_tf.images.masks import Region, check_mask
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError

NEAR = 32 / 255
"""Colours that differ by less than this in every channel are the same label. Chosen by us, wide
enough for what JPEG compression does to flat colours."""

LEAST_LABEL = 0.005
"""Least share of a map that a label covers. Colours of smoothed edges cover less."""

Color = tuple[float, ...]


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


def split_labels(labels: np.ndarray) -> dict[Color, np.ndarray]:
    """Return a mask for each colour of a map but black.

    Labels are colours that cover at least half a per cent of the map: smoothed edges and
    compression make no regions. Colours that differ by less than 32 of 255 levels in every channel
    are one label. Every pixel belongs to the nearest label, or to black.

    Args:
        labels: float32 `[H, W, 3]` in [0, 1], or `[H, W]` in grey.

    Returns:
        float32 masks `[H, W]` of 0 and 1 by the colour, red, green and blue in [0, 1].

    Raises:
        ValueError: no colour but black covers enough.
    """
    if labels.ndim == 2:
        labels = np.repeat(labels[..., None], 3, axis=-1)
    red, green, blue = (
        np.rint(255 * labels[..., channel]).astype(np.int32) for channel in range(3)
    )
    codes, counts = np.unique((red << 16) + (green << 8) + blue, return_counts=True)
    colors = (
        np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1).astype(np.float32) / 255
    )
    black = np.zeros(3, np.float32)
    counts = np.where(_near(colors, black), 0, counts)
    found: list[np.ndarray] = []
    while counts.any():
        color = colors[counts.argmax()]
        near = _near(colors, color)
        if counts[near].sum() >= LEAST_LABEL * red.size:
            found.append(color)
        counts = np.where(near, 0, counts)
    if not found:
        raise UserError(
            "a map of labels has no colour but black on half a per cent of it: paint larger "
            "regions, or in other colours"
        )
    least = np.full(labels.shape[:2], np.inf, np.float32)
    nearest = np.zeros(labels.shape[:2], np.int16)
    for label_index, color in enumerate([*found, black]):  # black last: it loses ties
        distance = np.abs(labels - color).max(axis=-1)
        nearest[distance < least] = label_index
        least = np.minimum(least, distance)
    return {
        tuple(color.tolist()): (nearest == label_index).astype(np.float32)
        for label_index, color in enumerate(found)
    }


def nearest_label(color: Color, labels: Iterable[Color]) -> Color | None:
    """Return the nearest of `labels` if it is the same colour as `color`, or None."""
    distances = {label: float(np.abs(np.subtract(label, color)).max()) for label in labels}
    label = min(distances, key=lambda known: distances[known])
    return label if distances[label] < NEAR else None


def to_hex(color: Color) -> str:
    """Return a colour in hexadecimal, such as #ff0000; channels in [0, 1]."""
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in color)


def _near(colors: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Return which of the colours `[N, 3]` are the same label as `color` `[3]`, bool `[N]`."""
    return np.abs(colors - color).max(axis=-1) < NEAR
