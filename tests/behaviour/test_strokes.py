"""The second stage within a run: its levels, its result, and runs that end early."""

import dataclasses
import itertools
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf import Region, Settings, Stylizer, UserError, stylize
from nst_tf.callbacks import History
from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.cli.session import PictureRun, ready
from nst_tf.images.levels import quantize
from nst_tf.images.metadata import read_metadata
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.synthesis import estimate
from nst_tf.synthesis.estimate import LEAST_STRIP, synthesis_bytes
from nst_tf.synthesis.strips import STRIP
from nst_tf.transfer import strokes
from nst_tf.transfer.measure import measure
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.strokes import levels_of, network_time, peak_memory
from tests.conftest import BLUE, RED, flat

# Two shallow layers and a network that stops at half the size of the result.
STROKES = Settings(
    epochs=2,
    steps_per_epoch=2,
    scales=2,
    min_dim=16,
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
    repaint=True,
    network_dim=32,
    max_dim=64,
)
PURE = dataclasses.replace(STROKES, repaint_detail=0.0)  # nothing but paint
NETWORK = dataclasses.replace(STROKES, repaint=False, max_dim=32)


def steps_of(transfer, state=None):
    return list(transfer.steps(state))


@pytest.fixture
def photo(smooth):
    return smooth(48, 64, seed=3)


@pytest.fixture
def painting(smooth):
    return smooth(56, 72, seed=5)


def test_levels_follow_the_scales_of_the_network_up_to_the_size_of_the_result(photo, painting):
    steps = []
    image = stylize(photo, painting, STROKES, callbacks=[steps.append])
    network = [step for step in steps if not step.level]
    levels = [step for step in steps if step.level]
    assert image.shape == (1, 48, 64, 3)
    assert {step.scale.size for step in network} == {(12, 16), (24, 32)}
    assert levels[-1].scale.size == levels[-1].image().shape[1:3] == (48, 64)
    assert [step.level for step in levels] == list(range(1, levels[0].levels + 1))
    assert [step.step for step in steps] == list(range(1, len(steps) + 1))
    assert {step.steps for step in steps} == {len(steps)}
    assert {step.scales for step in steps} == {2 + len(levels)}
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(steps))
    assert all(a.remaining > b.remaining for a, b in itertools.pairwise(levels))
    assert levels[-1].remaining == 0
    assert {tuple(step.losses.items()) for step in levels} == {tuple(network[-1].losses.items())}
    assert all(step.state is network[-1].state for step in levels)
    np.testing.assert_array_equal(levels[-1].image(), image)


def test_the_network_paints_as_without_the_stage(photo, painting):
    steps, painting = [], resize(painting, (25, 32))
    stylize(photo, painting, STROKES, callbacks=[steps.append], scales=1)
    network = [step for step in steps if not step.level][-1].image()
    expected = stylize(resize(photo, (24, 32)), painting, NETWORK, scales=1)
    np.testing.assert_array_equal(network, expected)


def test_all_paint_is_the_paintings(photo):
    np.testing.assert_allclose(stylize(photo, flat(RED), PURE), flat(RED, 48, 64), atol=1e-6)


def test_each_region_has_the_paint_of_its_own_painting(photo):
    left = np.zeros((48, 64), np.float32)
    left[:, :32] = 1
    regions = [Region(left, {0: None}), Region(1 - left, {1: None})]
    image = stylize(photo, [flat(RED), flat(BLUE)], PURE, regions=regions)
    np.testing.assert_allclose(image[:, :, :28], flat(RED, 48, 28), atol=1e-5)
    np.testing.assert_allclose(image[:, :, 36:], flat(BLUE, 48, 28), atol=1e-5)


def test_what_no_region_covers_stays_the_photo(photo):
    covered = np.zeros((48, 64), np.float32)
    covered[:24] = 1
    image = stylize(photo, flat(RED), PURE, regions=[Region(covered)])
    np.testing.assert_array_equal(image[:, 24:], photo[:, 24:])
    np.testing.assert_allclose(image[:, :22], flat(RED, 22, 64), atol=1e-5)


def test_only_the_masked_part_of_a_painting_gives_paint(photo):
    half = np.concatenate([flat(RED, 40, 28), flat(BLUE, 40, 28)], axis=2)
    right = np.zeros((40, 56), np.float32)
    right[:, 28:] = 1
    image = stylize(photo, half, PURE, regions=[Region(None, {0: right})])
    blue = np.abs(image - flat(BLUE, 48, 64)).max(axis=-1)
    assert np.median(blue) < 1e-5
    assert blue.max() < 0.3  # reducing the painting mixes the columns at the border


def test_a_strength_below_1_mixes_in_the_network(photo):
    steps = []
    settings = dataclasses.replace(PURE, strength=0.25, max_dim=32)
    image = stylize(photo, flat(RED), settings, callbacks=[steps.append])
    network = [step for step in steps if not step.level][-1].image()
    np.testing.assert_allclose(image, 0.75 * network + 0.25 * flat(RED, 24, 32), atol=1e-5)


