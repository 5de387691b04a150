"""Brushstrokes that start from a kept network's picture: equal to whole runs, and refusals."""

import dataclasses
import io
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf import Region, Stylizer, UserError
from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.cli.session import PictureRun, ready
from nst_tf.images.levels import quantize
from nst_tf.images.metadata import read_metadata
from nst_tf.inputs.sources import ImageSources
from nst_tf.transfer.checkpoint import load_checkpoint
from nst_tf.transfer.kept import SECOND_STAGE
from nst_tf.transfer.strokes import paint_strokes
from nst_tf.utils.stop import StopRequest
from tests.behaviour.test_strokes import FLAGS, NETWORK, STROKES, picture

CHANGES = {"repaint_detail": 0.1, "patch_size": 5}


@pytest.fixture
def photo(smooth):
    return smooth(48, 64, seed=3)


@pytest.fixture
def painting(smooth):
    return smooth(56, 72, seed=5)


@pytest.fixture(scope="module")
def stylizer():
    return Stylizer(STROKES)


@pytest.mark.parametrize("scales", [1, 2, 3])
def test_a_repainted_result_is_that_of_a_whole_run(photo, painting, scales):
    stylizer = Stylizer(STROKES, scales=scales, min_dim=8, keep_faces=True)
    first, steps = stylizer(photo, painting), []
    again = stylizer.repaint(first, callbacks=[steps.append], **CHANGES)
    assert [step.level for step in steps] == [1, 2], "the network has taken a step"
    whole = stylizer(photo, painting, **CHANGES)
    np.testing.assert_array_equal(again.pixels, whole.pixels)
    assert np.abs(again.pixels - first.pixels).max() > 0.01
    assert (again.settings, again.stage, again.steps) == (whole.settings, whole.stage, whole.steps)
    assert (again.stop_reason, again.losses) == ("finished", first.losses)
    back = stylizer.repaint(again, repaint_detail=0.5, patch_size=3)
    np.testing.assert_array_equal(back.pixels, first.pixels)


def test_masks_colours_and_open_files_are_those_of_the_run(photo, painting):
    half = np.zeros((48, 64), np.float32)
    half[:, :30] = 1
    stylizer = Stylizer(STROKES, preserve_color="luminance")
    file = io.BytesIO()
    Image.fromarray(quantize(photo[0])).save(file, "PNG")
    given = {"regions": [Region(half, {0: None})], "keep": half}
    file.seek(0)
    first = stylizer(file, painting, **given)
    whole = stylizer(file.getvalue(), painting, **given, **CHANGES)
    np.testing.assert_array_equal(stylizer.repaint(first, **CHANGES).pixels, whole.pixels)


def test_a_larger_size_enlarges_the_same_network_picture(stylizer, smooth, painting):
    photo = smooth(96, 128, seed=3)
    first = stylizer(photo, painting)
    large = stylizer.repaint(first, max_dim=128)
    assert large.pixels.shape == (96, 128, 3)
    given = ImageSources(photo, painting, dataclasses.replace(STROKES, max_dim=128))
    inputs, state = given.load().fitted, first.network.state
    *_, last = paint_strokes(inputs, state, [state.plan])
    np.testing.assert_array_equal(large.pixels, last.image[0])
    assert large.metadata["network_max_dim"] == 64
    assert "network_max_dim" not in first.metadata
    back = stylizer.repaint(large, max_dim=64)
    np.testing.assert_array_equal(back.pixels, first.pixels)
    assert "network_max_dim" not in back.metadata


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"strength": 0.8}, "strength is 0.8, was 1.0"),
        ({"preserve_color": "match"}, "preserve_color is match, was none"),
    ],
)
def test_what_needs_the_network_is_refused_by_name(stylizer, photo, painting, change, named):
    result = stylizer(photo, painting)
    with pytest.raises(UserError) as caught:
        stylizer.repaint(result, **change)
    assert str(caught.value) == (
        f"the network would paint another picture: {named}; only max_dim, patch_size and "
        "repaint_detail may change"
    )


@pytest.mark.parametrize("change", [{"max_dim": 31}, {"network_dim": 48}, {"repaint": False}])
def test_another_size_of_the_network_is_refused(stylizer, photo, painting, change):
    result = stylizer(photo, painting)
    with pytest.raises(UserError) as caught:
        stylizer.repaint(result, **change)
    assert str(caught.value) == (
        "the network's picture is for 32 pixels: max_dim must be at least 32, and network_dim 32"
    )


def test_a_picture_below_the_limit_of_the_network_is_enlarged_from_its_own(stylizer, smooth):
    photo = smooth(96, 128, seed=3)
    small = stylizer(photo, photo, max_dim=24)
    large = stylizer.repaint(small, max_dim=96)
    assert large.pixels.shape == (72, 96, 3)
    assert large.settings.network_dim == 24


def test_a_result_without_brushstrokes_cannot_be_repainted(photo, painting):
    stylizer = Stylizer(NETWORK)
    result = stylizer(photo, painting)
    assert result.network is None
    with pytest.raises(UserError, match="no brushstrokes to repaint: set repaint"):
        stylizer.repaint(result)


