"""3×3 convolutions as TensorFlow computes them, with a faster way back.

The gradient of a convolution with stride 1 is a convolution of the slopes with the kernel turned by
180° and its channels exchanged. TensorFlow's own CPU kernels (those of Eigen) take about twice as
long for what TensorFlow calls the gradient by the input as for the convolution itself, so this says
it as a convolution. oneDNN's kernels and cuDNN's need no such help.
"""

import functools
import os
from pathlib import Path

import tensorflow as tf

from nst_tf.compute.processor import CPUINFO, has_any
from nst_tf.network.gradients import custom_gradient

# Where TensorFlow turns oneDNN on by itself: `IsMKLEnabled` in its util/util.cc.
_ONEDNN = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


@custom_gradient
def convolve_relu(
    features: tf.Tensor, kernel: tf.Tensor, turned: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Return relu(conv2d(features, kernel, padding="SAME") + bias), differentiable in `features`.

    Args:
        features: float32 `[1, H, W, in]`.
        kernel: `[3, 3, in, out]`.
        turned: from `turn_kernel`.
        bias: `[out]`.

    Returns:
        float32 `[1, H, W, out]`.
    """
    outputs = tf.nn.relu(tf.nn.conv2d(features, kernel, 1, "SAME") + bias)

    def pull_back(upstream):
        slopes = tf.where(outputs > 0, upstream, 0.0)
        return tf.nn.conv2d(slopes, turned, 1, "SAME"), None, None, None

    return outputs, pull_back


def turn_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """Return the kernel of the way back: float32 `[3, 3, in, out]` to `[3, 3, out, in]`."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])


def is_faster() -> bool:
    """Return whether TensorFlow computes with Eigen's kernels: on a CPU without oneDNN."""
    return not has_onednn() and not tf.config.list_logical_devices("GPU")


@functools.cache
def has_onednn(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether TensorFlow uses oneDNN's kernels here."""
    wish = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
    if wish:
        return wish.lower() in ("1", "true")
    return has_any(_ONEDNN, cpuinfo)