@pytest.mark.parametrize("off", [{"strength": 0.0}, {"style_weight": 0.0}, {"repaint": False}])
def test_without_an_effect_of_the_painting_there_is_no_stage(photo, painting, off):
    settings = dataclasses.replace(STROKES, **off)
    fitted = prepare_inputs(photo, painting, settings)
    assert levels_of(fitted) == ()
    assert fitted.scales[-1].size == fitted.size == (48, 64)


def test_a_network_at_the_size_of_the_result(photo, painting):
    fitted = prepare_inputs(photo, painting, dataclasses.replace(STROKES, network_dim=0))
    assert fitted.scales[-1].size == (48, 64)
    assert levels_of(fitted)[-1].size == (48, 64)


def test_a_texture_is_painted_too(painting):
    settings = dataclasses.replace(PURE, content_weight=0, init="noise")
    image = stylize(painting, flat(BLUE), settings)
    np.testing.assert_allclose(image, flat(BLUE, *image.shape[1:3]), atol=1e-6)


def test_luminance_keeps_the_chroma_of_the_photo(photo, painting):
    image = stylize(photo, painting, STROKES, preserve_color="luminance")
    change = image - photo
    np.testing.assert_allclose(change, np.repeat(change[..., :1], 3, axis=-1), atol=1e-5)


def test_a_small_painting_keeps_its_own_pixels(photo):
    """A checkerboard of single pixels would be grey if it were enlarged."""
    checks = np.indices((30, 40)).sum(axis=0) % 2
    board = np.repeat(checks[None, ..., None], 3, axis=-1).astype(np.float32)
    settings = dataclasses.replace(STROKES, network_dim=64, max_dim=64, style_weight=1.0)
    fitted = prepare_inputs(photo, board, settings)
    (paint,) = fitted.paint
    np.testing.assert_array_equal(paint.image, board)
    assert (paint.side, paint.cropped) == (64, False)


