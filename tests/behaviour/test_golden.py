"""The tutorial's objective and Adam against an independent float64 program.

`golden/tutorial_40_steps.npz` was computed from the pictures beside it with the bundled weights.
The tolerances are what float32 is expected to keep: see CONTRIBUTING.md.
"""

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, load_image, stylize
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.gram import gram_matrix
from nst_tf.losses.objective import gradient, objective, step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.network.model import extract_features, feature_model
from nst_tf.network.weights import load_weights
from nst_tf.transfer.measure import measure, whole_targets
from tests.conftest import GOLDEN

SETTINGS = Settings(epochs=1, steps_per_epoch=40, max_dim=0, style_scale=0)


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "tutorial_40_steps.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def pictures():
    return {name: load_image(GOLDEN / f"{name}.png") for name in ("content", "style", "start")}


@pytest.fixture(scope="module")
def run(pictures):
    rows = []
    image = stylize(
        pictures["content"],
        pictures["style"],
        SETTINGS,
        initial=pictures["start"],
        callbacks=[lambda progress: rows.append(list(progress.losses.values()))],
    )
    return image, np.array(rows)


def test_the_first_losses(run, golden):
    np.testing.assert_allclose(run[1][0], golden["losses"][0], rtol=1e-4)


def test_all_losses(run, golden):
    np.testing.assert_allclose(run[1], golden["losses"], rtol=1e-2)


def test_the_final_picture(run, golden):
    assert np.abs(run[0] - golden["image"]).mean() < 2 / 255


def test_the_final_losses(run, pictures, golden):
    final = measure(run[0], pictures["content"], pictures["style"], SETTINGS)
    np.testing.assert_allclose(list(final.values()), golden["final_losses"], rtol=1e-2)


@pytest.fixture(scope="module")
def model():
    return feature_model(load_weights("bundled"), SETTINGS.layers, "max")


def test_the_gradient(model, pictures, golden):
    fitted, terms = (
        prepare_inputs(pictures["content"], pictures["style"], SETTINGS),
        make_terms(SETTINGS),
    )
    targets = whole_targets(model, terms, fitted)
    weights = step_weights(SETTINGS, terms)
    _, slope = gradient(
        lambda image: objective(model, terms, image, targets, weights),
        tf.constant(pictures["start"]),
    )
    error = slope - golden["gradient"]
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(golden["gradient"])


def test_a_gram_matrix(model, pictures, golden):
    features = extract_features(model, tf.constant(pictures["style"]))["block3_conv1"]
    gram = gram_matrix(features, 1 / np.prod(features.shape[1:3]))
    error = np.linalg.norm(gram - golden["gram_block3_conv1"])
    assert error < 1e-5 * np.linalg.norm(golden["gram_block3_conv1"])
