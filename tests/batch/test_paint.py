"""A job done in this process, and what an earlier one has left."""

from pathlib import Path

import pytest

from nst_tf.batch.paint import JobPainter
from nst_tf.images.metadata import read_metadata
from nst_tf.workers.job import Job

SHALLOW = (("content_layers", "block2_conv2"), ("style_layers", "block1_conv1"))


@pytest.fixture(scope="module")
def paint():
    return JobPainter()


@pytest.fixture
def make_job(photo, painting, tmp_path):
    def make(strength, *flags):
        pictures = (("content", str(photo)), ("style", str(painting)), ("strength", strength))
        short = (*SHALLOW, ("max_dim", "32"), ("steps", "3"))
        return Job("", (*pictures, *short, *flags), str(tmp_path / "out.png"))

    return make


def after_a_step():
    """Return a `Stopping` that lets a job begin and ends it after its first step."""
    asked = iter([False])
    return lambda: next(asked, True)


def never():
    return False


@pytest.mark.parametrize("flags", [(), (("overwrite", "true"),)])
def test_a_checkpoint_of_other_settings_is_set_aside(paint, make_job, tmp_path, flags):
    assert paint(make_job("1"), after_a_step()).status == "stopped"
    outcome = paint(make_job("0.5", *flags), never)
    assert (outcome.status, outcome.error) == ("done", "")
    (line,) = outcome.warnings
    assert line.startswith(f"{tmp_path}/out.png.checkpoint is set aside as out.png.checkpoint.old")
    assert line.endswith("the checkpoint belongs to a different run: strength is 0.5, was 1.0")
    assert read_metadata(tmp_path / "out.png")["settings"]["strength"] == 0.5
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"photo.png", "painting.png", "out.png", "out.png.checkpoint.old"}


def test_a_damaged_checkpoint_is_set_aside(paint, make_job, tmp_path):
    Path(tmp_path, "out.png.checkpoint").write_bytes(bytes(100))
    outcome = paint(make_job("1"), never)
    assert outcome.status == "done"
    assert "is set aside as out.png.checkpoint.old" in outcome.warnings[0]


def test_a_picture_beside_a_checkpoint_of_other_settings_stays(paint, make_job, tmp_path):
    assert paint(make_job("1"), never).status == "done"
    first = Path(tmp_path, "out.png").read_bytes()
    overwriting = make_job("2", ("overwrite", "true"))
    assert paint(overwriting, after_a_step()).status == "stopped"
    outcome = paint(make_job("3"), never)
    assert outcome.status == "failed"
    assert outcome.error.endswith("out.png exists: choose another name or add --overwrite")
    assert Path(tmp_path, "out.png").read_bytes() == first