def test_runs_repeat(photo, painting):
    first, second = (stylize(photo, painting, STROKES) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("step", [3, 8, 9])
def test_a_run_resumed_before_or_within_its_brushstrokes_ends_the_same(photo, painting, step):
    steps = []
    expected = stylize(photo, painting, STROKES, callbacks=[steps.append])
    image = stylize(photo, painting, STROKES, state=steps[step - 1].saved())
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("level", [0, 1])
def test_a_run_that_ends_before_its_last_level_returns_the_networks_picture(photo, painting, level):
    ended = []

    def end(progress):
        ended.append(progress)
        return progress.level == level and progress.state.step == 8

    image = stylize(photo, painting, STROKES, callbacks=[end])
    assert ended[-1].level == level
    network = ended[-1].state.output_image.numpy()
    np.testing.assert_array_equal(image, resize(network, (48, 64)))


def test_a_cancelled_run_has_the_networks_picture(photo, painting):
    cancel = threading.Event()
    stylizer = Stylizer(STROKES)

    def watch(progress):
        if progress.level == 1:
            cancel.set()

    result = stylizer(photo, painting, callbacks=[watch], cancel=cancel)
    assert (result.stop_reason, result.stage, result.steps) == ("cancelled", "network", 8)
    assert result.pixels.shape == (48, 64, 3)
    whole = stylizer(photo, painting)
    assert (whole.stop_reason, whole.stage, whole.steps) == ("finished", "brushstrokes", 8)
    assert whole.metadata["stage"] == "brushstrokes"
    assert np.abs(whole.pixels - result.pixels).max() > 0.01


def test_a_stylizer_paints_strokes_at_the_size_of_the_result(smooth):
    """Working sizes differ from the photo's; strokes are not resampled."""
    photo = smooth(47, 61, seed=3)
    checks = np.indices((64, 64)).sum(axis=0) % 2
    board = np.repeat(checks[..., None], 3, axis=-1).astype(np.float32)
    result = Stylizer(PURE, style_scale=0)(photo, board)
    assert result.pixels.shape == (47, 61, 3)
    grey = (result.pixels > 0.2) & (result.pixels < 0.8)
    assert grey.mean() < 0.5


def test_the_history_has_no_row_for_a_level(photo, painting):
    history = History()
    stylize(photo, painting, STROKES, callbacks=[history])
    assert [row["step"] for row in history.rows] == list(range(1, 9))


@pytest.mark.parametrize(("limit", "left"), [(0.0, 0.0), (1000.0, None), (1e-3, 5e-4)])
def test_the_time_limit_sets_time_aside(photo, painting, limit, left):
    fitted = prepare_inputs(photo, painting, dataclasses.replace(STROKES, time_limit=limit))
    if left is None:
        left = limit - 2 * (8e-6 * 24 * 32 + 2e-6 * 48 * 64)
    assert network_time(fitted) == pytest.approx(left)


def test_a_small_budget_is_kept_with_strips_and_refused_only_below_the_smallest(photo, painting):
    transfer = StyleTransfer(prepare_inputs(photo, painting, STROKES))
    size, paintings = (6000, 8000), [(1000, 1000)]
    most, least = (
        synthesis_bytes((24, 32), size, paintings, 3, strip) for strip in (STRIP, LEAST_STRIP)
    )
    enough = peak_memory(STROKES, size, paintings, transfer.plans, sys.maxsize)
    assert enough > transfer.peak
    assert peak_memory(STROKES, size, paintings, transfer.plans, enough) == enough
    assert peak_memory(STROKES, size, paintings, transfer.plans, enough - 1) < enough
    smallest = enough - most + least
    assert peak_memory(STROKES, size, paintings, transfer.plans, smallest) == smallest
    with pytest.raises(UserError, match=r"strokes of 8000x6000 pixels need about .* lower max_dim"):
        peak_memory(STROKES, size, paintings, transfer.plans, smallest - 1)


def test_a_smaller_budget_gives_the_same_picture(smooth, painting, monkeypatch):
    settings = dataclasses.replace(STROKES, scales=1, max_dim=130)
    fitted = prepare_inputs(smooth(130, 130, seed=3), painting, settings)
    monkeypatch.setattr(estimate, "LEAST_STRIP", STRIP >> 12)
    strips, repaint = [], strokes.repaint

    def note(*arguments):
        strips.append(arguments[-1])
        return repaint(*arguments)

    monkeypatch.setattr(strokes, "repaint", note)
    transfer = StyleTransfer(fitted)
    *_, last = transfer.steps()
    pictures = [
        [level.image for level in strokes.paint_strokes(fitted, last.state, transfer.plans, budget)]
        for budget in (sys.maxsize, 1)
    ]
    assert strips[-2:] == [STRIP, STRIP >> 12]
    for whole, stripped in zip(*pictures, strict=True):
        np.testing.assert_array_equal(stripped, whole)


def test_measure_takes_pictures_of_the_size_of_the_result(photo, painting):
    at_result = measure(photo, photo, painting, STROKES)
    at_network = measure(resize(photo, (24, 32)), resize(photo, (24, 32)), painting, NETWORK)
    assert at_result["style"] == pytest.approx(at_network["style"], rel=0.02)


@pytest.mark.parametrize(
    ("limit", "expected"), [({"max_dim": 20}, "max_dim"), ({"network_dim": 3}, "network_dim")]
)
def test_a_network_too_small_for_its_layers_is_refused_by_the_right_name(limit, expected):
    photo = np.zeros((1, 12, 400, 3), np.float32)
    settings = dataclasses.replace(STROKES, max_dim=400, network_dim=300)
    with pytest.raises(UserError, match=f"raise {expected} to"):
        prepare_inputs(photo, photo, dataclasses.replace(settings, **limit))


FLAGS = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1", "--scales=2",
    "--min_dim=16", "--steps=4", "--repaint", "--network_dim=32", "--max_dim=64", "--quiet",
]  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch, photo, painting):
    """Return a photo and a painting as files in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, picture in (("photo.png", photo), ("painting.png", painting)):
        Image.fromarray(quantize(picture[0])).save(name)
    return ["photo.png", "painting.png"]


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image, np.int16)


def test_the_command_records_the_stage_and_repeats_it_from_the_picture(files):
    assert main(["nst", *files, *FLAGS, "-o", "one.png", "--repaint_detail=0.25"]) == 0
    record = read_metadata("one.png")
    assert record["settings"]["repaint"] is True
    assert record["settings"]["repaint_detail"] == 0.25
    assert (record["steps"], record["ending"], record["stage"]) == (8, "finished", "brushstrokes")
    assert main(["nst", "--from_image=one.png", "-o", "two.png", "--quiet"]) == 0
    np.testing.assert_array_equal(picture("two.png"), picture("one.png"))


def test_a_run_stopped_within_its_brushstrokes_keeps_the_networks_picture(
    files, capfd, signals_not_ignored
):
    def interrupt(progress):
        if progress.level == 1:
            os.kill(os.getpid(), signal.SIGINT)

    job, device = ready(parse(["nst", *files, *FLAGS, "--resume"]))
    assert PictureRun(job, device, [interrupt]).run() == 130
    assert capfd.readouterr().err == (
        "nst_tf: stopped before the brushstrokes were done, so the picture is the network's; the "
        "same command resumes the run; the picture is saved as photo-painting.png\n"
    )
    network = picture("photo-painting.png")
    assert main(["nst", *files, *FLAGS, "--resume"]) == 0
    assert main(["nst", *files, *FLAGS, "-o", "whole.png"]) == 0
    np.testing.assert_array_equal(picture("photo-painting.png"), picture("whole.png"))
    assert np.abs(picture("whole.png") - network).max() > 3
    assert not Path("photo-painting.png.checkpoint").exists()
