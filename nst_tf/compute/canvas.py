"""Arrays in which blocks are put together, and tensors on the same memory."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

ALIGNMENT = 64  # bytes: TensorFlow's kernels end the process for a tensor that is not aligned


def canvas(shape: Sequence[int], dtype: npt.DTypeLike) -> np.ndarray:
    """Return zeros that `as_tensor` can share."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + size].view(dtype).reshape(shape)


def as_tensor(array: np.ndarray) -> tf.Tensor:
    """Return a tensor on the memory of an array from `canvas`, which must not change any more.

    `tf.constant` would copy it twice. Where there are GPUs, the tensor is a copy on one of them.
    """
    if tf.config.list_logical_devices("GPU"):
        return tf.constant(array)
    bits = array.view(f"i{array.itemsize}")  # NumPy does not pass on bfloat16
    return tf.bitcast(tf.experimental.dlpack.from_dlpack(bits.__dlpack__()), array.dtype)
