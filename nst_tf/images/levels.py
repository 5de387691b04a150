"""Integer levels of files and floats in [0, 1]."""

import numpy as np


def to_float(levels: np.ndarray) -> np.ndarray:
    """Return the levels of a file as float32, scaled by the range of their type.

    Args:
        levels: of any shape; bool, uint8, uint16 or, as Pillow reads some 16-bit files, int32.
            Floats are not scaled.

    Returns:
        float32 of that shape, in [0, 1] unless floats or int32 are out of range.
    """
    if levels.dtype == np.uint8:
        return levels.astype(np.float32) / np.float32(255)
    if levels.dtype == bool or np.issubdtype(levels.dtype, np.floating):
        return levels.astype(np.float32)
    return (levels / 65535).astype(np.float32)


def encode_srgb(light: np.ndarray) -> np.ndarray:
    """Return the sRGB values of light, both floats in [0, 1] (IEC 61966-2-1)."""
    return np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)


def decode_srgb(values: np.ndarray) -> np.ndarray:
    """Return the light of sRGB values: the inverse of `encode_srgb`."""
    return np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)


def quantize(values: np.ndarray, bit_depth: int = 8) -> np.ndarray:
    """Round [0, 1] to the nearest of the `2**bit_depth` levels; values beyond are clipped.

    Args:
        values: floats of any shape.
        bit_depth: 8 or 16.

    Returns:
        uint8 or uint16 of that shape.
    """
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    # In float32, 65535 x is exact to 1/256 of a level.
    # The one copy: pictures are large, and memory may be short.
    levels = np.asarray(np.clip(values, 0, 1))
    levels *= 2**bit_depth - 1
    return np.rint(levels, out=levels).astype(dtype)