@pytest.fixture
def files(tmp_path, monkeypatch, smooth, painting):
    """Return a photo and a painting as files in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, image in (("photo.png", smooth(96, 128, seed=3)), ("painting.png", painting)):
        Image.fromarray(quantize(image[0])).save(name)
    return ["photo.png", "painting.png"]


def paint(files, *flags):
    return main(["nst", *files, *FLAGS, *flags])


KEPT = "--network_picture=kept"
MORE = ["--repaint_detail=0.1", "--patch_size=5"]


def test_the_command_repaints_a_kept_picture(files, capfd):
    assert paint(files, KEPT, "-o", "one.png", "--history=one.csv") == 0
    kept = Path("kept").read_bytes()
    state = load_checkpoint("kept").state
    assert state.image.shape == (1, 24, 32, 3)
    assert len(kept) < 3 * 2 * 24 * 32 * 3 * 4, "more than two pictures and a header"
    assert paint(files, KEPT, *MORE, "-o", "two.png", "--history=two.csv", "--noquiet") == 0
    assert "\nRepainting kept\n" in capfd.readouterr().out
    assert paint(files, *MORE, "-o", "whole.png") == 0
    np.testing.assert_array_equal(picture("two.png"), picture("whole.png"))
    assert Path("two.csv").read_text() == Path("one.csv").read_text()
    assert read_metadata("two.png")["identity"] == read_metadata("whole.png")["identity"]
    assert Path("kept").read_bytes() == kept
    assert paint(files, KEPT, "--max_dim=96", "-o", "large.png") == 0
    assert picture("large.png").shape == (72, 96, 3)


def test_a_stopped_run_of_the_same_command_starts_from_it(files):
    assert paint(files, KEPT, "-o", "one.png") == 0
    Path("one.png").unlink()
    assert paint(files, KEPT, "--resume", "-o", "one.png") == 0
    assert sorted(path.name for path in Path().iterdir()) == ["kept", "one.png", *sorted(files)]


def test_repainting_that_is_stopped_saves_the_networks_picture(files, capfd):
    assert paint(files, KEPT, "-o", "one.png") == 0

    def stop(progress):
        if progress.level == 1:
            request.set()

    request = threading.Event()
    job, device = ready(parse(["nst", *files, *FLAGS, *MORE, KEPT, "--resume", "-o", "two.png"]))
    outcome = PictureRun(job, device, [stop]).finish(StopRequest(request.is_set))
    assert outcome.stopped
    assert str(outcome) == (
        "stopped before the brushstrokes were done, so the picture is the network's; the picture "
        "is saved as two.png"
    )
    assert not Path("two.png.checkpoint").exists()


def test_a_picture_of_another_network_size_repeats_with_a_warning(files):
    assert paint(files, KEPT, "-o", "one.png") == 0
    assert paint(files, KEPT, "--max_dim=96", "-o", "large.png") == 0
    with pytest.warns(UserWarning, match="repainted from the network's picture of --max_dim 64:"):
        assert parse(["nst", "--from_image=large.png"]).settings.max_dim == 96


def test_what_does_not_fit_is_refused_in_one_line(files, capfd):
    assert paint(files, KEPT, "-o", "one.png") == 0
    capfd.readouterr()
    for change, named in (
        ("--strength=0.8", "strength is 0.8, was 1.0"),
        ("--init=painting.png", "init"),
    ):
        assert paint(files, KEPT, change, "-o", "two.png") == 1
        assert capfd.readouterr().err == (
            f"nst_tf: --network_picture kept: the network would paint another picture: {named}; "
            "only max_dim, patch_size and repaint_detail may change, or name another file\n"
        )
    assert paint(files, KEPT, "--max_dim=24", "-o", "two.png") == 1
    assert "kept: the network's picture is for 32 pixels: max_dim must" in capfd.readouterr().err
    Image.open("photo.png").rotate(180).save("photo.png")
    assert paint(files, KEPT, "-o", "two.png") == 1
    assert "would paint another picture: content; only" in capfd.readouterr().err
    Path("kept").write_bytes(Path("kept").read_bytes()[:-9])
    assert paint(files, KEPT, "-o", "two.png") == 1
    assert "kept does not hold a network's picture of this version" in capfd.readouterr().err
    assert paint(files, "--network_picture=photo.png", "-o", "two.png") == 1
    assert "photo.png would overwrite the input photo.png" in capfd.readouterr().err
    assert paint(files, KEPT, "--norepaint", "-o", "two.png") == 2
    assert "--network_picture needs brushstrokes: add --repaint" in capfd.readouterr().err
    assert not Path("two.png").exists()


def test_a_picture_that_cannot_be_kept_is_only_warned_of(files, monkeypatch, capfd):
    def full(*_):
        raise OSError("kept cannot be written: no space left on device")

    monkeypatch.setattr("nst_tf.transfer.checkpoint.save_checkpoint", full)
    assert paint(files, KEPT, "-o", "one.png") == 0
    assert "the network's picture is not kept: kept cannot be written" in capfd.readouterr().err
    assert Path("one.png").exists()


def test_the_settings_of_the_second_stage_are_settings():
    names = {field.name for field in dataclasses.fields(STROKES)}
    assert names.issuperset(SECOND_STAGE)
