import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.compute.aligned import ALIGNMENT, aligned_zeros, as_tensor
from nst_tf.compute.machine import Machine


@pytest.mark.parametrize("dtype", [np.float32, np.int32, ml_dtypes.bfloat16])
@pytest.mark.parametrize("shape", [(1, 5, 7, 3), (1, 33, 1, 1), (1, 64, 64, 4)])
def test_a_tensor_has_the_memory_of_its_canvas(dtype, shape):
    array = aligned_zeros(shape, dtype)
    assert array.shape == shape
    assert not array.any()
    assert array.ctypes.data % ALIGNMENT == 0
    array += np.arange(array.size).reshape(shape).astype(dtype)
    wanted, address = array.copy(), array.ctypes.data
    tensor = as_tensor(array)
    assert (tensor.dtype, tuple(tensor.shape)) == (tf.as_dtype(dtype), shape)
    del array
    assert np.asarray(tensor).ctypes.data == address
    np.testing.assert_array_equal(tensor.numpy(), wanted)
    # A kernel of TensorFlow's reads it, which would end the process if it were not aligned.
    total = tf.reduce_sum(tf.cast(tensor, tf.float64) * 2)
    assert float(total) == 2 * wanted.astype(np.float64).sum()


def test_with_gpus_the_tensor_is_a_copy():
    array = aligned_zeros((1, 2, 2, 3), np.float32)
    tensor = as_tensor(array, Machine(gpu=True))
    array += 1
    assert not tensor.numpy().any()
