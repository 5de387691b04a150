"""Guides: how much each location of a layer counts in a region's statistics.

    G_r = Σ_i g_i F_i F_iᵀ,  Σ_i g_i = 1

This is the guided Gram matrix of Gatys, Ecker, Bethge, Hertzmann and Shechtman ("Controlling
Perceptual Factors in Neural Style Transfer", arXiv 1611.07865, eqs. 4 to 6) with g = T², T their
guidance channel.
"""

import math
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from nst_tf.network.layers import receptive_radius, stride

# A feature's sensitivity falls off towards the rim of its receptive field (Luo et al., arXiv
# 1701.04128): half the radius holds 88 to 99 % of it (scripts/receptive_fields.py). Erosion by the
# whole radius leaves wide rims around regions that no style reaches.
EROSION_FRACTION = 0.5
LEAST_LEFT = 0.25  # share of a region that erosion leaves at least: chosen by eye


def layer_guides(mask: np.ndarray | None, layers: Iterable[str]) -> dict[str, tf.Tensor]:
    """Return the guides of a mask by layer, without layers in which it has no location.

    The whole picture, whose mask is None, needs no guides.
    """
    if mask is None:
        return {}
    guides = {name: layer_guide(mask, name) for name in layers}
    return {name: tf.constant(guide) for name, guide in guides.items() if guide is not None}


def layer_guide(
    mask: np.ndarray, layer: str, erosion: float = EROSION_FRACTION
) -> np.ndarray | None:
    """Return a mask at a layer's locations, without those that see much outside it.

    The mask is eroded by half the layer's receptive radius, so that styles do not bleed from
    region to region, and a location counts as much as the least of its pixels. Where that would
    leave less than a quarter of the region, the radius is halved until it leaves more. Where it
    reaches 0, a location counts as much as the mean of its pixels.

    Args:
        mask: float32 `[H, W]` in [0, 1].
        layer: such as `block3_conv1`.
        erosion: this share of the radius, if not half.

    Returns:
        float32 `[1, h, w, 1]`, at least 0, with a sum of 1; None without a location in the region.
    """
    radius, side = math.ceil(erosion * receptive_radius(layer)), stride(layer)
    guide = _squares(erode(mask, radius), side).min(axis=(1, 3))
    while radius and guide.sum() * side**2 < LEAST_LEFT * mask.sum():
        radius //= 2
        left = _squares(erode(mask, radius), side)
        guide = left.min(axis=(1, 3)) if radius else left.mean(axis=(1, 3))
    total = guide.sum(dtype=np.float64)
    return (guide / total).astype(np.float32)[None, :, :, None] if total > 0 else None


def erode(mask: np.ndarray, radius: int) -> np.ndarray:
    """Return the least value in the square of 2·radius + 1 pixels around each pixel, `[H, W]`.

    Pixels beyond the borders do not count.
    """
    for axis in range(2):
        widths = [(0, 0), (0, 0)]
        widths[axis] = (radius, radius)
        line = np.moveaxis(np.pad(mask, widths, constant_values=np.inf), axis, 0)
        done, length = 1, 2 * radius + 1  # pixels that each value is the least of
        while done < length:
            step = min(done, length - done)
            line = np.minimum(line[:-step], line[step:])
            done += step
        mask = np.moveaxis(line, 0, axis)
    return mask


def block_means(mask: np.ndarray, side: int) -> np.ndarray:
    """Return the means of squares of `side` × `side` pixels; a remainder is dropped."""
    return _squares(mask, side).mean(axis=(1, 3))


def _squares(mask: np.ndarray, side: int) -> np.ndarray:
    """Return `[h, side, w, side]`, the pixels of each square."""
    height, width = (length // side for length in mask.shape)
    return mask[: height * side, : width * side].reshape(height, side, width, side)
