import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import RECIPES, stylize
from nst_tf.compute.evaluate import release
from nst_tf.network.gradients import average_pool, custom_gradient


@custom_gradient
def product(a, b):
    """Return a · b and a², with slopes that are not the true ones."""

    def pull_back(product, square):
        return 10 * product * b + 100 * square * a, None

    return (a * b, a * a), pull_back


def slope(a):
    with tf.GradientTape() as tape:
        tape.watch(a)
        one, other = product(a, tf.constant(3.0))
        total = one + 2 * other
    return total, tape.gradient(total, a)


def test_the_gradient_is_the_given_one_in_graphs_and_outside():
    for function in (slope, tf.function(slope), tf.function(slope, jit_compile=True)):
        total, found = function(tf.constant(2.0))
        assert (float(total), float(found)) == (6.0 + 8.0, 10 * 3.0 + 200 * 2.0)


def test_a_graph_goes_with_its_function():
    function = tf.function(slope)
    function(tf.constant(2.0))
    graph = weakref.ref(function.get_concrete_function(tf.constant(2.0)).graph)
    gc.collect()
    assert graph()
    del function
    gc.collect()
    assert not graph()


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
@pytest.mark.parametrize("size", [(8, 12), (7, 13), (342, 5)])
@pytest.mark.parametrize("side", [2, 4])
def test_average_pools_and_their_gradients_are_tensorflows(dtype, size, side):
    features = tf.constant(np.random.default_rng(0).normal(size=(1, *size, 3)), dtype)
    shape = [1, size[0] // side, size[1] // side, 3]
    upstream = tf.constant(np.random.default_rng(1).normal(size=shape), dtype)

    def pulled(pool, features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            values = pool(features)
        return values, tape.gradient(values, features, upstream)

    expected = pulled(lambda x: tf.nn.avg_pool2d(x, side, side, "VALID"), features)
    any_size = tf.TensorSpec([1, None, None, 3], dtype)
    graph = tf.function(lambda x: pulled(lambda y: average_pool(y, side), x), [any_size])
    for found in (pulled(lambda x: average_pool(x, side), features), graph(features)):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("block_size", [0, 64])
def test_no_graph_of_a_run_stays_when_it_is_released(pixels, block_size):
    def graphs():
        gc.collect()
        kind = type(tf.function(lambda: 0).get_concrete_function().graph)
        # `isinstance` would ask weak proxies of other tests for objects that are gone.
        return sum(issubclass(type(thing), kind) for thing in gc.get_objects())

    release()
    before = graphs()
    settings = {"max_dim": 96, "scales": 2, "steps_per_epoch": 1, "coarse_steps": 1.0}
    settings["repaint"] = False  # which would release the graphs itself
    photo, painting = np.clip(pixels(80, 96), 0, 1), pixels(80, 96, seed=1)
    stylize(photo, painting, RECIPES["painting"], block_size=block_size, **settings)
    assert graphs() > before
    release()
    assert graphs() == before
