"""Coarse to fine, the relative loss and averaging, as `stylize` runs them."""

import dataclasses
import itertools

import numpy as np
import pytest

from nst_tf import Settings, stylize
from nst_tf.compute.convolutions import fast_convolutions
from nst_tf.compute.evaluate import whole_objective
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.registry import make_terms
from nst_tf.optimizers.adam import adam_resample
from nst_tf.transfer.measure import measure, whole_targets
from nst_tf.transfer.progress import NonFiniteLossError
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.scales import finer_state, load_model
from tests.oracles import numpy_losses, total_variation

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


def timed(content, styles, settings, tick):
    """Run as if each look at the clock took some seconds."""

    class Timed(StyleTransfer):
        clock = itertools.count(0.0, tick).__next__

    steps = []
    image = Timed(prepare_inputs(content, styles, settings)).finish([steps.append])
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
    assert [p.remaining for p in steps if p.scale.number > 1] == [
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
            assert after.losses == pytest.approx(expected, rel=1e-4)


def test_ramps_stretch_over_all_scales(pixels):
    settings = dataclasses.replace(
        SCALES, epochs=2, steps_per_epoch=5, coarse_steps=1, style_weight=(1, 100)
    )
    _, steps = run(pixels(30, 40), pixels(30, 40, seed=1), settings)
    jumps = [
        b.step
        for a, b in itertools.pairwise(steps)
        if a.scale == b.scale and b.losses["style"] > 20 * a.losses["style"]
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
        losses = [p.losses["total"] for p in steps if p.scale.number == number]
        assert 20 <= len(losses) < 300
        assert 1 - sum(losses[-10:]) / sum(losses[-20:-10]) < 0.05
        if len(losses) > 20:
            assert 1 - sum(losses[-11:-1]) / sum(losses[-21:-11]) >= 0.05
    assert [p.step for p in steps] == list(range(1, len(steps) + 1))


def test_a_time_limit_leaves_time_for_the_finest_scale(pixels):
    settings = dataclasses.replace(SCALES, steps_per_epoch=1000, coarse_steps=1, time_limit=100)
    # Two looks at the clock a step: a second.
    image, steps = timed(pixels(30, 40), pixels(30, 40, seed=1), settings, 0.5)
    assert image.shape == (1, 30, 40, 3)
    ends = {p.scale.number: p.seconds for p in steps}
    work = {1: 1, 2: 5, 3: 21}
    for number, seconds in ends.items():
        assert abs(seconds - 100 * work[number] / 21) <= 4


def test_relative_factors_are_absolute_ones_over_the_targets_squares(pixels):
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    terms = make_terms(FAST)
    targets = whole_targets(load_model(FAST), terms, prepare_inputs(content, style, FAST))
    parts = {name: part for (name, level, region), part in targets.parts.items()}
    assert set(targets.parts) == {(term.name, 0, 0) for term in terms}
    for name, layers in (("style", 2), ("content", 1)):
        part = parts[name]
        assert len(part.values) == len(part.loss_weights) == layers
        for layer, value in part.values.items():
            expected = 1 / np.mean(value.numpy() ** 2) / layers
            assert float(part.loss_weights[layer]) == pytest.approx(expected, rel=1e-5)
    (factor,) = parts["total_variation"].loss_weights.values()
    assert float(factor) == pytest.approx(1 / total_variation(style), rel=1e-5)


def test_relative_terms_have_closed_forms(pixels):
    # Of the style image itself the style term is 0, and its total variation the weight.
    content, style = pixels(24, 32), pixels(24, 32, seed=1)
    losses = measure(style, content, style, FAST)
    assert losses["style"] == pytest.approx(0, abs=1e-6)
    assert losses["total_variation"] == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize("loss", ["relative", "absolute"])
@pytest.mark.parametrize("side", [24, 48])
def test_the_losses_have_numpys_formulas_at_every_size(pixels, side, loss):
    settings = dataclasses.replace(FAST, style_scale=0, loss=loss)
    pictures = [resize(pixels(8, 8, seed), (side, side + 8 * seed)) for seed in (0, 0, 1)]
    pictures[0] = pictures[0] ** 2
    expected = numpy_losses(*pictures, settings)
    assert measure(*pictures, settings) == pytest.approx(expected, rel=1e-4)


def test_black_targets_do_not_divide_by_zero(pixels):
    black = np.zeros((1, 24, 32, 3), np.float32)
    image, steps = run(pixels(24, 32), black, FAST)
    assert np.isfinite(image).all()
    assert np.isfinite([list(p.losses.values()) for p in steps]).all()


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
    assert losses["style"] == pytest.approx((4 * whole["style"] + half["style"]) / 5, rel=1e-4)
    for name in ("content", "total_variation"):
        assert losses[name] == pytest.approx(whole[name], rel=1e-5)


def test_style_sizes_too_small_for_the_network_are_left_out(pixels):
    content, style = pixels(24, 32), pixels(5, 40, seed=1)
    settings = dataclasses.replace(FAST, style_scale=0, style_sizes=3)
    targets = whole_targets(
        load_model(FAST), make_terms(settings), prepare_inputs(content, style, settings)
    )
    levels = [level for name, level, _ in targets.parts if name == "style"]
    assert levels == [0, 1]  # a quarter of 5 rows is one, and block2 needs two
    image, _ = run(content, style, settings)
    assert image.shape == content.shape


def test_winograd_is_exact_with_several_style_sizes(pixels):
    settings = Settings(
        epochs=1, steps_per_epoch=2, style_sizes=2, loss="relative", content_weight=1,
        style_weight=1, total_variation_weight=0.1, optimizer="lbfgs", init="white",
        style_layers=["block1_conv1", "block3_conv2"], content_layers=["block3_conv2"],
    )  # fmt: skip
    assert fast_convolutions(load_model(settings), 192, 192, True)
    steps = [
        run(pixels(192, 192), pixels(192, 192, 1), dataclasses.replace(settings, convolution=kind))
        for kind in ("direct", "winograd")
    ]
    for direct, winograd in zip(steps[0][1], steps[1][1], strict=True):
        assert winograd.losses == pytest.approx(direct.losses, rel=1e-4)
    difference = np.linalg.norm(steps[0][0] - steps[1][0]) / np.linalg.norm(steps[0][0])
    assert difference < 1e-3


def test_adam_moves_the_picture_by_relative_losses_too(pixels):
    settings = dataclasses.replace(FAST, optimizer="adam", steps_per_epoch=30, init="white")
    pictures = [resize(pixels(8, 8, seed), (64, 64)) for seed in range(2)]
    for scales in (1, 2):
        image, steps = run(*pictures, dataclasses.replace(settings, scales=scales, min_dim=8))
        assert np.median(np.abs(image - 1)) > 0.1
        assert steps[-1].losses["total"] < 0.8 * steps[0].losses["total"]


@pytest.mark.parametrize(("loss", "factor"), [("relative", 1 / 4), ("absolute", 1)])
def test_adam_goes_on_with_its_moments(pixels, loss, factor):
    settings = dataclasses.replace(SCALES, optimizer="adam", loss=loss)
    fitted = prepare_inputs(pixels(32, 40), pixels(32, 40, 1), settings)
    states = [progress.state for progress in StyleTransfer(fitted).steps()]
    ends = [(a, b) for a, b in itertools.pairwise(states) if a.scale != b.scale]
    assert [(int(a.optimizer.step), int(b.optimizer.step)) for a, b in ends] == [(9, 10), (15, 16)]
    for (coarse, first), scale in zip(ends, fitted.scales[1:], strict=True):
        photo = resize(fitted.content, scale.size)
        finer = finer_state(coarse, fitted, scale, photo, first.plan)
        np.testing.assert_array_equal(finer.start, first.start)
        expected = adam_resample(coarse.optimizer, (1, *scale.size, 3), factor)
        for ours, moment in zip(finer.optimizer, expected, strict=True):
            np.testing.assert_array_equal(ours, moment)


def test_a_least_gain_waits_for_the_ramps(pixels):
    settings = dataclasses.replace(
        FAST, epochs=3, steps_per_epoch=25, min_gain=0.9, style_weight=(0.01, 1)
    )
    _, steps = run(pixels(24, 32), pixels(24, 32, seed=1), settings)
    assert len(steps) == 70  # twenty steps into the last epoch


def test_ramps_hurry_with_the_time_limit(pixels):
    settings = dataclasses.replace(
        FAST, epochs=4, steps_per_epoch=1000, time_limit=40, total_variation_weight=(1, 1000)
    )
    _, steps = timed(pixels(24, 32), pixels(24, 32, seed=1), settings, 1.0)
    assert len(steps) < 50
    jumps = [
        b.seconds
        for a, b in itertools.pairwise(steps)
        if b.losses["total_variation"] > 5 * a.losses["total_variation"]
    ]
    assert [round(seconds / 10) for seconds in jumps] == [1, 2, 3]


def test_all_scales_and_runs_share_one_compiled_step(pixels):
    whole_objective.cache_clear()
    settings = dataclasses.replace(SCALES, scales=5, min_dim=2, steps_per_epoch=1, coarse_steps=1)
    for _ in range(2):
        _, steps = run(pixels(64, 64), pixels(64, 64, seed=1), settings)
        assert steps[-1].scales == 5
    assert whole_objective.cache_info().misses == 1
