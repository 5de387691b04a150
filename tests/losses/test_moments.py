import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses.gram import Gram
from nst_tf.losses.moments import Covariance, Mean, mean
from nst_tf.losses.registry import make_terms
from nst_tf.losses.term import Window
from nst_tf.measuring import measure
from nst_tf.network.model import extract_features
from nst_tf.scale import load_model
from nst_tf.settings import Settings

LAYERS = ("block1_conv1", "block2_conv1")
SETTINGS = Settings(
    style_layers=LAYERS, content_layers=["block1_conv1"], style_statistics="covariance",
    mean_weight=3.0, style_scale=0,
)  # fmt: skip


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def covariance(features, window):
    term, name = Covariance(LAYERS[:1], (1.0,)), LAYERS[0]
    return term.matrices(term.statistics({name: features}, {name: None}, window))[name]


def test_covariances_agree_with_numpy():
    features = {"block1_conv1": normal(1, 8, 6, 5) + 2, "block2_conv1": normal(1, 4, 3, 7) - 1}
    tensors = {name: tf.constant(value) for name, value in features.items()}
    term = Covariance(LAYERS, (1.0, 1.0))
    matrices = term.matrices(term.statistics(tensors, dict.fromkeys(LAYERS), Window((8, 6))))
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
    np.testing.assert_allclose(
        mean(tf.constant(features), tf.constant(guide)), weights @ flat, rtol=1e-5
    )


def test_a_shift_of_the_features_changes_the_means_alone():
    features = tf.constant(normal(1, 8, 6, 5))
    before, after = (covariance(values, Window((8, 6))) for values in (features, features + 3))
    np.testing.assert_allclose(before, after, atol=1e-5)
    np.testing.assert_allclose(
        mean(features + 3, 1 / 48), mean(features, 1 / 48) + 3, rtol=1e-5, atol=1e-5
    )


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
