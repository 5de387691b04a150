"""The colour space Oklab, in which equal distances look about equally large.

From Björn Ottosson, "A perceptual color space for image processing"
(https://bottosson.github.io/posts/oklab/, 2020).
"""

import numpy as np

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
"""From linear sRGB to the responses of the eye's cones."""

TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""From the cube roots of the responses to lightness and the two axes of chroma."""

FROM_CONES, FROM_LAB = np.linalg.inv(TO_CONES), np.linalg.inv(TO_LAB)

HALVINGS = 12  # of the interval in which the largest chroma is searched: to 1/4096 of it


def to_oklab(colors: np.ndarray) -> np.ndarray:
    """Return colours, `[..., 3]` in sRGB, as lightness L in [0, 1], a and b, float64."""
    values = np.asarray(colors, np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ TO_CONES.T) @ TO_LAB.T


def from_oklab(colors: np.ndarray) -> np.ndarray:
    """Return colours of Oklab, `[..., 3]`, in sRGB; they may leave [0, 1]."""
    linear = ((colors @ FROM_LAB.T) ** 3) @ FROM_CONES.T
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


def into_gamut(colors: np.ndarray) -> np.ndarray:
    """Return colours of Oklab, `[N, 3]`, that sRGB has: those that it lacks lose chroma.

    Hue and lightness stay. A lightness outside [0, 1] becomes black or white.
    """
    inside = np.array(colors, np.float64)
    inside[:, 0] = np.clip(inside[:, 0], 0, 1)
    lacking = ~_shown(inside)
    wanted = inside[lacking]
    low, high = np.zeros((len(wanted), 1)), np.ones((len(wanted), 1))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        fits = _shown(wanted * np.concatenate([np.ones_like(middle), middle, middle], 1))[:, None]
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    inside[lacking, 1:] *= low
    return inside


def _shown(colors: np.ndarray) -> np.ndarray:
    """Return whether sRGB has each colour of Oklab, `[N, 3]`, within half an 8-bit step."""
    values = from_oklab(colors)
    return np.asarray(((values > -0.5 / 255) & (values < 1 + 0.5 / 255)).all(axis=1))
