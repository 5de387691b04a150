import dataclasses
import gc
import itertools
import sys
import weakref

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.compute.evaluate import CACHED, compiled, tiled_objective, whole_objective
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.objective import step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.transfer.measure import measure, whole_targets
from nst_tf.transfer.progress import NonFiniteLossError
from nst_tf.transfer.scales import load_model
from nst_tf.transfer.step import _adam_step
from tests import forked
from tests.oracles import numpy_losses

# Two shallow layers: the mathematics of the whole network at a fraction of its time.
FAST = Settings(
    epochs=2,
    steps_per_epoch=3,
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
)


def run(content, styles, settings=FAST, **arguments):
    steps = []
    image = stylize(content, styles, settings, callbacks=[steps.append], **arguments)
    return image, steps


def test_the_objective_falls_and_the_result_is_an_image(pixels):
    settings = dataclasses.replace(FAST, init="white")
    image, steps = run(pixels(24, 32), pixels(40, 20, seed=1), settings)
    assert image.shape == (1, 24, 32, 3)
    assert image.dtype == np.float32
    assert image.min() >= 0
    assert image.max() <= 1
    assert [progress.step for progress in steps] == list(range(1, 7))
    assert {progress.steps for progress in steps} == {6}
    assert steps[-1].losses["total"] < 0.8 * steps[0].losses["total"]
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))


def test_losses_are_those_before_the_update_and_the_image_the_one_after(pixels):
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    before, after = [], []

    def watch(progress):
        before.append(progress.losses)
        after.append(measure(progress.image(), content, style, FAST))

    stylize(content, style, FAST, callbacks=[watch])
    assert before[0] == pytest.approx(measure(content, content, style, FAST), rel=1e-5)
    assert len(before) == 6
    for losses, same in zip(before[1:], after[:-1], strict=True):
        assert losses == pytest.approx(same, rel=1e-4)


def test_the_total_is_the_sum_of_its_terms(pixels):
    losses = measure(pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1), FAST)
    assert losses["total"] == pytest.approx(
        losses["style"] + losses["content"] + losses["total_variation"]
    )
    assert list(losses) == ["total", "style", "content", "total_variation"]
    assert min(losses.values()) > 0


def test_weights_scale_their_terms(pixels):
    pictures = pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1)
    plain = measure(*pictures, FAST)
    heavier = dataclasses.replace(
        FAST, content_weight=2e4, style_weight=3e-2, total_variation_weight=120
    )
    losses = measure(*pictures, heavier)
    for name, factor in (("style", 3), ("content", 2), ("total_variation", 4)):
        assert losses[name] == pytest.approx(factor * plain[name], rel=1e-5)


def test_layer_weights_reach_their_layers(pixels):
    pictures = pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1)
    parts = [
        measure(*pictures, dataclasses.replace(FAST, style_layer_weights=factors))["style"]
        for factors in ((1, 0), (0, 1), (2, 3))
    ]
    assert parts[2] == pytest.approx(2 * parts[0] + 3 * parts[1], rel=1e-5)


def test_the_style_of_a_picture_is_its_own(pixels):
    content = pixels(24, 32)
    losses = measure(content, content, content, FAST)
    assert losses["style"] == losses["content"] == 0


def test_blending_all_of_one_style_is_that_style(pixels):
    content, one, two = pixels(24, 24), pixels(24, 24, seed=1), pixels(24, 24, seed=2)
    blended = dataclasses.replace(FAST, style_blend=(3, 0))
    assert measure(content, content, [one, two], blended) == measure(content, content, one, FAST)
    halves = measure(content, content, [one, one], FAST)
    assert halves == pytest.approx(measure(content, content, one, FAST), rel=1e-6)


def test_shares_and_styles_must_agree(pixels):
    with pytest.raises(ValueError, match="style_blend has 2 shares for 1 style"):
        stylize(pixels(24, 24), pixels(24, 24), dataclasses.replace(FAST, style_blend=(1, 2)))


