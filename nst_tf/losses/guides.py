"""Guides: how much each location of a layer counts in a region's Gram matrix.

    G_r = Σ_i g_i F_i F_iᵀ,  Σ_i g_i = 1

This is the guided Gram matrix of Gatys, Ecker, Bethge, Hertzmann and Shechtman ("Controlling
Perceptual Factors in Neural Style Transfer", arXiv 1611.07865, eqs. 4 to 6) with g = T², T their
guidance channel. Where a region is the whole picture it is `losses.gram_matrix`.
"""

import math

import numpy as np

from nst_tf.network.layers import reach, stride

# A feature's sensitivity falls off towards the rim of what it reaches (Luo et al., arXiv
# 1701.04128): half of the way holds 88 to 99 % of it (scripts/receptive_fields.py). Eroded by all
# of the way, regions have wide rims that no style gets to.
SEEN = 0.5
LEAST_LEFT = 0.25  # of a region: fewer locations are no statistics


def layer_guide(mask: np.ndarray, layer: str) -> np.ndarray | None:
    """Return a mask at a layer's locations, without those that see what is outside of it.

    The mask is eroded by half as many pixels as the layer reaches, so that styles do not bleed
    from region to region, and a location counts as the least of its own pixels. Where less than a
    quarter of the region would be left, it is eroded by half as many, and so on. A region without
    a whole location counts as the means.

    Args:
        mask: float32 `[H, W]` in [0, 1].
        layer: its name, such as `block3_conv1`.

    Returns:
        float32 `[1, h, w, 1]`, at least 0, with a sum of 1; None where none of the layer's
        locations is in the region.
    """
    radius, side = math.ceil(SEEN * reach(layer)), stride(layer)
    guide = _squares(erode(mask, radius), side).min(axis=(1, 3))
    while radius and guide.sum() * side**2 < LEAST_LEFT * mask.sum():
        radius //= 2
        left = _squares(erode(mask, radius), side)
        guide = left.min(axis=(1, 3)) if radius else left.mean(axis=(1, 3))
    total = guide.sum(dtype=np.float64)
    return (guide / total).astype(np.float32)[None, :, :, None] if total > 0 else None


def erode(mask: np.ndarray, radius: int) -> np.ndarray:
    """Return the least value of the square of 2·radius + 1 pixels around each, as `[H, W]`.

    Beyond the borders there is nothing that would count.
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
    """Return the means of squares of so many pixels a side; what is left over is dropped."""
    return _squares(mask, side).mean(axis=(1, 3))


def _squares(mask: np.ndarray, side: int) -> np.ndarray:
    """Return `[h, side, w, side]`, the pixels of each square."""
    height, width = (length // side for length in mask.shape)
    return mask[: height * side, : width * side].reshape(height, side, width, side)
