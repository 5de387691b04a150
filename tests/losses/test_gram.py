import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses.gram import Gram, gram_matrix, mean_squared_errors
from nst_tf.losses.term import Statistics, Window
from nst_tf.settings import Settings


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_gram_of_ones_is_one_whatever_the_size():
    for height, width in ((1, 1), (4, 8), (16, 2)):
        gram = gram_matrix(tf.ones([1, height, width, 4]), 1 / (height * width))
        np.testing.assert_array_equal(gram, np.ones((4, 4)))


def test_gram_agrees_with_numpy():
    features = normal(1, 7, 5, 6)
    expected = np.einsum("bijc,bijd->cd", features.astype(np.float64), features) / 35
    gram = gram_matrix(tf.constant(features), 1 / 35)
    np.testing.assert_allclose(gram, expected, rtol=1e-5, atol=1e-6)


def test_gram_pulls_back_like_the_automatic_gradient_even_if_not_symmetric():
    features, upstream = tf.constant(normal(1, 7, 5, 6)), tf.constant(normal(6, 6, seed=1))
    gradients = []
    for gram in (
        lambda f: gram_matrix(f, 1 / 35),
        lambda f: tf.einsum("bijc,bijd->cd", f, f) / 35,
    ):
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
    np.testing.assert_allclose(guided, gram_matrix(features, 1 / 35), rtol=1e-5, atol=1e-6)


def test_mean_squared_errors_are_closed_form_and_leave_out_what_has_no_target():
    ours = {"a": tf.ones([2, 3]), "b": tf.zeros([5]), "unused": tf.ones([3])}
    theirs = {"a": tf.fill([2, 3], 3.0), "b": tf.fill([5], 3.0)}
    errors = mean_squared_errors(ours, theirs)
    assert {name: float(error) for name, error in errors.items()} == {"a": 4, "b": 9}


def test_the_term_compares_the_matrices_that_have_a_target():
    term = Gram.from_settings(Settings(style_layers=["block1_conv1", "block2_conv1"]))
    features = {"block1_conv1": normal(1, 8, 6, 3), "block2_conv1": normal(1, 4, 3, 5, seed=1)}
    tensors = {name: tf.constant(value) for name, value in features.items()}
    target = {"block2_conv1": tf.constant(normal(5, 5, seed=2))}
    statistics = term.statistics(tensors, target, Window((8, 6)))
    assert set(statistics.sums) == {"block2_conv1"}
    flat = features["block2_conv1"].reshape(12, 5).astype(np.float64)
    expected = np.mean((flat.T @ flat / 12 - target["block2_conv1"]) ** 2)
    (loss,) = term.losses(statistics, target).values()
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert term.losses(Statistics({"block2_conv1": target["block2_conv1"]}), target) == {
        "block2_conv1": 0
    }
