"""Custom gradients whose graphs can be garbage-collected, and that of an average pooling."""

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


def custom_gradient(function: Callable[..., tuple[Any, Callable]]) -> Callable[..., Any]:
    """Return `tf.custom_gradient(function)` without references to the graphs of its traces.

    TensorFlow registers the gradient of each trace under a new name, for ever, and with it the
    whole graph: 20 MB and more for each picture size. The name is needed only for the gradient of a
    whole `tf.function`, taken from outside. This package takes gradients inside.

    Args:
        function: of tensors; returns its outputs and their vector-Jacobian product, a function of
            cotangents.
    """
    decorated = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*tensors: tf.Tensor) -> Any:
        outputs = decorated(*tensors)
        if not tf.executing_eagerly():
            # There is no public way. In a TensorFlow without these names, the graphs are kept.
            with suppress(AttributeError, KeyError, ValueError):
                name = tf.nest.flatten(outputs)[0].op.get_attr("_gradient_op_type").decode()
                del ops.gradient_registry._registry[name]
        return outputs

    return call


def sides(values: tf.Tensor) -> Sequence[int | tf.Tensor]:
    """Return the height and width of `[1, H, W, C]`; int32 scalars in a graph for all sizes."""
    known = values.shape[1:3]
    return known if None not in known else tf.unstack(tf.shape(values)[1:3])


def average_pool(features: tf.Tensor, side: int) -> tf.Tensor:
    """Return the means of squares of `side` × `side` locations; a remainder is dropped.

    Each location gets an equal share of a mean's gradient. TensorFlow's own gradient, which adds up
    overlapping squares, takes twice as long.

    Args:
        features: float32 or bfloat16 `[1, H, W, C]`.
        side: a power of two.

    Returns:
        `[1, H/side, W/side, C]` of the same dtype.
    """
    known = None not in features.shape[1:3]
    height, width = sides(features)

    @custom_gradient
    def pool(features: tf.Tensor):
        def vjp(upstream: tf.Tensor) -> tf.Tensor:
            covered = [height // side * side, width // side * side]
            shares = tf.raw_ops.ResizeNearestNeighbor(images=upstream / side**2, size=covered)
            if known and [height, width] == covered:  # nothing remains
                return shares
            below, right = height - covered[0], width - covered[1]
            return tf.pad(shares, [[0, 0], [0, below], [0, right], [0, 0]])

        return tf.nn.avg_pool2d(features, side, side, "VALID"), vjp

    return pool(features)
