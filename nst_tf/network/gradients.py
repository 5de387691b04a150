"""Gradients of our own, in graphs that can go."""

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import ops


def custom_gradient(function: Callable[..., tuple[Any, Callable]]) -> Callable[..., Any]:
    """Return `tf.custom_gradient(function)`, which does not keep the graphs that it is traced in.

    TensorFlow registers the gradient of each trace by a name of its own, for ever, and with it the
    whole graph: 20 MB and more for each picture size. Only the gradient of a whole `tf.function`,
    taken from outside, looks that name up. Ours take their gradients inside.

    Args:
        function: of tensors; returns its outputs and a function that pulls slopes back.
    """
    decorated = tf.custom_gradient(function)

    @functools.wraps(function)
    def call(*tensors: tf.Tensor) -> Any:
        outputs = decorated(*tensors)
        if not tf.executing_eagerly():
            # There is no public way. Where another TensorFlow has no such names, the graphs stay.
            with suppress(AttributeError, KeyError, ValueError):
                name = tf.nest.flatten(outputs)[0].op.get_attr("_gradient_op_type").decode()
                del ops.gradient_registry._registry[name]
        return outputs

    return call
