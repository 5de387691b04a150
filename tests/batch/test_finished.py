"""Which pictures are those of a job, whatever their names."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from nst_tf.batch.finished import is_finished
from nst_tf.cli.program import main
from nst_tf.images.metadata import read_metadata
from nst_tf.network.weights import BUNDLED
from nst_tf.workers.job import Job
from tests import watched

SHORT = (
    ("content_layers", "block1_conv2"), ("style_layers", "block1_conv1"), ("steps", "2"),
    ("max_dim", "32"),
)  # fmt: skip


@pytest.fixture
def made(photo, painting, tmp_path, monkeypatch):
    """Make a picture by `run`, and return the job whose picture it is with some more flags."""
    monkeypatch.chdir(tmp_path)

    def job(*more, made_by=None):
        flags = (("content", str(photo)), ("style", str(painting)), *SHORT)
        if made_by is not None:
            Path("out.png").unlink(missing_ok=True)
            assert main(["nst-tf", *Job("", (*flags, *made_by), "out.png").words(), "--quiet"]) == 0
        return Job("", (*flags, *more), "out.png")

    return job


def test_settings_and_depth_count_and_what_changes_no_picture_does_not(made):
    assert not is_finished(made())
    assert is_finished(made(made_by=()))
    for same in (("memory_budget", "5GiB"), ("checkpoint_every", "5"), ("recipe", "tutorial")):
        assert is_finished(made(same))
    for other in (("strength", "0.5"), ("bit_depth", "16"), ("dpi", "72"), ("recipe", "fast"),
                  ("init", "noise"), ("precision", "bfloat16")):  # fmt: skip
        assert not is_finished(made(other))
    assert is_finished(made(("precision", "auto"), made_by=[("precision", "auto")]))


@pytest.mark.parametrize("name", ["photo.png", "painting.png"])
def test_files_count_by_what_is_in_them(made, name):
    job = made(made_by=())
    Path(name).write_bytes(Path(name).read_bytes())  # another time, the same bytes
    assert is_finished(job)
    Image.open(name).rotate(180).save(name)
    assert not is_finished(job)
    Path(name).unlink()
    assert not is_finished(job)


def test_init_and_weights_count_by_what_is_in_them(made):
    Image.radial_gradient("L").save("start.png")
    shutil.copy(files("nst_tf") / "data" / BUNDLED, "net.npz")
    assert is_finished(made(("weights", "net.npz"), made_by=()))
    assert not is_finished(made(("init", "start.png")))
    moved = [("init", "a.png"), ("weights", "a.npz")]
    job = made(*moved, made_by=[("init", "start.png"), ("weights", "net.npz")])
    Path("start.png").rename("a.png")
    Path("net.npz").rename("a.npz")
    assert is_finished(job)
    assert not is_finished(made())
    for name in ("a.png", "a.npz"):
        before = Path(name).read_bytes()
        Path(name).write_bytes(before + b"more")
        assert not is_finished(job)
        Path(name).write_bytes(before)
        assert is_finished(job)


def test_masks_count(made):
    Image.linear_gradient("L").save("mask.png")
    mask = ("keep_mask", "mask.png")
    assert is_finished(made(mask, made_by=[mask]))
    assert not is_finished(made())
    assert is_finished(made(made_by=()))
    assert not is_finished(made(mask))


def test_a_run_that_was_stopped_is_not_finished(photo, painting, made):
    job = made()
    assert watched.main([*job.words(), "--quiet"], lambda progress: True) == 0
    assert read_metadata("out.png")["ending"] is None
    assert not is_finished(job)


@pytest.mark.parametrize(
    "record",
    [None, {}, {"settings": 3, "ending": "finished"}, {"identity": 3, "ending": "finished"}],
)
def test_other_pictures_are_not_finished(made, record):
    info = PngImagePlugin.PngInfo()
    if record is not None:
        info.add_text("nst_tf", json.dumps(record))
    Image.new("RGB", (32, 24)).save("out.png", pnginfo=info)
    assert not is_finished(made())
    Path("out.png").write_bytes(b"no picture")
    assert not is_finished(made())
