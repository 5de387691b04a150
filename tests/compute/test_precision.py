import concurrent.futures
import dataclasses
import threading
import warnings

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import RECIPES, Settings, stylize
from nst_tf.compute.machine import Machine, has_bfloat16
from nst_tf.compute.precision import (
    TensorFloat32,
    feature_precision,
    is_emulated,
    warn_if_emulated,
)
from nst_tf.losses.content import Content
from nst_tf.losses.gram import gram_matrix
from nst_tf.losses.term import Window
from nst_tf.network.model import extract_features
from nst_tf.transfer.measure import measure
from nst_tf.transfer.scales import load_model

HALF = Settings(precision="bfloat16", epochs=1, steps_per_epoch=6, max_dim=0, style_scale=0)
ROUNDING = 2.0**-8  # of a number in bfloat16, relative, at most


def test_features_are_those_in_float32_up_to_rounding(smooth):
    image = tf.constant(smooth(64, 80, 0))
    rough = extract_features(load_model(HALF), image)
    exact = extract_features(load_model(dataclasses.replace(HALF, precision="float32")), image)
    assert rough["block1_conv1"].dtype == tf.float32
    np.testing.assert_array_equal(rough["block1_conv1"], exact["block1_conv1"])
    for name in ("block2_conv1", "block5_conv2"):
        assert rough[name].dtype == tf.bfloat16
        error = tf.norm(tf.cast(rough[name], tf.float32) - exact[name]) / tf.norm(exact[name])
        assert 0 < float(error) < 8 * ROUNDING


def test_gram_matrices_of_rough_features_are_summed_in_float32():
    # In bfloat16 a sum of ones stays at 256.
    features = tf.ones([1, 32, 64, 3], tf.bfloat16)
    with tf.GradientTape() as tape:
        tape.watch(features)
        gram = gram_matrix(features, 1 / 2048)
        loss = tf.reduce_sum(gram * tf.constant([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]))
    np.testing.assert_array_equal(gram, np.ones((3, 3)))
    gradient = tape.gradient(loss, features)
    assert gradient.dtype == tf.bfloat16
    # Of Σ W G with F of ones it is the sum of W's row and column over the locations.
    expected = np.array([6 + 12, 15 + 15, 24 + 18]) / 2048
    np.testing.assert_allclose(tf.cast(gradient, tf.float32)[0, 0, 0], expected, rtol=ROUNDING)


def test_errors_of_rough_features_are_taken_in_float32():
    features = {"block1_conv1": tf.fill([1, 30, 30, 1], tf.constant(3, tf.bfloat16))}
    target = {"block1_conv1": tf.fill([1, 30, 30, 1], 2.5)}
    term = Content(("block1_conv1",), (1.0,))
    (loss,) = term.statistics(features, target, Window((30, 30))).sums.values()
    assert loss.dtype == tf.float32
    assert float(loss) == 0.25


def test_at_the_content_its_loss_is_0(smooth):
    content, style = smooth(48, 48, 0), smooth(40, 40, 1)
    losses = measure(content, content, style, HALF)
    assert losses["content"] == 0 < losses["style"]


@pytest.mark.parametrize("block_size", [0, 32])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_runs_in_bfloat16_follow_those_in_float32(smooth, optimizer, block_size):
    losses = {}
    for precision in ("float32", "bfloat16"):
        settings = dataclasses.replace(
            HALF, optimizer=optimizer, precision=precision, block_size=block_size, steps_per_epoch=4
        )
        rows = []
        image = stylize(
            smooth(48, 56, 0), smooth(48, 48, 1), settings,
            callbacks=[lambda p, rows=rows: rows.append(p.losses["total"])],
        )  # fmt: skip
        losses[precision] = rows
        assert image.dtype == np.float32
        assert 0 <= image.min() <= image.max() <= 1
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.05)
    assert losses["bfloat16"] != losses["float32"]


