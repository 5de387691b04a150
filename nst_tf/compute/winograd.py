"""3×3 convolutions with a quarter of the multiplications, for CPUs.

Winograd's minimal filtering F(4×4, 3×3) computes 4×4 outputs from a 6×6 tile d of the input as

    Y = Aᵀ [(G k Gᵀ) ⊙ (Bᵀ d B)] A

(Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308, eq. 15).
Summed over channels the products are 36 matrix products. TensorFlow's CPU kernels sum directly; on
GPUs cuDNN makes this choice itself. The result differs from the direct sum by about 1e-6 of its
norm in float32. XLA compiles both directions, because it fuses the rearrangement of tiles.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nst_tf.network.gradients import custom_gradient
from nst_tf.utils.caching import cached

TILE = 4  # outputs on a tile's side
PATCH = TILE + 2  # inputs that they depend on

# Interpolation at 0, ±1, ±2 and infinity: section 4.3 of the paper.
_B = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
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
_A = np.array(
    [
        [1, 1, 1, 1, 1, 0],
        [0, 1, -1, 2, -2, 0],
        [0, 1, 1, 4, 4, 0],
        [0, 1, -1, 8, -8, 1],
    ]
)
# Both dimensions at once, on tiles laid out as columns of 36 or 16 values.
_INPUT = np.kron(_B, _B).astype(np.float32)
_KERNEL = np.kron(_G, _G).astype(np.float32)
_OUTPUT = np.kron(_A, _A).astype(np.float32)


def transform_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """Return G k Gᵀ of each pair of channels: float32 `[3, 3, in, out]` to `[36, in, out]`."""
    columns = tf.matmul(_KERNEL, tf.reshape(kernel, [9, -1]))
    return tf.reshape(columns, [PATCH**2, *kernel.shape[2:]])


def is_faster(height: int, width: int, inputs: int, outputs: int) -> bool:
    """Return whether Winograd's convolution is clearly faster for maps and channels of these sizes.

    With few channels, moving the tiles costs what the products save; with few tiles, the larger
    kernels do.
    """
    tiles = -(-height // TILE) * -(-width // TILE)
    return inputs * outputs >= 128 * 256 and tiles >= 32


@custom_gradient
def convolve_relu(features: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Return relu(conv2d(features, k, padding="SAME") + bias), differentiable in `features` only.

    Args:
        features: float32 `[1, H, W, in]` of static shape.
        kernel: `[36, in, out]` from `transform_kernel`.
        bias: `[out]`.

    Returns:
        float32 `[1, H, W, out]`.
    """
    outputs = _run(_forward, features, kernel, bias)

    def vjp(upstream):
        return _run(_backward, upstream, outputs, kernel), None, None

    return outputs, vjp


def _run(function: Callable[..., tf.Tensor], *tensors: tf.Tensor) -> tf.Tensor:
    return compiled(function, *(tuple(tensor.shape) for tensor in tensors))(*tensors)


@cached(64)
def compiled(function, *shapes):
    """Compile a function for some shapes, with a bounded cache, unlike a `tf.function`."""
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    return tf.function(function, jit_compile=True, autograph=False).get_concrete_function(
        *signature
    )


def _forward(features, kernel, bias):
    _, height, width, channels = features.shape
    down, across = -(-height // TILE), -(-width // TILE)
    padded = tf.pad(
        features[0],
        [[1, TILE * down - height + 1], [1, TILE * across - width + 1], [0, 0]],
    )
    patches = tf.stack(
        [
            padded[row : row + TILE * down - 3 : TILE, column : column + TILE * across - 3 : TILE]
            for row in range(PATCH)
            for column in range(PATCH)
        ]
    )
    patches = tf.matmul(_INPUT, tf.reshape(patches, [PATCH**2, -1]))
    products = tf.matmul(tf.reshape(patches, [PATCH**2, -1, channels]), kernel)
    tiles = tf.matmul(_OUTPUT, tf.reshape(products, [PATCH**2, -1]))
    tiles = tf.reshape(tiles, [TILE, TILE, down, across, -1])
    outputs = tf.reshape(
        tf.transpose(tiles, [2, 0, 3, 1, 4]), [1, TILE * down, TILE * across, kernel.shape[2]]
    )
    return tf.nn.relu(outputs[:, :height, :width] + bias)


def _backward(upstream, outputs, kernel):
    """Apply the transposes of `_forward`'s linear maps in reverse order."""
    _, height, width, channels = outputs.shape
    down, across = -(-height // TILE), -(-width // TILE)
    tiles = tf.pad(
        tf.where(outputs > 0, upstream, 0.0)[0],
        [[0, TILE * down - height], [0, TILE * across - width], [0, 0]],
    )
    tiles = tf.transpose(tf.reshape(tiles, [down, TILE, across, TILE, channels]), [1, 3, 0, 2, 4])
    products = tf.matmul(_OUTPUT, tf.reshape(tiles, [TILE**2, -1]), transpose_a=True)
    products = tf.reshape(products, [PATCH**2, -1, channels])
    patches = tf.matmul(products, kernel, transpose_b=True)
    patches = tf.matmul(_INPUT, tf.reshape(patches, [PATCH**2, -1]), transpose_a=True)
    patches = tf.reshape(patches, [PATCH, PATCH, down, across, kernel.shape[1]])
    # Patches overlap by two: the last two rows and columns of each are added to its neighbour's.
    patches = _fold(patches, 0, 2)
    patches = _fold(patches, 1, 3)
    gradient = tf.reshape(
        tf.transpose(patches, [2, 0, 3, 1, 4]),
        [1, TILE * (down + 1), TILE * (across + 1), kernel.shape[1]],
    )
    return gradient[:, 1 : height + 1, 1 : width + 1]


def _fold(patches, within, between):
    """Add what overlaps: axis `within` shrinks from 6 to 4, axis `between` grows by one."""
    head, tail = tf.split(patches, [TILE, PATCH - TILE], axis=within)
    after, before = [[0, 0]] * 5, [[0, 0]] * 5
    after[between] = [0, 1]
    before[between], before[within] = [1, 0], [0, 2 * TILE - PATCH]
    return tf.pad(head, after) + tf.pad(tail, before)
