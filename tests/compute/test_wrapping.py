import numpy as np
import pytest
import tensorflow as tf

from nst_tf.compute.wrapping import fold, wrap
from nst_tf.images.wrap import wrapped

MARGINS = [(0, 0), (3, 0), (0, 5), (3, 5), (10, 12)]


@pytest.mark.parametrize("around", MARGINS)
def test_margins_are_those_of_arrays(around, pixels):
    image = pixels(10, 12)
    np.testing.assert_array_equal(wrap(tf.constant(image), around), wrapped(image, around, 1))


@pytest.mark.parametrize("around", MARGINS)
def test_the_gradient_adds_the_copies(around, pixels):
    image = tf.constant(pixels(10, 12))
    with tf.GradientTape() as tape:
        tape.watch(image)
        padded = wrap(image, around)
        weights = tf.constant(pixels(*padded.shape[1:3], seed=1))
        total = tf.reduce_sum(weights * padded)
    expected = tape.gradient(total, image)
    np.testing.assert_allclose(fold(weights, around), expected, rtol=1e-5)
