"""Coarse to fine, the relative loss and averaging, as `stylize` runs them."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.images.resize import resize
from nst_tf.losses.formulas import total_variation_loss
from nst_tf.losses.objective import compiled, make_knobs
from nst_tf.losses.targets import make_targets
from nst_tf.network.model import feature_model, winograd_kernels
from nst_tf.network.weights import load_weights
from nst_tf.optimizers.adam import Average, adam_state, resampled
from nst_tf.progress import NonFiniteLossError
from nst_tf.transfer import fit, measure

FAST = Settings(
    epochs=1,
    steps_per_epoch=4,
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
    optimizer="lbfgs",
    content_weight=0.4,
    style_weight=1,
    total_variation_weight=0.1,
    loss="relative",
)
SCALES = dataclasses.replace(FAST, scales=3, min_dim=8, coarse_steps=1.5)


def run(content, styles, settings, **arguments):
    steps = []
    image = stylize(content, styles, settings, callbacks=[steps.append], **arguments)
    return image, steps


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_run_goes_through_its_scales(pixels, optimizer):
    settings = dataclasses.replace(SCALES, optimizer=optimizer)
    image, steps = run(pixels(30, 40), pixels(40, 20, seed=1), settings)
    assert image.shape == (1, 30, 40, 3)
    assert [(p.scale.number, p.scale.size, p.scale_step) for p in steps] == [
        (number, size, step)
        for number, size, count in ((1, (8, 10), 9), (2, (15, 20), 6), (3, (30, 40), 4))
        for step in range(1, count + 1)
    ]
    assert [p.step for p in steps] == list(range(1, 20))
    assert {(p.steps, p.scales) for p in steps} == {(19, 3)}
    assert [p.ahead for p in steps if p.scale.number > 1] == [
        *(left + 4 * 1600 / 400 for left in range(5, -1, -1)), 3, 2, 1, 0,
    ]  # fmt: skip
    evaluations = [p.evaluations for p in steps]
    assert all(a < b for a, b in itertools.pairwise(evaluations))
    assert evaluations[-1] >= 19


def test_each_scale_starts_from_the_coarser_ones_picture(pixels):
    content, style = pixels(30, 40), pixels(40, 30, seed=1)
    images = []
    stylize(content, style, SCALES, callbacks=[lambda p: images.append((p, p.image()))])
    for (before, image), (after, _) in itertools.pairwise(images):
        if before.scale != after.scale:
            size, ratio = after.scale.size, after.scale.ratio
            start = resize(image, size)
            small = dataclasses.replace(SCALES, scales=1, style_scale=0)
            shrunk = resize(style, (round(40 * ratio), round(30 * ratio)))
            expected = measure(start, resize(content, size), shrunk, small)
            np.testing.assert_allclose(after.losses, expected, rtol=1e-4)


def test_ramps_stretch_over_all_scales(pixels):
    settings = dataclasses.replace(
        SCALES, epochs=2, steps_per_epoch=5, coarse_steps=1, style_weight=(1, 100)
    )
    _, steps = run(pixels(30, 40), pixels(30, 40, seed=1), settings)
    jumps = [
        b.step
        for a, b in itertools.pairwise(steps)
        if a.scale == b.scale and b.losses.style > 20 * a.losses.style
    ]
    assert len(steps) == 30
    assert jumps == [16]


@pytest.mark.parametrize("last", [3, 12])
def test_a_run_that_is_stopped_gives_the_full_size(pixels, last):
    seen = []
    image = stylize(
        pixels(30, 40), pixels(30, 40, seed=1), SCALES,
        callbacks=[lambda p: seen.append(p.image()), lambda p: p.step == last],
    )  # fmt: skip
    assert len(seen) == last
    assert image.shape == (1, 30, 40, 3)
    np.testing.assert_array_equal(image, resize(seen[-1], (30, 40)))


def test_an_overflow_gives_the_full_size(pixels):
    settings = dataclasses.replace(SCALES, style_weight=1e38, loss="absolute")
    with pytest.raises(NonFiniteLossError) as caught:
        run(pixels(30, 40), pixels(30, 40, seed=1), settings)
    assert caught.value.image.shape == (1, 30, 40, 3)


def test_a_least_gain_ends_each_scale(pixels):
    settings = dataclasses.replace(SCALES, steps_per_epoch=300, coarse_steps=1, min_gain=0.05)
    _, steps = run(pixels(30, 40), pixels(30, 40, seed=1), settings)
    for number in (1, 2, 3):
        losses = [p.losses.total for p in steps if p.scale.number == number]
        assert 20 <= len(losses) < 300
        assert 1 - sum(losses[-10:]) / sum(losses[-20:-10]) < 0.05
        if len(losses) > 20:
            assert 1 - sum(losses[-11:-1]) / sum(losses[-21:-11]) >= 0.05
    assert [p.step for p in steps] == list(range(1, len(steps) + 1))


def test_a_time_limit_leaves_time_for_the_finest_scale(pixels, monkeypatch):
    ticks = (tick / 2 for tick in itertools.count())  # two looks at the clock a step: a second
    monkeypatch.setattr("nst_tf.transfer.time.perf_counter", lambda: float(next(ticks)))
    settings = dataclasses.replace(SCALES, steps_per_epoch=1000, coarse_steps=1, time_limit=100)
    image, steps = run(pixels(30, 40), pixels(30, 40, seed=1), settings)
    assert image.shape == (1, 30, 40, 3)
    ends = {p.scale.number: p.seconds for p in steps}
    work = {1: 1, 2: 5, 3: 21}
    for number, seconds in ends.items():
        assert abs(seconds - 100 * work[number] / 21) <= 4


def test_relative_weights_are_absolute_ones_over_the_targets_squares(pixels):
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    model = feature_model(load_weights("bundled"), FAST.layers, "max")
    targets = make_targets(model, *fit(content, style, FAST), FAST)
    knobs = make_knobs(FAST, targets)
    features = {name: tensor.numpy() for name, tensor in targets.content.items()}
    assert float(knobs.content_factors["block2_conv2"]) == pytest.approx(
        1 / np.mean(features["block2_conv2"] ** 2), rel=1e-5
    )
    ((goal,),), ((factors,),) = targets.style, knobs.style_factors
    for name, gram in goal.grams.items():
        assert float(factors[name]) == pytest.approx(1 / np.mean(gram.numpy() ** 2), rel=1e-5)
    variation = float(total_variation_loss(tf.constant(style)))
    assert float(knobs.total_variation_weight) == pytest.approx(0.1 / variation, rel=1e-5)


def test_relative_terms_have_closed_forms(pixels):
    # Of the style image itself the style term is 0, and its total variation the weight.
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    losses = measure(style, content, style, FAST)
    assert losses.style == pytest.approx(0, abs=1e-6)
    assert losses.total_variation == pytest.approx(0.1, rel=1e-5)


def test_relative_losses_hardly_depend_on_the_size(pixels):
    settings = dataclasses.replace(FAST, style_scale=0)
    pictures = [resize(pixels(8, 8, seed), (64, 64)) for seed in range(3)]
    small = measure(*pictures, settings)
    large = measure(*(resize(picture, (128, 128)) for picture in pictures), settings)
    np.testing.assert_allclose(small, large, rtol=0.35)
    absolute = dataclasses.replace(settings, loss="absolute")
    sums = [
        measure(*(resize(picture, (side, side)) for picture in pictures), absolute).total_variation
        for side in (64, 128)
    ]
    assert sums[1] > 1.8 * sums[0]


def test_black_targets_do_not_divide_by_zero(pixels):
    black = np.zeros((1, 24, 32, 3), np.float32)
    image, steps = run(pixels(24, 32), black, FAST)
    assert np.isfinite(image).all()
    assert np.isfinite([p.losses for p in steps]).all()


def test_the_average_of_iterates_has_its_closed_form():
    values = np.random.default_rng(0).random((7, 3)).astype(np.float32)
    variable = tf.Variable(values[0])
    average = Average(variable, 0.6)
    for value in values:
        variable.assign(value)
        average.update()
    weights = 0.6 ** np.arange(6, -1, -1)
    np.testing.assert_allclose(average.numpy(), weights @ values / weights.sum(), rtol=1e-5)


@pytest.mark.parametrize("scales", [1, 3])
def test_with_averaging_the_result_is_the_average(pixels, scales):
    settings = dataclasses.replace(
        FAST, optimizer="adam", scales=scales, min_dim=8, averaging=0.8, loss="absolute"
    )
    plain = dataclasses.replace(settings, averaging=0)
    pictures = pixels(30, 40), pixels(30, 40, seed=1)
    averaged, steps = run(*pictures, settings)
    np.testing.assert_array_equal(averaged, steps[-1].image())
    assert np.abs(averaged - run(*pictures, plain)[0]).max() > 0.01
    seen = []
    stopped = stylize(
        *pictures, settings, callbacks=[lambda p: seen.append(p.image()), lambda p: p.step == 2]
    )
    np.testing.assert_array_equal(stopped, resize(seen[-1], (30, 40)))
    if scales == 1:
        images = []
        stylize(*pictures, plain, callbacks=[lambda p: images.append(p.image())])
        weights = 0.8 ** np.arange(3, -1, -1)
        expected = np.tensordot(weights / weights.sum(), images, 1)
        np.testing.assert_allclose(averaged, expected, atol=1e-5)


def test_adams_moments_are_resampled_with_the_gradients_scale():
    rng = np.random.default_rng(0)
    state = adam_state((1, 6, 8, 3))
    state.step.assign(7)
    state.mean.assign(tf.fill(state.mean.shape, -3.0))
    state.square.assign(tf.fill(state.square.shape, 16.0))
    finer = resampled(state, (1, 12, 16, 3), 1 / 4)
    assert int(finer.step) == 7
    np.testing.assert_allclose(finer.mean, np.full((1, 12, 16, 3), -3 / 4), rtol=1e-5)
    np.testing.assert_allclose(finer.square, np.full((1, 12, 16, 3), 16 / 16), rtol=1e-5)
    state.square.assign(rng.exponential(size=state.square.shape) ** 4)
    assert resampled(state, (1, 17, 23, 3), 1.0).square.numpy().min() >= 0
    same = resampled(state._replace(mean=tf.Variable(state.square)), (1, 6, 8, 3), 1.0)
    np.testing.assert_allclose(same.mean, state.square, rtol=1e-5)


def test_style_sizes_weigh_the_style_terms_of_halved_pictures(pixels):
    content, style, image = (pixels(24, 32, seed) for seed in range(3))
    halves = [
        picture.reshape(1, 12, 2, 16, 2, 3).mean(axis=(2, 4)) for picture in (content, style, image)
    ]
    alone = dataclasses.replace(FAST, style_scale=0)
    both = dataclasses.replace(alone, style_sizes=2)
    whole = measure(image, content, style, alone)
    half = measure(halves[2], halves[0], halves[1], alone)
    losses = measure(image, content, style, both)
    assert losses.style == pytest.approx((4 * whole.style + half.style) / 5, rel=1e-4)
    assert losses[2:] == pytest.approx(whole[2:], rel=1e-5)


def test_style_sizes_too_small_for_the_network_are_left_out(pixels):
    content, style = pixels(24, 32), pixels(5, 40, seed=1)
    settings = dataclasses.replace(FAST, style_scale=0, style_sizes=3)
    model = feature_model(load_weights("bundled"), FAST.layers, "max")
    targets = make_targets(model, content, [style], settings)
    assert len(targets.style) == 2  # a quarter of 5 rows is one, and block2 needs two
    image, _ = run(content, style, settings)
    assert image.shape == content.shape


def test_winograd_is_exact_at_all_style_sizes(pixels):
    settings = Settings(
        epochs=1, steps_per_epoch=2, style_sizes=2, loss="relative", content_weight=1,
        style_weight=1, total_variation_weight=0.1, optimizer="lbfgs", init="white",
        style_layers=["block1_conv1", "block3_conv2"], content_layers=["block3_conv2"],
    )  # fmt: skip
    model = feature_model(load_weights("bundled"), settings.layers, "max")
    assert winograd_kernels(model, 96, 96)  # at half the size it is used too
    steps = [
        run(pixels(192, 192), pixels(192, 192, 1), dataclasses.replace(settings, convolution=kind))
        for kind in ("direct", "winograd")
    ]
    for direct, winograd in zip(steps[0][1], steps[1][1], strict=True):
        np.testing.assert_allclose(direct.losses, winograd.losses, rtol=1e-4)
    difference = np.linalg.norm(steps[0][0] - steps[1][0]) / np.linalg.norm(steps[0][0])
    assert difference < 1e-3


def test_adam_moves_the_picture_by_relative_losses_too(pixels):
    settings = dataclasses.replace(FAST, optimizer="adam", steps_per_epoch=30, init="white")
    pictures = [resize(pixels(8, 8, seed), (64, 64)) for seed in range(2)]
    for scales in (1, 2):
        image, steps = run(*pictures, dataclasses.replace(settings, scales=scales, min_dim=8))
        assert np.median(np.abs(image - 1)) > 0.1
        assert steps[-1].losses.total < 0.8 * steps[0].losses.total


def test_adam_goes_on_with_its_moments(pixels, monkeypatch):
    calls = []

    def spy(state, shape, factor):
        calls.append((int(state.step), tuple(state.mean.shape[1:3]), shape[1:3], factor))
        return resampled(state, shape, factor)

    monkeypatch.setattr("nst_tf.transfer.resampled", spy)
    for loss, factor in (("relative", 1 / 4), ("absolute", 1)):
        calls.clear()
        run(
            pixels(32, 40), pixels(32, 40, 1),
            dataclasses.replace(SCALES, optimizer="adam", loss=loss),
        )  # fmt: skip
        assert calls == [(9, (8, 10), (16, 20), factor), (15, (16, 20), (32, 40), factor)]


def test_a_least_gain_waits_for_the_ramps(pixels):
    settings = dataclasses.replace(
        FAST, epochs=3, steps_per_epoch=25, min_gain=0.9, style_weight=(0.01, 1)
    )
    _, steps = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    assert len(steps) == 70  # twenty steps into the last epoch


def test_ramps_hurry_with_the_time_limit(pixels, monkeypatch):
    ticks = itertools.count()  # each look at the clock takes a second
    monkeypatch.setattr("nst_tf.transfer.time.perf_counter", lambda: float(next(ticks)))
    settings = dataclasses.replace(
        FAST, epochs=4, steps_per_epoch=1000, time_limit=40, total_variation_weight=(1, 1000)
    )
    _, steps = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    assert len(steps) < 50
    jumps = [
        b.seconds
        for a, b in itertools.pairwise(steps)
        if b.losses.total_variation > 5 * a.losses.total_variation
    ]
    assert [round(seconds / 10) for seconds in jumps] == [1, 2, 3]


def test_runs_of_the_same_scales_share_their_compiled_steps(pixels):
    compiled.cache_clear()
    settings = dataclasses.replace(SCALES, scales=5, min_dim=2, steps_per_epoch=1, coarse_steps=1)
    for _ in range(2):
        _, steps = run(pixels(64, 64), pixels(64, 64, seed=1), settings)
        assert steps[-1].scales == 5
    assert compiled.cache_info().misses == 5
