import functools
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.network.layers import LAYERS
from nst_tf.network.model import extract_features, feature_model, preprocess
from nst_tf.network.weights import load_weights


def test_preprocessing_agrees_with_keras_and_leaves_its_argument_alone(pixels):
    image = pixels(5, 7)
    before = image.copy()
    expected = keras.applications.vgg19.preprocess_input(image * 255)
    np.testing.assert_allclose(preprocess(tf.constant(image)), expected, atol=1e-4)
    np.testing.assert_array_equal(image, before)


def numpy_features(image, weights, pool, mode="constant"):
    """Run the first two blocks in float64 NumPy, returning each layer's output by name."""
    x = image[0, :, :, ::-1].astype(np.float64) * 255 - [103.939, 116.779, 123.68]
    features = {}
    for name in LAYERS[: LAYERS.index("block2_conv2") + 1]:
        if name.endswith("_pool"):
            height, width, channels = x.shape
            x = x[: height // 2 * 2, : width // 2 * 2]
            x = pool(x.reshape(height // 2, 2, width // 2, 2, channels), axis=(1, 3))
        else:
            edges = mode if name == "block1_conv1" else "constant"
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), mode=edges)
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
            x = np.einsum("hwcij,ijcd->hwd", windows, weights.kernels[name].astype(np.float64))
            x = np.maximum(x + weights.biases[name], 0)
        features[name] = x
    return features


@pytest.mark.parametrize(("pooling", "pool"), [("max", np.max), ("average", np.mean)])
def test_features_agree_with_numpy(pixels, pooling, pool):
    weights = load_weights("bundled")
    image = pixels(11, 14)
    layers = ("block1_conv1", "block1_pool", "block2_conv2")
    features = extract_features(feature_model(weights, layers, pooling), tf.constant(image))
    expected = numpy_features(image, weights, pool)
    assert tuple(features) == layers
    for name in layers:
        np.testing.assert_allclose(
            features[name][0], expected[name], rtol=1e-4, atol=1e-4 * np.abs(expected[name]).max()
        )


def test_edges_are_repeated_before_the_first_layer_alone(pixels):
    weights, image = load_weights("bundled"), pixels(11, 14)
    layers = ("block1_conv1", "block2_conv2")
    model = feature_model(weights, layers, "max", padding="edge")
    expected = numpy_features(image, weights, np.max, mode="edge")
    features = extract_features(model, tf.constant(image))
    for name in layers:
        np.testing.assert_allclose(
            features[name][0], expected[name], rtol=1e-4, atol=1e-4 * np.abs(expected[name]).max()
        )
    flat = np.full((1, 8, 8, 3), 0.9, np.float32)
    (first, _) = extract_features(model, tf.constant(flat)).values()
    np.testing.assert_allclose(first[0, 0, 0], first[0, 4, 4], rtol=1e-4, atol=1e-3)


def test_mixed_pooling_is_average_behind_the_first_block():
    model = feature_model(load_weights("bundled"), ("block4_pool",), "mixed")
    kinds = {x.name: type(x).__name__ for x in model.layers if "pool" in x.name}
    assert kinds == {
        "block1_pool": "AveragePooling2D", "block2_pool": "MaxPooling2D",
        "block3_pool": "MaxPooling2D", "block4_pool": "MaxPooling2D",
    }  # fmt: skip


def test_the_model_is_cut_at_its_deepest_layer_and_frozen():
    weights = load_weights("bundled")
    model = feature_model(weights, ("block1_conv1", "block3_conv2"), "max")
    assert model.layers[-1].name == "block3_conv2"
    assert model.trainable_variables == []
    assert feature_model(weights, ("block1_conv1", "block3_conv2"), "max") is model


def test_kernels_are_set_once_and_never_random(monkeypatch):
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", None)
    feature_model.cache_clear()
    feature_model(load_weights("bundled"), ("block1_conv1",), "max")


def test_any_size_from_the_smallest_up_works(pixels):
    model = feature_model(load_weights("bundled"), ("block5_conv2",), "max")
    for size in ((16, 16), (16, 33), (47, 20)):
        features = extract_features(model, tf.constant(pixels(*size)))["block5_conv2"]
        assert features.shape == (1, size[0] // 16, size[1] // 16, 512)


@pytest.mark.parametrize(
    ("name", "value"),
    [("dtype_policy", "mixed_float16"), ("dtype_policy", "float64"), ("floatx", "float16"),
     ("image_data_format", "channels_first")],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"pooling": "mixed", "padding": "edge"}])
def test_the_settings_of_a_host_change_nothing(pixels, name, value, options):
    """Build and run the network in a process that uses Keras for something else."""
    weights, image = load_weights("bundled"), tf.constant(pixels(20, 24))
    build = functools.partial(
        feature_model, weights, ("block1_conv1", "block3_conv1"), **({"pooling": "max"} | options)
    )
    expected = extract_features(build(), image)
    before = getattr(keras.config, name)()
    getattr(keras.config, f"set_{name}")(value)
    try:
        feature_model.cache_clear()
        found = tf.function(extract_features)(build(), image)
    finally:
        getattr(keras.config, f"set_{name}")(before)
        feature_model.cache_clear()
    for layer, features in expected.items():
        assert found[layer].dtype == tf.float32
        np.testing.assert_array_equal(found[layer], features)


def test_another_backend_is_refused_with_the_call_that_helps():
    script = (
        "from nst_tf import UserError\n"
        "for name in ('nst_tf', 'nst_tf.transfer.stylize'):\n"
        "    try:\n"
        "        exec(f'from {name} import stylize')\n"
        "    except UserError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, env=os.environ | {"KERAS_BACKEND": "jax"},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert 'jax in this process, but nst_tf needs TensorFlow: set os.environ["KERAS_' in line
