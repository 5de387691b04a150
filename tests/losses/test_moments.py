import dataclasses
import functools

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses.gram import Gram
from nst_tf.losses.moments import Covariance, Mean, moments
from nst_tf.losses.objective import collect_statistics
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Part
from nst_tf.losses.term import Window
from nst_tf.network.model import extract_features
from nst_tf.settings import Settings
from nst_tf.transfer.measure import measure
from nst_tf.transfer.scales import load_model

LAYERS = ("block1_conv1", "block2_conv1")
SETTINGS = Settings(
    style_layers=LAYERS, content_layers=["block1_conv1"], style_statistics="covariance",
    mean_weight=3.0, style_scale=0,
)  # fmt: skip


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def covariance(features, window):
    term, name = Covariance(LAYERS[:1], (1.0,)), LAYERS[0]
    return term.compared(term.statistics({name: features}, {name: None}, window))[name]


def test_covariances_agree_with_numpy():
    features = {"block1_conv1": normal(1, 8, 6, 5) + 2, "block2_conv1": normal(1, 4, 3, 7) - 1}
    tensors = {name: tf.constant(value) for name, value in features.items()}
    term = Covariance(LAYERS, (1.0, 1.0))
    matrices = term.compared(term.statistics(tensors, dict.fromkeys(LAYERS), Window((8, 6))))
    assert set(matrices) == set(LAYERS)
    for name, matrix in matrices.items():
        flat = features[name].reshape(-1, features[name].shape[-1]).astype(np.float64)
        np.testing.assert_allclose(matrix, np.cov(flat.T, bias=True), rtol=1e-4, atol=1e-4)


def test_guided_covariances_and_means_agree_with_numpy():
    features = normal(1, 8, 6, 5) + 2
    guide = np.random.default_rng(1).random((1, 8, 6, 1)).astype(np.float32)
    guide /= guide.sum()
    window = Window((8, 6), guides={"block1_conv1": tf.constant(guide)})
    found = covariance(tf.constant(features), window)
    flat, weights = features.reshape(-1, 5).astype(np.float64), guide.ravel()
    expected = np.cov(flat.T, aweights=weights, ddof=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    _, mean = moments(tf.constant(features), tf.constant(guide))
    np.testing.assert_allclose(mean, weights @ flat, rtol=1e-5)


def test_a_shift_of_the_features_changes_the_means_alone():
    features = tf.constant(normal(1, 8, 6, 5))
    before, after = (covariance(values, Window((8, 6))) for values in (features, features + 3))
    np.testing.assert_allclose(before, after, atol=1e-5)
    before, after = (moments(values, 1 / 48)[1] for values in (features, features + 3))
    np.testing.assert_allclose(after, before + 3, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("guided", [False, True])
def test_moments_pull_back_like_the_automatic_gradient(guided):
    features = tf.constant(normal(1, 7, 5, 6) + 2)
    weights = np.random.default_rng(2).random((1, 7, 5, 1)) if guided else np.full((1, 7, 5, 1), 3)
    guide = tf.constant(weights / weights.sum(), tf.float32)
    upstream = tf.constant(normal(6, 6, seed=1)), tf.constant(normal(6, seed=3))
    results = []
    for function in (
        lambda f: moments(f, guide if guided else 1 / 35),
        lambda f: (
            tf.einsum("bijc,bijk,bijd->cd", f, guide, f),
            tf.einsum("bijc,bijk->c", f, guide),
        ),
    ):
        with tf.GradientTape() as tape:
            tape.watch(features)
            values = function(features)
        results.append([*values, tape.gradient(values, features, output_gradients=upstream)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_slopes_that_cancel_do_so_before_they_are_rounded():
    # 101 · 0.01 − 1.009 is 0 if both are rounded to bfloat16 first.
    features = tf.fill([1, 4, 4, 1], tf.constant(101, tf.bfloat16))
    with tf.GradientTape() as tape:
        tape.watch(features)
        gram, mean = moments(features, 1.0)
        loss = 0.005 * gram[0, 0] - 1.01 * mean[0] + 0.001 * mean[0]
    slope = tf.cast(tape.gradient(loss, features), tf.float32)
    np.testing.assert_allclose(slope, np.full((1, 4, 4, 1), 0.001), rtol=0.01)


def test_terms_that_share_statistics_do_so_within_a_level_and_a_region_alone():
    features = {name: tf.constant(normal(1, 8, 6, 5)) for name in LAYERS}
    guides = [{name: tf.fill([1, 8, 6, 1], 1 / side) for name in LAYERS} for side in (48, 96)]
    parts = {
        (term, 0, region): Part(dict.fromkeys(LAYERS), {}, guides[region])
        for term in ("style", "mean")
        for region in (0, 1)
    }
    terms = [term for term in make_terms(SETTINGS) if term.name in ("style", "mean")]
    found = collect_statistics(terms, features, parts, functools.partial(Window, (8, 6), None))
    assert list(found) == list(parts)
    for region in (0, 1):
        assert found["style", 0, region] is found["mean", 0, region]
    one, other = (found["mean", 0, region].sums["block1_conv1/mean"] for region in (0, 1))
    np.testing.assert_allclose(one, 2 * other, rtol=1e-5)


@pytest.mark.parametrize("loss", ["absolute", "relative"])
def test_both_terms_agree_with_numpy(pixels, loss):
    settings = dataclasses.replace(SETTINGS, loss=loss)
    image, photo, painting = (pixels(24, 20, seed) for seed in range(3))
    model, expected = load_model(settings), {"style": 0.0, "mean": 0.0}
    both = [extract_features(model, tf.constant(picture)) for picture in (image, painting)]
    for name in LAYERS:
        flat = [f[name].numpy().reshape(-1, f[name].shape[-1]).astype(np.float64) for f in both]
        for term, (ours, theirs) in {
            "style": [np.cov(x.T, bias=True) for x in flat],
            "mean": [x.mean(0) for x in flat],
        }.items():
            size = np.mean(theirs**2) if loss == "relative" else 1
            weight = getattr(settings, f"{term}_weight")
            expected[term] += weight * np.mean((ours - theirs) ** 2) / size / 2
    losses = measure(image, photo, painting, settings)
    assert list(losses) == ["total", "style", "content", "total_variation", "mean"]
    for name, value in expected.items():
        assert losses[name] == pytest.approx(value, rel=1e-3)
    assert losses["total"] == pytest.approx(sum(losses.values()) - losses["total"], rel=1e-5)


def test_the_terms_follow_the_settings():
    kinds = {type(term) for term in make_terms(SETTINGS)}
    assert {Covariance, Mean} <= kinds
    assert Gram not in kinds
    plain = {type(term) for term in make_terms(Settings())}
    assert Gram in plain
    assert not {Covariance, Mean} & plain
