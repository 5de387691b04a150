"""The tutorial's objective and Adam against an independent float64 program.

`golden/tutorial_40_steps.npz` was computed from the pictures beside it with the bundled weights.
The tolerances are what float32 is expected to keep: see CONTRIBUTING.md.
"""

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, load_image, stylize
from nst_tf.losses.formulas import gram_matrix
from nst_tf.losses.objective import make_knobs, objective
from nst_tf.losses.targets import make_targets
from nst_tf.network.model import extract_features, feature_model
from nst_tf.network.weights import load_weights
from nst_tf.transfer import measure
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
        callbacks=[lambda progress: rows.append(progress.losses)],
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
    np.testing.assert_allclose(final, golden["final_losses"], rtol=1e-2)


@pytest.fixture(scope="module")
def model():
    return feature_model(load_weights("bundled"), SETTINGS.layers, "max")


def test_the_gradient(model, pictures, golden):
    targets = make_targets(model, pictures["content"], [pictures["style"]], SETTINGS)
    start = tf.constant(pictures["start"])
    with tf.GradientTape() as tape:
        tape.watch(start)
        total = objective(model, start, targets, make_knobs(SETTINGS, targets)).total
    error = tape.gradient(total, start) - golden["gradient"]
    assert np.linalg.norm(error) < 1e-3 * np.linalg.norm(golden["gradient"])


def test_a_gram_matrix(model, pictures, golden):
    gram = gram_matrix(extract_features(model, tf.constant(pictures["style"]))["block3_conv1"])
    error = np.linalg.norm(gram - golden["gram_block3_conv1"])
    assert error < 1e-5 * np.linalg.norm(golden["gram_block3_conv1"])
