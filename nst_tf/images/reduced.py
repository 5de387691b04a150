"""Reduction of large pictures while they are read."""

import math

import numpy as np
from PIL import Image

LARGE = 32 * 10**6
"""Maximum pixels of pictures that are read in full, which needs less memory than TensorFlow."""

GAP = 3
"""Minimum long side of a reduced picture, relative to its size of use: the reduced picture is
resampled with antialiasing. At 3, pixels differ by less than one of 255 levels in the mean."""

_FULL = 25
"""Bytes a pixel of a picture that is read in full: decoded, its channels, one of them in floats."""

_SHRUNK = {"1": 3, "L": 3, "P": 6, "RGB": 6}
_SHRUNK_ELSE = 12
"""Bytes a pixel of a picture that is read at a reduced size, by its mode, and for other modes."""

_SCALES = (8, 4, 2, 1)  # of libjpeg

ROWS = 512
"""Number of rows of reduced samples that are computed at a time."""

_AS_COLORS = {"1": "L", "P": "RGB", "PA": "RGBA"}
_REDUCIBLE = ("L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "F", "I")


def factor(size: tuple[int, int], max_dim: int, large: int = LARGE) -> int:
    """Return the whole number by which the sides of a picture are divided; 1 keeps the size.

    `max_dim` limits the long side at which it is used, pixels; 0: no limit. Pictures of up to
    `large` pixels keep their size.
    """
    if not max_dim or math.prod(size) <= large:
        return 1
    return max(1, min(max(size) // (GAP * max_dim), min(size)))


def bytes_needed(image: Image.Image, deep: bool, ratio: int) -> int:
    """Return the peak memory of reading a picture, bytes, before it is decoded.

    `deep` samples have more than 8 bits. The sides are divided by `ratio`.
    """
    pixels = math.prod(image.size)
    if image.format == "JPEG":
        pixels //= max(scale for scale in _SCALES if scale <= ratio) ** 2
    each = _SHRUNK_ELSE if deep else _SHRUNK.get(image.mode, _SHRUNK_ELSE)
    return pixels * (_FULL if ratio == 1 else each)


def draft(image: Image.Image, ratio: int) -> None:
    """Let a JPEG file be decoded at a half, a quarter or an eighth of its size, up to `ratio`."""
    if ratio > 1:
        image.draft(image.mode, (image.width // ratio, image.height // ratio))


def reduce(image: Image.Image, ratio: int, full: tuple[int, int]) -> Image.Image:
    """Return a decoded picture whose sides `full` in its file are divided by averaging squares."""
    left = max(image.size) / max(full) * ratio
    if left < 2:  # the picture keeps its size, or the decoder of a JPEG file has divided it
        return image
    if image.mode in _AS_COLORS:
        clear = image.has_transparency_data
        image = image.convert("RGBA" if clear else _AS_COLORS[image.mode])
    if image.mode not in _REDUCIBLE:
        return image
    width, height = (max(1, round(side / left)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def reduce_samples(samples: np.ndarray, ratio: int) -> np.ndarray:
    """Return samples `[H, W, C]` averaged as by `reduce`; the last of 2 or 4 is an alpha."""
    if ratio == 1:
        return samples
    height, width = (side // ratio for side in samples.shape[:2])
    small = np.empty((height, width, samples.shape[-1]), samples.dtype)
    for top in range(0, height, ROWS):
        rows = samples[top * ratio : min(top + ROWS, height) * ratio, : width * ratio]
        small[top : top + ROWS] = _means(rows, ratio)
    return small


def _means(rows: np.ndarray, ratio: int) -> np.ndarray:
    """Return the means of squares of samples `[H, W, C]`, colours weighted by their alpha."""
    height, width, channels = rows.shape
    squares = rows.reshape(height // ratio, ratio, width // ratio, ratio, channels)
    if channels in (2, 4):
        alpha = squares[..., -1:].astype(np.float32)
        weighted = (squares[..., :-1] * alpha).sum((1, 3)) / np.maximum(alpha.sum((1, 3)), 1e-6)
        means = np.concatenate([weighted, alpha.mean((1, 3))], axis=-1)
    else:
        means = squares.mean((1, 3), dtype=np.float32)
    return means if rows.dtype.kind == "f" else np.rint(means)
