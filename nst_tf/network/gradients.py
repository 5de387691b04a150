"""Custom gradients whose graphs can be garbage-collected."""

import functools
from collections.abc import Callable
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
