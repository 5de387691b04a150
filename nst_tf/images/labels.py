"""Maps of labels: pictures in which every colour but black is a region."""

from collections.abc import Iterable

import numpy as np

from nst_tf.utils.errors import UserError

NEAR = 32 / 255
"""Colours that differ by less than this in every channel are the same label. Chosen by us, wide
enough for what JPEG compression does to flat colours."""

LEAST_LABEL = 0.005
"""Least share of a map that a label covers. Colours of smoothed edges cover less."""

Color = tuple[float, ...]


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