def test_winograd_is_refused():
    with pytest.raises(ValueError, match="convolution=winograd needs precision=float32"):
        dataclasses.replace(HALF, convolution="winograd")


@pytest.mark.parametrize(
    ("flags", "found"),
    [("fpu avx512f avx512_bf16 erms", True), ("fpu avx2", False), ("fpu amx_bf16", True)],
)
def test_a_processor_with_bfloat16_says_so(tmp_path, flags, found):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert has_bfloat16(tmp_path / "cpuinfo") is found
    assert has_bfloat16(tmp_path / "missing") is False


@pytest.mark.parametrize(
    ("precision", "text", "warned"),
    [
        ("bfloat16", "flags\t\t: fpu avx2 avx512f\n", True),
        ("bfloat16", "flags\t\t: fpu avx512_bf16\n", False),
        ("bfloat16", "Features\t: fp asimd bf16\n", False),  # not x86
        ("auto", "flags\t\t: fpu avx2\n", False),
        ("float32", "flags\t\t: fpu avx2\n", False),
    ],
)
def test_half_precision_is_warned_of_where_it_is_emulated(tmp_path, precision, text, warned):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{text}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            warn_if_emulated(precision, cpuinfo)
    texts = [str(warning.message) for warning in caught]
    assert len(texts) == warned  # once in a process
    assert all("no instructions for it" in text and "use precision=auto" in text for text in texts)


def test_a_run_warns_where_this_machine_emulates(smooth):
    warn_if_emulated.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stylize(smooth(32, 32, 0), smooth(32, 32, 1), dataclasses.replace(HALF, steps_per_epoch=1))
    found = any("no instructions for it" in str(warning.message) for warning in caught)
    assert found == is_emulated("bfloat16")


def test_half_precision_is_chosen_only_where_it_is_fast():
    assert RECIPES["fast"].precision == RECIPES["quality"].precision == "auto"
    for machine, expected in (
        (Machine(bfloat16=True), "bfloat16"),
        (Machine(bfloat16=False), "float32"),
        (Machine(bfloat16=True, gpu=True), "float32"),
    ):
        assert feature_precision("auto", "auto", machine) == expected
        assert feature_precision("auto", "winograd", machine) == "float32"
        assert feature_precision("float32", "auto", machine) == "float32"
        assert feature_precision("bfloat16", "auto", machine) == "bfloat16"


@pytest.fixture
def position():
    """Return a function that reads TensorFlow's switch for TF32, which is reset afterwards."""
    switch = tf.config.experimental
    found = switch.tensor_float_32_execution_enabled()
    yield switch.tensor_float_32_execution_enabled
    switch.enable_tensor_float_32_execution(found)


def test_runs_on_a_gpu_share_tf32_or_are_refused(position):
    tf32 = TensorFloat32(matters=lambda: True)
    for allowed in (True, False, True):  # one after the other, the switch may change
        with tf32.set_to(allowed), tf32.set_to(allowed):
            assert position() == allowed
            with pytest.raises(ValueError, match=f"^tf32 is {allowed} in an active run of this"):
                tf32.set_to(not allowed).__enter__()
            assert position() == allowed
        assert position() == allowed
    with pytest.raises(ArithmeticError), tf32.set_to(True):
        raise ArithmeticError
    with tf32.set_to(False):
        assert not position()


def test_without_a_gpu_no_run_is_refused(position):
    tf32 = TensorFloat32(matters=lambda: False)
    with tf32.set_to(True), tf32.set_to(False), tf32.set_to(True):
        assert position()


def test_tf32_is_never_in_two_positions(position):
    tf32, found, refused, begin = TensorFloat32(lambda: True), [], [], threading.Barrier(6)

    def work(wanted):
        begin.wait()
        for _ in range(50):
            try:
                with tf32.set_to(wanted):
                    found.append(position() == wanted)
            except ValueError:
                refused.append(wanted)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, [True, False] * 3))
    assert found
    assert all(found)
    assert len(found) + len(refused) == 300
