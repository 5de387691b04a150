"""The three networks of MTCNN, a detector of faces, in NumPy.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(IEEE Signal Processing Letters 23, 2016). NumPy lets a photo be searched before TensorFlow starts.
"""

import functools
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import numpy as np

NETWORKS = ("pnet", "rnet", "onet")
"""Names of the networks: proposals, refinement, and output with landmarks."""

WEIGHTS = Path(str(resources.files("nst_tf").joinpath("data", "mtcnn.npz")))
"""File of the weights: for each network, its arrays in the order of its layers."""

SINGLE = 2**18
"""Multiplications of a matrix product up to which OpenBLAS uses one thread. More threads would wait
for each other longer than these narrow products take."""


STRIP = 32
"""Rows of windows that the first network computes at once, so that what passes between its layers
stays in the processor's caches."""

PATCHES = 64
"""Patches that the other networks take at once, for the same reason."""


def propose(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the proposals for all windows of 12x12 pixels, two pixels apart.

    Args:
        image: float32 `[H, W, 3]` in [-1, 1].

    Returns:
        Confidence `[h, w]` in [0, 1], and corrections of the windows' left, top, right and bottom
        in sides of the window, `[h, w, 4]`.
    """
    rows = (len(image) - 12 + 1) // 2 + 1
    strips = [image[2 * top : 2 * (top + STRIP) + 10] for top in range(0, rows, STRIP)]
    scores, boxes = zip(*map(_proposals, strips), strict=True)
    return np.concatenate(scores), np.concatenate(boxes)


def _proposals(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    weights = _weights("pnet")
    x = _pool(_prelu(_convolve(image[None], weights), weights), 2, 2)
    x = _prelu(_convolve(x, weights), weights)
    x = _prelu(_convolve(x, weights), weights)
    boxes, scores = _convolve(x, weights), _convolve(x, weights)
    return _second(scores)[0], boxes[0]


def refine(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return confidence `[N]` and corrections `[N, 4]` for patches `[N, 24, 24, 3]`."""
    scores, boxes = _by_parts(_refinements, patches)
    return scores, boxes


def _refinements(patches: np.ndarray) -> tuple[np.ndarray, ...]:
    weights = _weights("rnet")
    x = _pool(_prelu(_convolve(patches, weights), weights), 3, 2)
    x = _pool(_prelu(_convolve(x, weights), weights), 3, 2)
    x = _prelu(_convolve(x, weights), weights)
    x = _prelu(_dense(_flat(x), weights), weights)
    boxes, scores = _dense(x, weights), _dense(x, weights)
    return _second(scores), boxes


def locate(patches: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return confidence `[N]`, corrections `[N, 4]` and landmarks for patches `[N, 48, 48, 3]`.

    The landmarks, `[N, 5, 2]`, are x and y in sides of the patch: the eyes, the nose and the
    corners of the mouth, of each pair the left one in the picture first.
    """
    scores, boxes, points = _by_parts(_landmarks, patches)
    return scores, boxes, points


def _landmarks(patches: np.ndarray) -> tuple[np.ndarray, ...]:
    weights = _weights("onet")
    x = _pool(_prelu(_convolve(patches, weights), weights), 3, 2)
    x = _pool(_prelu(_convolve(x, weights), weights), 3, 2)
    x = _pool(_prelu(_convolve(x, weights), weights), 2, 2)
    x = _prelu(_convolve(x, weights), weights)
    x = _prelu(_dense(_flat(x), weights), weights)
    boxes, points, scores = (_dense(x, weights) for _ in range(3))
    return _second(scores), boxes, points.reshape(-1, 2, 5).swapaxes(1, 2)


def _by_parts(
    network: Callable[[np.ndarray], tuple[np.ndarray, ...]], patches: np.ndarray
) -> Iterator[np.ndarray]:
    """Return the outputs of a network for all patches."""
    parts = [patches[n : n + PATCHES] for n in range(0, len(patches), PATCHES)]
    return map(np.concatenate, zip(*map(network, parts), strict=True))


@functools.cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(WEIGHTS) as file:
        return {name: file[name].astype(np.float32) for name in sorted(file)}


def _weights(network: str) -> Iterator[np.ndarray]:
    return (array for name, array in _arrays().items() if name.startswith(network))


def _convolve(x: np.ndarray, weights: Iterator[np.ndarray]) -> np.ndarray:
    """Return a valid convolution of `[N, H, W, C]` with stride 1, plus bias."""
    kernel, bias = next(weights), next(weights)
    if kernel.ndim == 2:  # of 1x1 pixels
        return x @ kernel + bias
    side, _, channels, count = kernel.shape
    windows = np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(1, 2))
    rows = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side * side * channels)
    found = _product(rows, kernel.reshape(-1, count))
    found += bias
    return found.reshape(*windows.shape[:3], count)


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return `rows @ matrix`, computed in pieces that take one thread each."""
    width, count = matrix.shape
    length = max(1, SINGLE // matrix.size)
    whole = len(rows) // length * length
    result = np.empty((len(rows), count), np.float32)
    pieces = rows[:whole].reshape(-1, length, width)
    np.matmul(pieces, matrix, out=result[:whole].reshape(-1, length, count))
    np.matmul(rows[whole:], matrix, out=result[whole:])
    return result


def _prelu(x: np.ndarray, weights: Iterator[np.ndarray]) -> np.ndarray:
    """Return `x` after multiplying its negative values by slopes in place."""
    negative = np.minimum(x, 0)
    negative *= next(weights)
    np.maximum(x, 0, out=x)
    x += negative
    return x


def _pool(x: np.ndarray, side: int, stride: int) -> np.ndarray:
    """Return the maxima of squares, the last of which may reach beyond the border."""
    _, height, width, _ = x.shape
    extra = [-(length - side) % stride for length in (height, width)]
    if any(extra):
        edges = ((0, 0), (0, extra[0]), (0, extra[1]), (0, 0))
        x = np.pad(x, edges, constant_values=-np.inf)
    rows, columns = ((length - side) // stride * stride + 1 for length in x.shape[1:3])
    shifted = [
        x[:, top : top + rows : stride, left : left + columns : stride]
        for top in range(side)
        for left in range(side)
    ]
    return functools.reduce(np.maximum, shifted)


def _flat(x: np.ndarray) -> np.ndarray:
    """Return features `[N, h, w, C]` as `[N, w·h·C]`, in the order of the weights."""
    return x.swapaxes(1, 2).reshape(len(x), -1)


def _dense(x: np.ndarray, weights: Iterator[np.ndarray]) -> np.ndarray:
    return x @ next(weights) + next(weights)


def _second(scores: np.ndarray) -> np.ndarray:
    """Return the softmax's second value of two, the probability of a face."""
    return 1 / (1 + np.exp(np.clip(scores[..., 0] - scores[..., 1], -60, 60)))
