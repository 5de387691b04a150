"""Palettes of pictures, and how much each pixel belongs to each of their colours."""

from collections.abc import Sequence

import numpy as np

from nst_tf.images.resize import resize

WHITE = np.array([0.95047, 1.0, 1.08883])
"""X, Y and Z of sRGB's white, D65."""

TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float64
)
"""Linear red, green and blue of sRGB to X, Y and Z (IEC 61966-2-1)."""

SAMPLE = 96
"""Long side, pixels, of the pictures whose colours are clustered."""

ITERATIONS = 100  # maximum, of k-means
SEEDS = 8  # starts of k-means, of which the best counts


def to_lab(image: np.ndarray) -> np.ndarray:
    """Return the CIELAB values of colours in sRGB, float64 `[..., 3]`.

    L* is in [0, 100]; equal distances look about equally different.

    Args:
        image: `[..., 3]` in [0, 1].
    """
    values = image.astype(np.float64)
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratio = linear @ TO_XYZ.T / WHITE
    small = (6 / 29) ** 3
    x, y, z = np.moveaxis(
        np.where(ratio > small, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29), -1, 0
    )
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def palette_of(pictures: Sequence[np.ndarray], count: int) -> np.ndarray:
    """Return the main colours of pictures, each picture with the same weight, `[k, 3]` in Lab.

    They are the means of at most `count` k-means clusters, the darkest first. The same pictures
    have the same palette.

    Args:
        pictures: float32 `[1, H, W, 3]` in [0, 1], of any sizes.
    """
    parts, weights = [], []
    for picture in pictures:
        height, width = picture.shape[1:3]
        ratio = min(1.0, SAMPLE / max(height, width))
        size = max(1, round(height * ratio)), max(1, round(width * ratio))
        colors = to_lab(resize(picture, size)).reshape(-1, 3)
        parts.append(colors)
        weights.append(np.full(len(colors), 1 / len(colors)))
    means = cluster(np.concatenate(parts), count, np.concatenate(weights))
    return np.unique(means.round(6), axis=0)  # sorted by L*


def cluster(points: np.ndarray, count: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the means of weighted k-means clusters, `[count, D]`.

    The starts are those of k-means++ (Arthur and Vassilvitskii, SODA 2007), from fixed seeds. With
    fewer different points than clusters, some means are equal.

    Args:
        points: `[N, D]`.
        weights: `[N]`, above 0; `None`: all the same.
    """
    weights = np.ones(len(points)) if weights is None else weights
    found = [_lloyd(points, weights, _start(points, weights, count, s)) for s in range(SEEDS)]
    return min(found, key=lambda one: one[1])[0]


def _start(points: np.ndarray, weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return points that are far from each other."""
    random = np.random.default_rng(seed)
    chosen = [points[random.choice(len(points), p=weights / weights.sum())]]
    while len(chosen) < count:
        shares = weights * _squares(points, np.array(chosen)).min(axis=1)
        total = shares.sum()
        index = random.choice(len(points), p=shares / total) if total else 0
        chosen.append(points[index])
    return np.array(chosen)


def _lloyd(points: np.ndarray, weights: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the means to which k-means leads, and the weighted sum of squared distances."""
    nearest = np.full(len(points), -1)
    for _ in range(ITERATIONS):
        squares = _squares(points, means)
        before, nearest = nearest, squares.argmin(axis=1)
        if (nearest == before).all():
            break
        sums = np.bincount(nearest, weights, len(means))
        for axis in range(points.shape[1]):
            moved = np.bincount(nearest, weights * points[:, axis], len(means))
            np.divide(moved, sums, out=means[:, axis], where=sums > 0)
    return means, float(weights @ _squares(points, means).min(axis=1))


def memberships(colors: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Return how much each colour belongs to each colour of a palette, float32 `[k, ...]`.

        m_i = exp(−‖c − p_i‖² / 2σ²) / Σ_j exp(−‖c − p_j‖² / 2σ²)

    The soft masks of color-aware multi-style transfer (Afifi, Abuolaim, Hussien, Brubaker and
    Brown, arXiv 2106.13920), here with shares that add up to 1. σ is a quarter of the mean distance
    from a colour of the palette to its nearest neighbour: colours halfway between two belong to
    both.

    Args:
        colors: Lab, `[..., 3]`.
        palette: Lab, `[k, 3]`.
    """
    apart = _squares(palette, palette)
    np.fill_diagonal(apart, np.inf)
    deviation = max(1e-3, np.sqrt(apart.min(axis=1)).mean() / 4) if len(palette) > 1 else 1.0
    powers = -_squares(colors.reshape(-1, 3), palette) / (2 * deviation**2)
    shares = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return np.moveaxis(shares, 1, 0).reshape(-1, *colors.shape[:-1]).astype(np.float32)


def _squares(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return squared distances, `[N, M]`, of points `[N, D]` and `[M, D]`."""
    return ((points[:, None] - others[None]) ** 2).sum(axis=-1)
