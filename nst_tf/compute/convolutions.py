"""Faster convolutions for layers of VGG19."""

import functools
from collections.abc import Callable

import tensorflow as tf

from nst_tf.compute import direct, winograd
from nst_tf.compute.machine import Machine, this_machine
from nst_tf.network.model import ConvolutionLayer, Convolutions, Network
from nst_tf.network.weights import CONVOLUTIONS
from nst_tf.utils.caching import cached


def fast_convolutions(
    model: Network,
    height: int,
    width: int,
    use_winograd: bool,
    machine: Machine | None = None,
    suits_winograd: Callable[[int, int, int, int], bool] = winograd.is_faster,
) -> Convolutions:
    """Return faster convolutions for `extract_features`, by the names of their layers.

    The transformed kernels need four times the memory of the layers' own, 240 MB up to
    block5_conv2; the turned kernels need as much as the layers' own.

    Args:
        model: from `feature_model`.
        height: of the picture, pixels.
        width: of the picture, pixels.
        use_winograd: whether to use Winograd's convolutions where they are faster; they take some
            seconds to compile.
        machine: that computes them; by default, this one.
        suits_winograd: returns where they are faster, by the maps' height and width and the numbers
            of channels before and after.
    """
    uses_direct = direct.is_faster(machine or this_machine())
    convolutions: dict[str, Callable[[tf.Tensor, tf.Tensor], tf.Tensor]] = {}
    for layer in model.layers:
        if layer.name not in CONVOLUTIONS or layer.compute_dtype != "float32":
            continue
        poolings = int(layer.name[len("block")]) - 1
        _, _, inputs, outputs = layer.kernel.shape
        if use_winograd and suits_winograd(height >> poolings, width >> poolings, inputs, outputs):
            convolutions[layer.name] = functools.partial(_winograd, transformed_kernel(layer))
        elif uses_direct and layer.name != "block1_conv1":  # which may pad with edge values
            kernel = tf.convert_to_tensor(layer.kernel)
            convolutions[layer.name] = functools.partial(_direct, kernel, turned_kernel(layer))
    return convolutions


def _winograd(kernel: tf.Tensor, features: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    return winograd.convolve_relu(features, kernel, bias)


def _direct(
    kernel: tf.Tensor, turned: tf.Tensor, features: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    return direct.convolve_relu(features, kernel, turned, bias)


@cached(16)
def transformed_kernel(layer: ConvolutionLayer) -> tf.Tensor:
    """Return a layer's kernel transformed for Winograd's convolution, once for all sizes."""
    return winograd.transform_kernel(tf.convert_to_tensor(layer.kernel))


@cached(16)
def turned_kernel(layer: ConvolutionLayer) -> tf.Tensor:
    """Return a layer's kernel turned for the input gradient, once for all sizes."""
    return direct.turn_kernel(tf.convert_to_tensor(layer.kernel))
