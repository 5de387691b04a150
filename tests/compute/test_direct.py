import numpy as np
import pytest
import tensorflow as tf

from nst_tf.compute import direct
from nst_tf.compute.convolutions import fast_convolutions
from nst_tf.compute.direct import convolve_relu, turn_kernel
from nst_tf.compute.machine import Machine, has_onednn
from nst_tf.network import model as vgg
from nst_tf.network.weights import load_weights

EIGEN = Machine(onednn=False)
LAYERS = ("block1_conv1", "block2_conv2", "block3_conv1")


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize(
    ("height", "width", "inputs", "outputs"), [(1, 1, 1, 1), (2, 7, 3, 2), (9, 6, 4, 5)]
)
def test_outputs_and_gradient_are_those_of_the_convolution(height, width, inputs, outputs):
    features, upstream = normal(0, 1, height, width, inputs), normal(1, 1, height, width, outputs)
    kernel, bias = normal(2, 3, 3, inputs, outputs), normal(3, outputs)

    results = []
    for dtype, convolve in (
        (tf.float64, lambda x, k, b: tf.nn.relu(tf.nn.conv2d(x, k, 1, "SAME") + b)),
        (tf.float32, lambda x, k, b: convolve_relu(x, k, turn_kernel(k), b)),
    ):
        x, k, b, u = (tf.constant(array, dtype) for array in (features, kernel, bias, upstream))
        with tf.GradientTape() as tape:
            tape.watch(x)
            values = convolve(x, k, b)
        results.append((values.numpy(), tape.gradient(values, x, u).numpy()))
    (exact, exact_gradient), (values, gradient) = results
    np.testing.assert_allclose(values, exact, atol=1e-4)
    np.testing.assert_allclose(gradient, exact_gradient, atol=1e-4)


def test_a_kernel_is_turned_by_its_definition():
    kernel = normal(0, 3, 3, 2, 5)
    turned = turn_kernel(tf.constant(kernel)).numpy()
    np.testing.assert_array_equal(turned, np.rot90(kernel, 2).transpose(0, 1, 3, 2))


@pytest.mark.parametrize("padding", ["zero", "edge"])
def test_the_network_and_its_gradient_are_the_same(pixels, padding):
    model = vgg.feature_model(load_weights("bundled"), LAYERS, "max", padding=padding)
    image = tf.constant(pixels(37, 52))
    convolutions = fast_convolutions(model, 37, 52, use_winograd=False, machine=EIGEN)
    assert set(convolutions) == {
        "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1",
    }  # fmt: skip
    results = []
    for which in (None, convolutions):
        with tf.GradientTape() as tape:
            tape.watch(image)
            features = vgg.extract_features(model, image, which)
            total = sum(tf.reduce_mean(tf.square(value)) for value in features.values())
        results.append((features, tape.gradient(total, image).numpy()))
    (plain, plain_gradient), (ours, gradient) = results
    for name in LAYERS:
        np.testing.assert_array_equal(ours[name], plain[name])
    difference = np.linalg.norm(gradient - plain_gradient)
    assert 0 <= difference <= 1e-4 * np.linalg.norm(plain_gradient)


def test_features_of_other_precision_are_left_to_tensorflow():
    model = vgg.feature_model(load_weights("bundled"), LAYERS, "max", "bfloat16")
    assert fast_convolutions(model, 64, 64, use_winograd=False, machine=EIGEN) == {}


def test_it_serves_cpus_on_which_tensorflow_has_no_onednn(monkeypatch, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("flags : fma avx2 avx512f\n")
    new.write_text("flags : fma avx2 avx512_vnni\n")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert has_onednn(new)
    assert not has_onednn(old)
    assert not has_onednn(tmp_path / "missing")
    for wish, answer in (("0", False), ("1", True)):
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", wish)
        has_onednn.cache_clear()
        assert has_onednn(new) is has_onednn(old) is answer
    has_onednn.cache_clear()


def test_it_leaves_gpus_to_cudnn():
    assert direct.is_faster(EIGEN)
    assert not direct.is_faster(Machine(onednn=True))
    assert not direct.is_faster(Machine(gpu=True))