def test_pictures_are_fitted(pixels):
    settings = dataclasses.replace(FAST, max_dim=32, epochs=1, steps_per_epoch=1)
    image, _ = run(pixels(60, 80)[0], [pixels(20, 50)[0]], settings)
    assert image.shape == (1, 24, 32, 3)


def test_arguments_are_left_alone(pixels):
    content, style = pixels(24, 24), pixels(24, 24, seed=1)
    copies = content.copy(), style.copy()
    result, _ = run(content, style)
    np.testing.assert_array_equal(content, copies[0])
    np.testing.assert_array_equal(style, copies[1])
    assert not np.shares_memory(result, content)


def test_a_run_repeats_exactly(pixels):
    settings = dataclasses.replace(FAST, init="noise", seed=7)
    first, _ = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    second, _ = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    np.testing.assert_array_equal(first, second)


def test_one_trace_whatever_the_size_and_the_knobs(pixels):
    whole_objective.cache_clear()
    style = pixels(24, 24, seed=1)
    for height in (24, 28, 24):
        for changes in ({}, {"learning_rate": 0.1, "style_weight": 1.0, "epsilon": 1.0}):
            run(pixels(height, 24), style, dataclasses.replace(FAST, **changes))
    evaluator = compiled(load_model(FAST), make_terms(FAST), (1, 24, 24, 3), False, 0)
    assert whole_objective.cache_info().misses == 1
    assert evaluator.compiled.experimental_get_tracing_count() == 1
    assert _adam_step.experimental_get_tracing_count() == 1


def test_compiled_tiles_of_many_sizes_are_dropped(pixels):
    tiled_objective.cache_clear()
    network, terms = load_model(FAST), make_terms(FAST)
    settings = dataclasses.replace(FAST, epochs=1, steps_per_epoch=1, block_size=16)
    run(pixels(24, 24), pixels(24, 24), settings)
    oldest = weakref.ref(compiled(network, terms, (1, 24, 24, 3), False, 16))
    assert tiled_objective.cache_info().misses == 1
    for width in range(25, 25 + CACHED):
        compiled(network, terms, (1, 24, width, 3), False, 16)
    gc.collect()
    assert oldest() is None


def test_a_callback_ends_the_run_and_all_see_the_last_step(pixels):
    seen = []
    image = stylize(
        pixels(24, 24),
        pixels(24, 24, seed=1),
        FAST,
        callbacks=[lambda progress: progress.step == 2, seen.append],
    )
    assert [progress.step for progress in seen] == [1, 2]
    np.testing.assert_array_equal(image, seen[-1].image())


@pytest.mark.parametrize("changes", [{}, {"init": "white"}, {"total_variation_weight": 0}])
def test_lbfgs_beats_adam_and_counts_its_evaluations(pixels, changes):
    settings = dataclasses.replace(FAST, epochs=5, content_weight=10, **changes)
    final = {}
    for optimizer in ("adam", "lbfgs"):
        knobs = dataclasses.replace(settings, optimizer=optimizer)
        image, steps = run(pixels(24, 32), pixels(40, 20, seed=1), knobs)
        final[optimizer] = measure(image, pixels(24, 32), pixels(40, 20, seed=1), knobs)["total"]
        totals = [progress.losses["total"] for progress in steps]
        if optimizer == "lbfgs":
            assert all(b <= a * (1 + 1e-6) for a, b in itertools.pairwise(totals))
            assert 0 <= image.min() <= image.max() <= 1
        assert steps[-1].evaluations >= steps[-1].step
        assert len(steps) == 15
    assert final["lbfgs"] < final["adam"]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("weight", [1e38, 1e24])  # of the loss, and of the squared gradient alone
def test_an_overflow_stops_with_the_last_finite_image_and_the_weight(pixels, optimizer, weight):
    content = pixels(24, 24)
    settings = dataclasses.replace(FAST, style_weight=weight, optimizer=optimizer)
    with pytest.raises(NonFiniteLossError, match="at step 1: lower style_weight") as caught:
        run(content, pixels(24, 24, seed=1), settings)
    np.testing.assert_array_equal(caught.value.image, content)
    losses = measure(content, content, pixels(24, 24, seed=1), FAST)
    assert np.isfinite(list(losses.values())).all()


