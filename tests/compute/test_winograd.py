import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, load_image
from nst_tf.compute import winograd
from nst_tf.compute.compiled import compile_loop
from nst_tf.compute.convolutions import fast_convolutions, winograd_convolution
from nst_tf.compute.evaluate import WholeObjective, release
from nst_tf.compute.machine import Machine
from nst_tf.compute.plan import plan_memory
from nst_tf.compute.winograd import make_convolution, run_strips, transform_kernel
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.inputs.pyramid import plan_scales
from nst_tf.network import model as vgg
from nst_tf.network.weights import load_weights
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.step import Stepper
from nst_tf.utils.errors import UserError
from tests.conftest import GOLDEN


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def assert_close(ours, exact, tolerance=1e-5):
    assert np.linalg.norm(ours - exact) <= tolerance * np.linalg.norm(exact)


@pytest.mark.parametrize(
    ("height", "width", "inputs", "outputs"),
    [
        (1, 1, 1, 1),
        (4, 4, 2, 3),
        (5, 11, 3, 2),
        (8, 3, 5, 4),
        (13, 6, 4, 7),
        (3, 600, 2, 1),
        (70, 130, 2, 3),  # several strips, of one row of tiles and of many
    ],
)
def test_outputs_and_gradient_are_those_of_the_direct_sum(height, width, inputs, outputs):
    features, upstream = normal(0, 1, height, width, inputs), normal(3, 1, height, width, outputs)
    # Biases that keep the ReLU off its kink, where rounding decides: half of the channels are cut.
    bias = np.where(np.arange(outputs) % 2, -1e2, 1e2)
    kernel = normal(1, 3, 3, inputs, outputs)

    results = []
    for dtype, convolve in (
        (tf.float64, lambda x, k, b: tf.nn.relu(tf.nn.conv2d(x, k, 1, "SAME") + b)),
        (tf.float32, lambda x, k, b: make_convolution(transform_kernel(k.numpy()), b.numpy())(x)),
    ):
        x, k, b, u = (tf.constant(array, dtype) for array in (features, kernel, bias, upstream))
        with tf.GradientTape() as tape:
            tape.watch(x)
            values = convolve(x, k, b)
        results.append((values.numpy(), tape.gradient(values, x, u).numpy()))
    (exact, exact_gradient), (values, gradient) = results
    assert_close(values, exact)
    assert_close(gradient, exact_gradient)


def test_the_relu_cuts_values_and_gradient():
    features = tf.constant(normal(0, 1, 9, 6, 3), tf.float32)
    kernel = tf.constant(normal(1, 3, 3, 3, 4), tf.float32)
    bias = tf.zeros([4])
    gradients, values = [], []
    for convolve in (
        make_convolution(transform_kernel(kernel.numpy()), bias.numpy()),
        lambda x: tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias),
    ):
        with tf.GradientTape() as tape:
            tape.watch(features)
            values.append(convolve(features))
        gradients.append(tape.gradient(values[-1], features))
    assert 0.3 < np.mean(values[0] == 0) < 0.7
    np.testing.assert_allclose(values[0], values[1], atol=1e-4)
    np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-4)


def test_a_kernel_is_transformed_by_its_definition():
    kernel = normal(0, 3, 3, 2, 5)
    expected = np.einsum("ia,abcd,jb->ijcd", winograd._G, kernel, winograd._G)
    ours = transform_kernel(kernel.astype(np.float32))
    np.testing.assert_allclose(ours, expected.reshape(36, 2, 5), atol=1e-6)


def everywhere(model, height, width):
    """Return Winograd's convolutions for every layer, on maps of any size."""
    return fast_convolutions(model, height, width, True, suits_winograd=lambda *_: True)


class Everywhere(StyleTransfer):
    """A run that uses them."""

    def stepper(self, targets):
        @functools.cache
        def compiled(network, terms, shape):
            return WholeObjective(network, terms, everywhere(network, *shape[1:3]))

        class Fast(Stepper):
            def evaluator(self, shape, plan):
                return compiled(self.network, self.terms, shape)

        return Fast(self.network, self.terms, targets, self.settings)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_network_is_the_same(pixels, pooling):
    layers = ("block1_conv1", "block2_pool", "block3_conv4", "block5_conv2")
    model = vgg.feature_model(load_weights("bundled"), layers, pooling)
    image = tf.constant(pixels(37, 52))
    convolutions = everywhere(model, 37, 52)
    assert "block1_conv1" in convolutions
    assert "block5_conv2" in convolutions
    direct = vgg.extract_features(model, image)
    fast = vgg.extract_features(model, image, convolutions)
    assert tuple(fast) == tuple(direct) == layers
    for name in layers:
        assert_close(fast[name], direct[name], 1e-4)


