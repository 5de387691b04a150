"""Faster convolutions for layers of VGG19."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nst_tf.compute import direct, winograd
from nst_tf.compute.machine import Machine, this_machine
from nst_tf.network.model import Convolution, ConvolutionLayer, Convolutions, Network
from nst_tf.network.weights import CONVOLUTIONS
from nst_tf.utils.caching import cached


def fast_convolutions(
    model: Network,
    height: int,
    width: int,
    use_winograd: bool,
    machine: Machine | None = None,
    suits_winograd: Callable[..., bool] = winograd.is_faster,
) -> Convolutions:
    """Return faster convolutions for `extract_features`, by the names of their layers.

    The transformed kernels need four times the memory of the layers' own, 165 MB up to
    block4_conv4; the turned kernels need as much memory as the layers' own.

    Args:
        model: from `feature_model`.
        height, width: of the picture, pixels.
        use_winograd: whether to use Winograd's convolutions where they are faster.
        machine: that computes them; by default, this one.
        suits_winograd: as `winograd.is_faster`.
    """
    machine = machine or this_machine()
    convolutions = {}
    for layer in model.layers:
        if layer.name not in CONVOLUTIONS or layer.compute_dtype != "float32":
            continue
        poolings = int(layer.name[len("block")]) - 1
        _, _, inputs, outputs = layer.kernel.shape
        size = height >> poolings, width >> poolings
        if use_winograd and suits_winograd(layer.name, *size, inputs, outputs, machine):
            convolutions[layer.name] = winograd_convolution(layer)
        elif direct.is_faster(machine) and layer.name != "block1_conv1":  # edges: it may pad them
            convolutions[layer.name] = direct_convolution(layer)
    return convolutions


@cached(16)
def winograd_convolution(layer: ConvolutionLayer) -> Convolution:
    """Return a layer as Winograd's convolution, with one transformed kernel for all sizes."""
    kernel = winograd.transform_kernel(np.asarray(layer.kernel))
    return winograd.make_convolution(kernel, np.asarray(layer.bias))


@cached(16)
def direct_convolution(layer: ConvolutionLayer) -> Convolution:
    """Return a layer as a direct convolution, with one turned kernel for all sizes."""
    kernel, bias = tf.convert_to_tensor(layer.kernel), tf.convert_to_tensor(layer.bias)
    turned = direct.turn_kernel(kernel)
    return lambda features: direct.convolve_relu(features, kernel, turned, bias)
