"""Arrays in which tiles are put together, and tensors that share their memory."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from nst_tf.compute.machine import Machine, this_machine

ALIGNMENT = 64  # bytes: TensorFlow's kernels end the process for a tensor that is not aligned


def aligned_zeros(shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    """Return zeros that `as_tensor` can share."""
    return _aligned(np.zeros, shape, dtype)


def aligned_empty(shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    """Return an array that `as_tensor` can share, with any values."""
    return _aligned(np.empty, shape, dtype)


def _aligned(make: Callable, shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = make(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def as_tensor(array: np.ndarray, machine: Machine | None = None) -> tf.Tensor:
    """Return a tensor on the memory of an array from `aligned_zeros`; the array must not change.

    `tf.constant` would copy it twice. Where there are GPUs, the tensor is a copy on one of them.

    Args:
        array: from `aligned_zeros`.
        machine: that computes with the tensor; by default, this one.
    """
    if (machine or this_machine()).gpu:
        return tf.constant(array)
    bits = array.view(f"i{array.itemsize}")  # NumPy cannot export bfloat16
    return tf.bitcast(tf.experimental.dlpack.from_dlpack(bits.__dlpack__()), array.dtype)
