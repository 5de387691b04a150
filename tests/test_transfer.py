import dataclasses
import gc
import itertools
import weakref

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf import Settings, stylize, transfer
from nst_tf.losses.objective import CACHED, compiled, make_knobs
from nst_tf.losses.targets import make_targets
from nst_tf.progress import NonFiniteLossError
from nst_tf.start import start_image
from nst_tf.transfer import fit, load_model, measure

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
    assert steps[-1].losses.total < 0.8 * steps[0].losses.total
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))


def test_losses_are_those_before_the_update_and_the_image_the_one_after(pixels):
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    before, after = [], []

    def watch(progress):
        before.append(progress.losses)
        after.append(measure(progress.image(), content, style, FAST))

    stylize(content, style, FAST, callbacks=[watch])
    np.testing.assert_allclose(before[0], measure(content, content, style, FAST), rtol=1e-5)
    np.testing.assert_allclose(before[1:], after[:-1], rtol=1e-4)


def test_the_total_is_the_sum_of_its_terms(pixels):
    losses = measure(pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1), FAST)
    assert losses.total == pytest.approx(losses.style + losses.content + losses.total_variation)
    assert min(losses) > 0


def test_weights_scale_their_terms(pixels):
    pictures = pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1)
    plain = measure(*pictures, FAST)
    heavier = dataclasses.replace(
        FAST, content_weight=2e4, style_weight=3e-2, total_variation_weight=120
    )
    expected = (3 * plain.style, 2 * plain.content, 4 * plain.total_variation)
    np.testing.assert_allclose(measure(*pictures, heavier)[1:], expected, rtol=1e-5)


def test_layer_weights_reach_their_layers(pixels):
    pictures = pixels(24, 24, seed=2), pixels(24, 24), pixels(24, 24, seed=1)
    parts = [
        measure(*pictures, dataclasses.replace(FAST, style_layer_weights=factors)).style
        for factors in ((1, 0), (0, 1), (2, 3))
    ]
    assert parts[2] == pytest.approx(2 * parts[0] + 3 * parts[1], rel=1e-5)


def test_the_style_of_a_picture_is_its_own(pixels):
    content = pixels(24, 32)
    losses = measure(content, content, content, FAST)
    assert losses.style == losses.content == 0


def test_blending_all_of_one_style_is_that_style(pixels):
    content, one, two = pixels(24, 24), pixels(24, 24, seed=1), pixels(24, 24, seed=2)
    blended = dataclasses.replace(FAST, style_blend=(3, 0))
    assert measure(content, content, [one, two], blended) == measure(content, content, one, FAST)
    halves = measure(content, content, [one, one], FAST)
    np.testing.assert_allclose(halves, measure(content, content, one, FAST), rtol=1e-6)


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


def test_starts(pixels):
    content, styles = fit(pixels(24, 32), pixels(40, 20, seed=1), FAST)
    starts = {
        init: start_image(content, styles, dataclasses.replace(FAST, init=init))
        for init in ("content", "style", "noise", "white")
    }
    assert all(start.shape == content.shape for start in starts.values())
    np.testing.assert_array_equal(starts["content"], content)
    np.testing.assert_array_equal(starts["white"], 1)
    noise = starts["noise"]
    np.testing.assert_array_equal(
        noise, start_image(content, styles, dataclasses.replace(FAST, init="noise"))
    )
    other = dataclasses.replace(FAST, init="noise", seed=1)
    assert not np.array_equal(noise, start_image(content, styles, other))
    np.testing.assert_array_equal(start_image(content, styles, FAST, initial=content), content)
    with pytest.raises(ValueError, match=r"'a/path' is not one of .* pass a picture as `initial`"):
        start_image(content, styles, dataclasses.replace(FAST, init="a/path"))


def test_a_run_repeats_exactly(pixels):
    settings = dataclasses.replace(FAST, init="noise", seed=7)
    first, _ = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    second, _ = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    np.testing.assert_array_equal(first, second)


def test_one_trace_per_size_whatever_the_knobs(pixels):
    compiled.cache_clear()
    style = pixels(24, 24, seed=1)
    for height in (24, 28, 24):
        for changes in ({}, {"learning_rate": 0.1, "style_weight": 1.0, "epsilon": 1.0}):
            run(pixels(height, 24), style, dataclasses.replace(FAST, **changes))
    assert compiled.cache_info().misses == 2
    for height in (24, 28):
        shape = (1, height, 24, 3)
        step = compiled(load_model(FAST), shape, False, 0, False).adam_step
        assert step.experimental_get_tracing_count() == 1


def test_compiled_steps_of_many_sizes_are_dropped(pixels):
    compiled.cache_clear()
    settings = dataclasses.replace(FAST, epochs=1, steps_per_epoch=1)
    run(pixels(24, 24), pixels(24, 24), settings)
    shape = (1, 24, 24, 3)
    oldest = weakref.ref(compiled(load_model(FAST), shape, False, 0, False).adam_step)
    for width in range(25, 25 + CACHED):
        run(pixels(24, width), pixels(24, 24), settings)
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
        final[optimizer] = measure(image, pixels(24, 32), pixels(40, 20, seed=1), knobs).total
        totals = [progress.losses.total for progress in steps]
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
    assert np.isfinite(measure(content, content, pixels(24, 24, seed=1), FAST)).all()


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
    model = load_model(settings)
    content, fitted = fit(content, style, settings)
    targets = make_targets(model, content, fitted, settings)
    knobs = make_knobs(settings, targets)
    evaluate = compiled(model, content.shape, False, 0, False).evaluate
    losses = []

    def objective(x):
        point = tf.constant(x.reshape(content.shape), tf.float32)
        terms, gradient = evaluate(point, targets, knobs)
        losses.append(float(terms.total))
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
        ours = next(a.evaluations for a, b in itertools.pairwise(steps) if b.losses.total <= goal)
        assert ours <= 1.1 * count


def test_measure_refuses_another_size(pixels):
    with pytest.raises(ValueError, match="image is 30x24 pixels, but the content 24x24"):
        measure(pixels(24, 30), pixels(24, 24), pixels(24, 24), FAST)


def test_average_pooling_changes_the_run(pixels):
    content, style = pixels(24, 24), pixels(24, 24, seed=1)
    averaged = dataclasses.replace(FAST, pooling="average")
    assert measure(content, content, style, averaged) != measure(content, content, style, FAST)


def test_the_image_is_optimised_on_tensorflows_own_device(pixels, monkeypatch):
    make, devices = transfer.make_optimizer, []

    def spy(image, *rest):
        devices.append(image.device.split(":")[-2])
        return make(image, *rest)

    monkeypatch.setattr(transfer, "make_optimizer", spy)
    run(pixels(24, 24), pixels(24, 24, seed=1))
    gpus = tf.config.list_logical_devices("GPU")
    assert devices == ["GPU" if gpus else "CPU"]
