"""A picture in the colours of other pictures, as one smooth map of colours.

    T(x) = M(x) + R(x)        M(x) = A (x − μ) + ν

in Oklab. M is the linear map that moves the picture's mean and covariance to the palette's at the
least cost (Pitié and Kokaram, "The linear Monge-Kantorovitch linear colour mapping for
example-based colour transfer", CVMP 2007):

    A = Σ^-½ (Σ^½ Σ_t Σ^½)^½ Σ^-½

R fits the whole distribution of the palette's colours. Sliced optimal transport moves each colour
there (Rabin, Peyré, Delon and Bernot, "Wasserstein barycenter and its application to texture
mixing", SSVM 2011; Pitié, Kokaram and Dahyot, "Automated colour grading using colour distribution
transfer", CVIU 2007), and R is the mean of its moves near x, weighted by a Gaussian.

Equal colours remain equal, and similar colours similar, so contours stay clean and flat parts such
as skies get neither bands nor blotches: transport of each pixel on its own would enlarge their
noise. T is evaluated at the nodes of a table, as colour tables of cameras and film are, and
interpolated between them.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from nst_tf.images.oklab import from_oklab, into_gamut, to_oklab

NODES = 33
"""Nodes of the table along red, green and blue."""

FEWEST = 0.02  # standard deviation, Oklab: colours that vary by less vary mostly by noise
GAIN = 3.0  # maximum of A's eigenvalues, which enlarge noise by this factor
TURNS = 16  # slices along three axes each
REACH = 2.5  # standard deviation of the Gaussian, nodes
TRUST = 2e-3  # share of the picture's pixels near a colour from which R counts by half
STRIP = 2**19  # pixels that are interpolated at once


class Palette(NamedTuple):
    """Colours and how much of each there is.

    Attributes:
        colors: sRGB in [0, 1], `[N, 3]`.
        weights: above 0, `[N]`.
    """

    colors: np.ndarray
    weights: np.ndarray


def color_table(picture: Palette, palette: Palette, strength: float = 1.0) -> np.ndarray:
    """Return T at the nodes of a table, float32 `[NODES, NODES, NODES, 3]`, sRGB in [0, 1].

    Args:
        picture: colours of the picture that the table is for.
        palette: the colours that it gets.
        strength: share of the way to T, from 0 to 1.
    """
    ours, theirs = (_in_oklab(colors) for colors in (picture, palette))
    linear = monge_map(ours, theirs)
    moved = linear(ours.colors)
    rest = sliced_transport(Palette(moved, ours.weights), theirs) - moved
    nodes = _nodes()
    at = to_oklab(nodes)
    target = linear(at) + _smoothed(picture.colors, ours.weights, rest)
    table = from_oklab(into_gamut(at + strength * (target - at))).clip(0, 1)
    return table.astype(np.float32).reshape(NODES, NODES, NODES, 3)


def look_up(table: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return an image, float32 `[..., 3]` in [0, 1], with each colour replaced by a table's.

    Between nodes, the table is interpolated linearly along red, green and blue.
    """
    pixels = image.reshape(-1, 3)
    result = np.empty_like(pixels)
    for start in range(0, len(pixels), STRIP):
        part = slice(start, start + STRIP)
        result[part] = _interpolated(table.reshape(-1, 3), pixels[part])
    return result.reshape(image.shape)


def monge_map(picture: Palette, palette: Palette) -> Callable[[np.ndarray], np.ndarray]:
    """Return M, a function of colours `[N, 3]`; the colours are Oklab's, the weights sum to 1."""
    mean, covariance = moments(picture)
    target_mean, target = moments(palette)
    root = _power(covariance + FEWEST**2 * np.eye(3), 0.5)
    inverse = np.linalg.inv(root)
    matrix = inverse @ _power(root @ target @ root, 0.5) @ inverse
    gains, axes = np.linalg.eigh(matrix)
    matrix = (axes * np.minimum(gains, GAIN)) @ axes.T
    return lambda colors: (colors - mean) @ matrix + target_mean