def test_a_stationary_run_ends_but_not_before_its_ramps(pixels):
    flat = np.full((1, 24, 24, 3), 0.5, np.float32)  # its own content and style: nothing to gain
    settings = dataclasses.replace(FAST, optimizer="lbfgs", epochs=3)
    _, steps = run(flat, flat, settings)
    assert len(steps) == 1
    _, steps = run(flat, flat, dataclasses.replace(settings, style_weight="1:2"))
    assert [progress.step for progress in steps] == list(range(1, 8))


def test_lbfgs_needs_no_more_evaluations_than_scipy_to_the_same_loss(pixels):
    content, style = pixels(24, 32), pixels(40, 20, seed=1)
    settings = dataclasses.replace(
        FAST, optimizer="lbfgs", content_weight=10, init="white", epochs=40
    )
    _, steps = run(content, style, settings)
    network, terms = load_model(settings), make_terms(settings)
    targets = whole_targets(network, terms, prepare_inputs(content, style, settings))
    weights = step_weights(settings, terms)
    evaluate = compiled(network, terms, content.shape, False, 0).evaluate
    losses = []

    def objective(x):
        point = tf.constant(x.reshape(content.shape), tf.float32)
        found, gradient = evaluate(point, targets, weights)
        losses.append(float(found["total"]))
        return losses[-1], gradient.numpy().ravel().astype(float)

    scipy.optimize.minimize(
        objective, np.ones(content.size), jac=True, method="L-BFGS-B",
        bounds=[(0, 1)] * content.size,
        options={"maxcor": settings.lbfgs_memory, "maxfun": 60, "ftol": 0, "gtol": 0},
    )  # fmt: skip
    theirs = np.minimum.accumulate(losses)
    for count in (20, 30, 40, 60):
        goal = theirs[min(count, len(theirs)) - 1]
        # A step's losses were found by the step before it.
        ours = next(
            a.evaluations for a, b in itertools.pairwise(steps) if b.losses["total"] <= goal
        )
        assert ours <= 1.1 * count


def test_measure_refuses_another_size(pixels):
    with pytest.raises(ValueError, match="image is 30x24 pixels, but the content 24x24"):
        measure(pixels(24, 30), pixels(24, 24), pixels(24, 24), FAST)


@pytest.mark.parametrize(("pooling", "pool"), [("max", np.max), ("average", np.mean)])
def test_the_losses_are_numpys_with_either_pooling(pixels, pooling, pool):
    pictures = pixels(13, 18, seed=2), pixels(13, 18), pixels(17, 14, seed=1)
    settings = dataclasses.replace(FAST, pooling=pooling, style_scale=0)
    losses = measure(*pictures, settings)
    assert losses == pytest.approx(numpy_losses(*pictures, settings, pool), rel=1e-4)


def test_the_image_is_optimised_on_the_device_that_tensorflow_is_told():
    script = """
import sys
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
from nst_tf import Settings, stylize
picture = np.random.default_rng(0).random((1, 20, 24, 3), np.float32)
for optimizer, moment in (("adam", "first_moment"), ("lbfgs", "moves")):
    settings = Settings(
        content_layers=["block1_conv2"], style_layers=["block1_conv1"], epochs=1,
        steps_per_epoch=2, optimizer=optimizer,
    )
    for device in ("CPU:0", "CPU:1"):
        seen = []
        with tf.device(device):
            stylize(picture, picture[:, ::-1], settings, callbacks=[seen.append])
        state = seen[-1].state
        tensors = [state.image, *tf.nest.flatten(getattr(state.optimizer, moment))]
        print(device, {tensor.device[-5:] for tensor in tensors})
"""
    done = forked.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "CPU:0 {'CPU:0'}\nCPU:1 {'CPU:1'}\n" * 2
