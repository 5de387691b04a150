"""The guided filter, which gives masks the edges of a picture."""

import numpy as np


def guided_filter(
    guide: np.ndarray, planes: np.ndarray, radius: int, epsilon: float = 1e-3
) -> np.ndarray:
    """Return planes that are smooth where the guide is smooth, and have edges where it has them.

        q = mean(A) g + mean(b)      A = cov(p, g) (cov(g, g) + ε)⁻¹,  b = mean(p) − A mean(g)

    In each window, a plane becomes a linear function of the guide's colours; each pixel takes the
    mean of its windows (He, Sun and Tang, "Guided Image Filtering", PAMI 2013, equations 14 to 16).
    Windows end at the borders.

    Args:
        guide: `[H, W, 3]` in [0, 1].
        planes: `[k, H, W]`.
        radius: of the square windows, pixels: their side is 2 · radius + 1.
        epsilon: variance of the guide below which a window counts as smooth.

    Returns:
        float32 `[k, H, W]`; planes that add up to 1 still do.
    """
    colors = guide.astype(np.float64)
    inputs = np.moveaxis(planes.astype(np.float64), 0, -1)
    mean, level = _means(colors, radius), _means(inputs, radius)
    spread = _means(_products(colors, colors), radius) - _products(mean, mean)
    shared = _means(_products(colors, inputs), radius) - _products(mean, level)
    slope = np.linalg.solve(spread + epsilon * np.eye(3), shared)  # [H, W, 3, k]
    offset = level - np.einsum("hwi,hwik->hwk", mean, slope)
    fitted = np.einsum("hwi,hwik->hwk", colors, _means(slope, radius)) + _means(offset, radius)
    return np.moveaxis(fitted, -1, 0).astype(np.float32)


def _products(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one[..., :, None] * other[..., None, :]


def _means(values: np.ndarray, radius: int) -> np.ndarray:
    """Return the means of the windows around each place, `[H, W, ...]`."""
    for axis in (0, 1):
        length = values.shape[axis]
        sums = np.concatenate(
            [np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis
        )
        places = np.arange(length)
        first, last = np.maximum(0, places - radius), np.minimum(length, places + radius + 1)
        counts = (last - first).reshape((-1,) + (1,) * (values.ndim - axis - 1))
        values = (sums.take(last, axis) - sums.take(first, axis)) / counts
    return values