def sliced_transport(picture: Palette, palette: Palette) -> np.ndarray:
    """Return the picture's colours, `[N, 3]`, moved to the palette's distribution.

    Along each of three orthogonal axes, the optimal transport of the projections is a monotone map.
    Each turn moves the colours along other axes.
    """
    rng = np.random.default_rng(0)
    colors = picture.colors
    for _ in range(TURNS):
        axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        along, wanted = colors @ axes, palette.colors @ axes
        for axis in range(3):
            along[:, axis] = monotone_map(
                along[:, axis], picture.weights, wanted[:, axis], palette.weights
            )
        colors = along @ axes.T
    return colors


def monotone_map(
    values: np.ndarray, weights: np.ndarray, target: np.ndarray, target_weights: np.ndarray
) -> np.ndarray:
    """Return values `[N]` moved to the distribution of `target`, in the same order.

    A value whose weight covers the ranks from p to q becomes the mean of the target between these
    ranks, so equal values remain equal. Weights are above 0 and sum to 1.
    """
    order, wanted = np.argsort(values), np.argsort(target)
    ranks = np.concatenate([[0.0], np.cumsum(weights[order])])
    ordered = values[order]
    low = ranks[np.searchsorted(ordered, values, "left")]
    high = ranks[np.searchsorted(ordered, values, "right")]
    shares = target_weights[wanted]
    target_ranks = np.concatenate([[0.0], np.cumsum(shares)])
    sums = np.concatenate([[0.0], np.cumsum(shares * target[wanted])])
    upper, lower = (np.interp(rank, target_ranks, sums) for rank in (high, low))
    return (upper - lower) / (high - low)


def moments(palette: Palette) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean `[3]` and covariance `[3, 3]` of colours whose weights sum to 1."""
    mean = palette.weights @ palette.colors
    centred = palette.colors - mean
    return mean, (centred * palette.weights[:, None]).T @ centred


def _in_oklab(palette: Palette) -> Palette:
    weights = palette.weights.astype(np.float64)
    return Palette(to_oklab(palette.colors), weights / weights.sum())


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    """Return a power of a symmetric matrix without negative eigenvalues."""
    values, axes = np.linalg.eigh(matrix)
    return (axes * np.maximum(values, 0) ** power) @ axes.T


def _nodes() -> np.ndarray:
    """Return the colours of the table's nodes, `[NODES³, 3]`."""
    side = np.linspace(0, 1, NODES)
    return np.stack(np.meshgrid(side, side, side, indexing="ij"), -1).reshape(-1, 3)


def _smoothed(colors: np.ndarray, weights: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """Return R at the table's nodes, `[NODES³, 3]`: the mean of the moves of colours near a node.

    Where the picture has few such colours, R fades to 0.
    """
    sums = np.zeros((NODES**3, 4))
    values = np.column_stack([weights, weights[:, None] * moves])
    for node, share in _corners(colors):
        for column in range(4):
            sums[:, column] += np.bincount(node, share * values[:, column], NODES**3)
    offsets = np.arange(NODES) - np.arange(NODES)[:, None]
    gaussian = np.exp(-0.5 * (offsets / REACH) ** 2)
    near = sums.reshape(NODES, NODES, NODES, 4)
    for axis in range(3):
        near = np.moveaxis(np.tensordot(gaussian, near, (1, axis)), 0, axis)
    flat = near.reshape(-1, 4)
    return flat[:, 1:] / (flat[:, :1] + TRUST)


def _interpolated(table: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return a table, `[NODES³, C]`, interpolated at colours `[N, 3]`."""
    return sum(share[:, None] * table[node] for node, share in _corners(colors))


def _corners(colors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield, for each corner of the table's cells around colours `[N, 3]`, node and share `[N]`."""
    places = colors * np.float32(NODES - 1)
    low = np.clip(places.astype(np.int32), 0, NODES - 2)
    high = places - low
    steps = NODES**2, NODES, 1
    for corner in itertools.product((0, 1), repeat=3):
        node = (low + np.array(corner, np.int32)) @ np.array(steps, np.int32)
        red, green, blue = (high[:, k] if corner[k] else 1 - high[:, k] for k in range(3))
        yield node, red * green * blue