def test_golden_losses_and_picture():
    with np.load(GOLDEN / "tutorial_40_steps.npz") as archive:
        golden = dict(archive)
    content, style, start = (
        load_image(GOLDEN / f"{name}.png") for name in ("content", "style", "start")
    )
    knobs = Settings(epochs=1, steps_per_epoch=40, max_dim=0, style_scale=0, convolution="winograd")
    rows = []
    run = Everywhere(prepare_inputs(content, style, knobs, initial=start))
    image = run.finish([lambda p: rows.append(list(p.losses.values()))])
    np.testing.assert_allclose(rows[0], golden["losses"][0], rtol=1e-4)
    np.testing.assert_allclose(rows, golden["losses"], rtol=1e-2)
    assert np.abs(image - golden["image"]).mean() < 2 / 255


def test_cpus_use_it_unless_they_are_told_otherwise():
    def is_used(gpu=False, **changes):
        settings = Settings(epochs=1, steps_per_epoch=10, memory_budget="100GiB", **changes)
        size = (192, 256)
        scales = plan_scales(settings, size, [size])
        (plan,) = plan_memory(settings, scales, [size], machine=Machine(gpu))
        return plan.winograd

    assert is_used()
    assert is_used(convolution="winograd")
    assert not is_used(convolution="direct")
    assert not is_used(precision="bfloat16")
    assert not is_used(gpu=True)
    with pytest.raises(UserError, match="convolution=winograd is for CPUs, but a GPU computes"):
        is_used(gpu=True, convolution="winograd")


def test_where_it_is_faster_depends_on_channels_maps_and_the_other_kernels():
    def chosen(side, use_winograd=True, onednn=True):
        machine = Machine(onednn=onednn)
        found = fast_convolutions(model, side, side, use_winograd, machine)
        return {name for name, one in found.items() if one is winograd_convolution(layer(name))}

    model = vgg.feature_model(load_weights("bundled"), ("block5_conv1",), "max")
    layer = model.get_layer
    fourth = {f"block4_conv{n}" for n in range(1, 5)}
    assert chosen(176) == chosen(256, use_winograd=False) == set()
    assert chosen(192) == chosen(1024) == {f"block3_conv{n}" for n in range(1, 5)} | fourth
    assert {"block1_conv2", "block2_conv1"} < chosen(192, onednn=False)
    assert "block1_conv1" not in chosen(192, onednn=False)


@pytest.mark.parametrize("size", [(1, 1), (43, 64), (342, 512), (5, 4000)])
def test_strips_cover_a_map_with_any_number_of_threads(size):
    def strips(threads):
        found = []
        with ThreadPoolExecutor(threads) as pool:
            run_strips(lambda *strip: found.append(strip), *size, pool)
        return sorted(found)

    height, width = size
    found = strips(1)
    assert strips(3) == found
    assert all(across == -(-width // 4) for _, _, across in found)
    assert all(count == 1 or count * across <= 128 for _, count, across in found)
    rows = [row for top, count, _ in found for row in range(top, top + count)]
    assert rows == [*range(-(-height // 4))]


def test_released_memory_includes_the_transformed_kernels():
    model = vgg.feature_model(load_weights("bundled"), ("block1_conv2",), "max")
    everywhere(model, 16, 16)
    assert winograd_convolution.cache_info().currsize
    release()
    assert not winograd_convolution.cache_info().currsize


def test_a_folder_without_space_for_compiled_loops_is_named():
    code = compile("def loop(values):\n    values[0] = 1\n", "<nowhere>", "exec")
    scope = {}
    exec(code, scope)
    with pytest.warns(UserWarning, match="set NUMBA_CACHE_DIR to a folder that can be written"):
        loop = compile_loop("void(float32[::1])")(scope["loop"])
    values = np.zeros(1, np.float32)
    loop(values)
    assert values == [1]
