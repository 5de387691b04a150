"""Masks that a visitor paints with the mouse, one colour for each painting."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image

from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError

# From the palette of Okabe and Ito, which is safe for colour-blind people.
COLORS = {"orange": (230, 159, 0), "blue": (86, 180, 233), "green": (0, 158, 115),
          "pink": (204, 121, 167)}  # fmt: skip
"""RGB levels of the brushes, by name, for the first painting, the second and so on."""

MAX_PIXELS = 16_000_000  # of a layer: the editor's layers are smaller than a screen

MIN_ALPHA = 128  # of a stroke, of 255


def decode_layer(picture: bytes) -> np.ndarray:
    """Return a layer of the editor, uint8 `[h, w, 4]`.

    Args:
        picture: a PNG or WebP file, as the editor sends it.

    Raises:
        UserError: the file is not such a picture, or is larger than any that the editor makes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(picture), formats=("PNG", "WEBP")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise UserError("the painted regions are too large: use a smaller window")
                return np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError("the painted regions cannot be read: paint them again") from None


def painted_masks(
    layers: Sequence[np.ndarray], size: tuple[int, int], paintings: int
) -> list[np.ndarray]:
    """Return the masks of painted strokes, uint8 `[*size]`: 255 in the region, 0 elsewhere.

    Strokes of one colour make one mask for all paintings, strokes of several colours a mask for
    each painting, in order. Without strokes, there are no masks: the whole photo is painted.

    Args:
        layers: layers of the editor, uint8 `[h, w, 4]`, of any size; later layers are on top.
        size: height and width of the photo, pixels.
        paintings: the number of paintings.

    Raises:
        ValueError: colours and paintings do not agree.
    """
    if not layers:
        return []
    if len({layer.shape for layer in layers}) > 1:
        raise UserError("the layers of the painted regions differ in size: paint them again")
    labels = np.full(layers[0].shape[:2], -1)
    palette = np.array([*COLORS.values()], np.int32)
    for layer in layers:
        distance = np.abs(layer[..., None, :3].astype(np.int32) - palette).sum(-1)
        opaque = layer[..., 3] >= MIN_ALPHA
        labels[opaque] = distance.argmin(-1)[opaque]
    used = [index for index in range(len(COLORS)) if (labels == index).any()]
    names = list(COLORS)
    if len(used) > 1 and used != list(range(paintings)):
        wanted = " and ".join(names[:paintings]) if paintings > 1 else "one colour"
        raise UserError(
            f"regions are painted in {' and '.join(names[index] for index in used)}, but there "
            f"{'is' if paintings == 1 else 'are'} {counted(paintings, 'painting')}: use {wanted}"
        )
    return [_resized(labels == index, size) for index in used]


def _resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
