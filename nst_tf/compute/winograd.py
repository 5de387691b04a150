"""3×3 convolutions with a quarter of the multiplications, for CPUs.

Winograd's minimal filtering F(4×4, 3×3) computes 4×4 outputs from a 6×6 tile d of the input as

    Y = Aᵀ [(G k Gᵀ) ⊙ (Bᵀ d B)] A

(Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308, eq. 15).
Summed over channels the products are 36 matrix products, which NumPy leaves to BLAS. The gradient
applies the transposes of these linear maps in reverse order. The result differs from the direct sum
by about 2e-6 of its norm in float32. On GPUs cuDNN makes this choice itself.

A map is computed in strips of tiles, whose intermediate values fit into the processor's caches.
Threads share the strips. Neither the strips nor the order of a sum depends on their number.
"""

import functools
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from threadpoolctl import ThreadpoolController

from nst_tf.compute.aligned import aligned_empty
from nst_tf.compute.machine import Machine
from nst_tf.compute.processor import processor_count
from nst_tf.network.gradients import custom_gradient
from nst_tf.utils.ahead import import_ahead

TILE = 4  # outputs on a tile's side
PATCH = TILE + 2  # inputs that they depend on
STRIP = 128  # tiles of a strip, at most, unless a row of the map has more

# Interpolation at 0, ±1, ±2 and infinity: section 4.3 of the paper.
_G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)


def transform_kernel(kernel: np.ndarray) -> np.ndarray:
    """Return G k Gᵀ of each pair of channels: `[3, 3, in, out]` to float32 `[36, in, out]`."""
    columns = np.kron(_G, _G).astype(np.float32) @ kernel.reshape(9, -1)
    return columns.reshape(PATCH**2, *kernel.shape[2:]).astype(np.float32)


def is_faster(
    layer: str, height: int, width: int, inputs: int, outputs: int, machine: Machine
) -> bool:
    """Return whether Winograd's convolution is clearly faster for a layer's maps and channels.

    With few channels, moving the tiles costs what the products save; in small maps, the larger
    kernels do. Eigen's kernels, which TensorFlow uses without oneDNN, are slower than both. All
    layers change at one size of the picture, 2¹⁵ pixels, so that pictures of many sizes share a
    graph. Block 5 is left out: a twentieth of a step's time would need a third of the memory.
    """
    least = 128 * 256 if machine.onednn else 64 * 64
    channels = inputs * outputs >= least and not layer.startswith("block5")
    return channels and height * width * outputs**2 >= 2**27


