import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses.formulas import gram_matrix, layer_loss, mean_squared_error, total_variation_loss


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_gram_of_ones_is_one_whatever_the_size():
    for size in ((1, 1), (3, 5), (16, 2)):
        np.testing.assert_array_equal(gram_matrix(tf.ones([1, *size, 4])), np.ones((4, 4)))


def test_gram_agrees_with_numpy():
    features = normal(1, 7, 5, 6)
    expected = np.einsum("bijc,bijd->cd", features.astype(np.float64), features) / 35
    np.testing.assert_allclose(gram_matrix(tf.constant(features)), expected, rtol=1e-5, atol=1e-6)


def test_gram_pulls_back_like_the_automatic_gradient_even_if_not_symmetric():
    features, upstream = tf.constant(normal(1, 7, 5, 6)), tf.constant(normal(6, 6, seed=1))
    gradients = []
    for gram in (gram_matrix, lambda f: tf.einsum("bijc,bijd->cd", f, f) / 35):
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = tf.reduce_sum(gram(features) * upstream)
        gradients.append(tape.gradient(value, features))
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_a_guided_gram_agrees_with_numpy_and_with_the_automatic_gradient():
    features, upstream = tf.constant(normal(1, 7, 5, 6)), tf.constant(normal(6, 6, seed=1))
    weights = np.random.default_rng(2).random((1, 7, 5, 1))
    guide = tf.constant(weights / weights.sum(), tf.float32)
    results = []
    for gram in (gram_matrix, lambda f, g: tf.einsum("bijc,bijk,bijd->cd", f, g, f)):
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = gram(features, guide)
        results.append([value, tape.gradient(value, features, output_gradients=upstream)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_a_guide_of_equal_shares_is_none():
    features = tf.constant(normal(1, 7, 5, 6))
    guided = gram_matrix(features, tf.fill([1, 7, 5, 1], 1 / 35))
    np.testing.assert_allclose(guided, gram_matrix(features), rtol=1e-5, atol=1e-6)


def test_mean_squared_error_is_closed_form_and_refuses_to_broadcast():
    assert float(mean_squared_error(tf.ones([2, 3]), tf.fill([2, 3], 3.0))) == 4
    with pytest.raises(ValueError, match="incompatible"):
        mean_squared_error(tf.ones([2, 3]), tf.ones([1, 3]))


def test_layer_loss_averages_over_layers_and_weighs_each():
    values = {"a": tf.zeros([2]), "b": tf.zeros([5]), "unused": tf.ones([3])}
    targets = {"a": tf.fill([2], 2.0), "b": tf.fill([5], 3.0)}
    factors = {"a": tf.constant(1.0), "b": tf.constant(0.5)}
    assert float(layer_loss(values, targets, factors)) == pytest.approx((4 + 0.5 * 9) / 2)


def test_total_variation_of_a_checkerboard_counts_its_edges():
    height, width = 5, 8
    board = np.indices((height, width)).sum(0) % 2
    image = np.repeat(board[None, :, :, None], 3, axis=-1).astype(np.float32)
    edges = height * (width - 1) + (height - 1) * width
    assert float(total_variation_loss(tf.constant(image))) == 3 * edges


def test_total_variation_of_a_flat_image_is_zero():
    assert float(total_variation_loss(tf.fill([1, 9, 4, 3], 0.3))) == 0
