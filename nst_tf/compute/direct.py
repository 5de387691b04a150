"""3×3 convolutions with TensorFlow's kernels, and a faster input gradient.

The gradient of a convolution with stride 1 is a convolution of the output gradient with the kernel
turned by 180° and its channels exchanged. TensorFlow's own CPU kernels (Eigen) compute the input
gradient about half as fast as the convolution itself, so here it is written as a convolution. The
kernels of oneDNN and cuDNN need no such help.
"""

import tensorflow as tf

from nst_tf.compute.machine import Machine
from nst_tf.network.gradients import custom_gradient


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

    def vjp(upstream):
        cotangents = tf.where(outputs > 0, upstream, 0.0)
        return tf.nn.conv2d(cotangents, turned, 1, "SAME"), None, None, None

    return outputs, vjp


def turn_kernel(kernel: tf.Tensor) -> tf.Tensor:
    """Return the kernel of the input gradient: `[3, 3, in, out]` to float32 `[3, 3, out, in]`."""
    return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2])


def is_faster(machine: Machine) -> bool:
    """Return whether a machine computes with Eigen's kernels: on a CPU without oneDNN."""
    return not machine.onednn and not machine.gpu