def make_convolution(kernel: np.ndarray, bias: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return relu(conv2d(features, k, padding="SAME") + bias) as a differentiable function.

    Args:
        kernel: `[36, in, out]` from `transform_kernel`.
        bias: float32 `[out]`.

    Returns:
        A function of float32 `[1, H, W, in]` to `[1, H, W, out]`.
    """

    @custom_gradient
    def convolve_relu(features: tf.Tensor):
        outputs = _call(lambda x: forward(x, kernel, bias), kernel.shape[2], features)

        def vjp(upstream):
            return _call(lambda g, y: backward(g, y, kernel), kernel.shape[1], upstream, outputs)

        return outputs, vjp

    return convolve_relu


def _call(function: Callable[..., np.ndarray], channels: int, *maps: tf.Tensor) -> tf.Tensor:
    """Call a NumPy function of maps `[H, W, C]`, within a graph or not."""

    def call(*maps: np.ndarray) -> np.ndarray:
        return function(*(value[0] for value in maps))[None]

    found = tf.numpy_function(call, maps, tf.float32, stateful=False)
    found.set_shape([*maps[0].shape[:3], channels])
    return found


def forward(features: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return relu(conv2d(features) + bias), float32 `[H, W, out]`.

    Args:
        features: float32 `[H, W, in]`.
        kernel, bias: as for `make_convolution`.
    """
    from nst_tf.compute.winograd_loops import gather_inputs, scatter_outputs

    height, width, inputs = features.shape
    channels = kernel.shape[2]
    outputs = aligned_empty((height, width, channels), np.float32)

    def strip(top: int, rows: int, across: int) -> None:
        space = Scratch(rows, across, inputs, channels)
        gather_inputs(features, top, rows, space.padded, space.half, space.tiles)
        np.matmul(space.tiles, kernel, out=space.products)
        scatter_outputs(space.products, bias, top, rows, space.half_product, outputs)

    run_strips(strip, height, width)
    return outputs


def backward(upstream: np.ndarray, outputs: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the gradient at the features, float32 `[H, W, in]`.

    Args:
        upstream: gradient at the outputs, float32 `[H, W, out]`.
        outputs: of `forward`.
        kernel: as for `make_convolution`.
    """
    from nst_tf.compute.winograd_loops import gather_cotangents, scatter_gradients

    height, width, channels = outputs.shape
    inputs = kernel.shape[1]
    gradient = aligned_empty((height, width, inputs), np.float32)
    seams: dict[int, np.ndarray] = {}

    def strip(top: int, rows: int, across: int) -> None:
        space = Scratch(rows, across, inputs, channels)
        seams[top] = np.empty((4, width, inputs), np.float32)
        gather_cotangents(upstream, outputs, top, rows, space.half_product, space.products)
        np.matmul(space.products, kernel.transpose(0, 2, 1), out=space.tiles)
        scatter_gradients(space.tiles, top, rows, space.half, space.padded, gradient, seams[top])

    run_strips(strip, height, width)
    add_seams(gradient, seams)
    return gradient


def add_seams(gradient: np.ndarray, seams: dict[int, np.ndarray]) -> None:
    """Write the rows of a gradient to which two strips contribute, and the first and last row.

    Args:
        gradient: float32 `[H, W, C]`.
        seams: of each strip by its first row of tiles: its first two and last two rows.
    """
    above = np.zeros_like(gradient[:2])
    bottom = TILE * -(-len(gradient) // TILE)
    for top in [*sorted(seams), None]:
        start = (bottom if top is None else TILE * top) - 1
        total = above if top is None else above + seams[top][:2]
        first, last = max(start, 0), min(start + 2, len(gradient))
        gradient[first:last] = total[first - start : last - start]
        above = above if top is None else seams[top][2:]


class Scratch:
    """Arrays for the intermediate values of a strip, which its thread keeps for the next strip.

    Args:
        rows: of tiles.
        across: tiles in a row.
        inputs, outputs: numbers of channels.
    """

    _threads = threading.local()

    def __init__(self, rows: int, across: int, inputs: int, outputs: int) -> None:
        self.padded = self._array("padded", TILE * rows + 2, TILE * across + 2, inputs)
        self.half = self._array("half", PATCH, PATCH, inputs)
        self.half_product = self._array("half_product", PATCH, PATCH, outputs)
        self.tiles = self._array("tiles", PATCH**2, rows * across, inputs)
        self.products = self._array("products", PATCH**2, rows * across, outputs)

    def _array(self, name: str, *shape: int) -> np.ndarray:
        size = math.prod(shape)
        memory = getattr(self._threads, name, np.empty(0, np.float32))
        if len(memory) < size:
            memory = np.empty(size, np.float32)
            setattr(self._threads, name, memory)
        return memory[:size].reshape(shape)


def run_strips(
    strip: Callable[[int, int, int], None],
    height: int,
    width: int,
    threads: Executor | None = None,
) -> None:
    """Call a function for all strips of a map, in several threads.

    Args:
        strip: is given the strip's first row of tiles, its number of rows, and the tiles in a row.
        height, width: of the map.
        threads: that share the strips; by default, `thread_count` of them.
    """
    down, across = -(-height // TILE), -(-width // TILE)
    rows = max(1, min(STRIP // across, -(-down // 2)))

    def run(top: int) -> None:
        strip(top, min(rows, down - top), across)

    # One convolution at a time, in which each thread has a processor and the caches to itself.
    with _running, _libraries().limit(limits=1, user_api="blas"):
        for _ in (threads or _threads()).map(run, range(0, down, rows)):
            pass


_running = threading.Lock()


@functools.cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_count(), "convolution")


def thread_count() -> int:
    """Return how many threads share a convolution: TensorFlow's setting, or all processors."""
    return tf.config.threading.get_intra_op_parallelism_threads() or processor_count()


def load() -> None:
    """Load the compiled loops in a thread; the first time on a machine, Numba compiles them."""
    import_ahead("nst_tf.compute.winograd_loops")


if hasattr(os, "register_at_fork"):  # a child has none of its parent's threads
    os.register_at_fork(after_in_child=_threads.cache_clear)
