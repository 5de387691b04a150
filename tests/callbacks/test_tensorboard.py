import dataclasses
import io
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from nst_tf import Settings
from nst_tf.callbacks import TensorBoard
from tests import forked
from tests.callbacks.conftest import steps
from tests.conftest import ROOT


def progress_of(count, epochs=1, scales=1, size=(12, 16)):
    image = np.full((1, *size, 3), 0.6, np.float32)
    for progress in steps(count, scales=scales):
        epoch = epochs * (progress.scale_step - 1) // count
        yield dataclasses.replace(progress, image=lambda: image, state=SimpleNamespace(epoch=epoch))


def events(directory):
    """Return what the event files hold: (tag, step, plugin, value, wall time) in their order."""
    import tensorflow as tf

    found = []
    for path in sorted(directory.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                content = tf.make_ndarray(value.tensor)
                found.append((value.tag, event.step, plugin, content, event.wall_time))
    return found


def write(callback, run):
    for progress in run:
        assert not callback(progress)
    callback.close()


def test_every_term_of_every_step_reads_back(tmp_path):
    write(TensorBoard(tmp_path / "runs" / "first"), progress_of(5))
    found = events(tmp_path / "runs" / "first")
    for name in ("total", "style", "content", "total_variation"):
        series = {step: float(value) for tag, step, _, value, _ in found if tag == f"loss/{name}"}
        assert series == pytest.approx({p.step: p.losses[name] for p in progress_of(5)})
    assert {plugin for tag, _, plugin, *_ in found if "/" in tag} == {"scalars"}
    times = [time for tag, *_, time in found if tag == "loss/total"]
    assert times == sorted(times)
    assert times[0] > 1.5e9


def test_time_and_memory_of_each_step_read_back(tmp_path):
    write(TensorBoard(tmp_path), progress_of(3))
    found = events(tmp_path)
    seconds = [float(value) for tag, _, _, value, _ in found if tag == "run/step_seconds"]
    assert seconds == pytest.approx([20, 2, 2])
    memory = [float(value) for tag, _, _, value, _ in found if tag == "run/memory_mib"]
    assert len(memory) == 3
    assert all(20 < value < 1e6 for value in memory)


def test_the_time_before_a_run_goes_on_is_not_a_steps(tmp_path):
    write(TensorBoard(tmp_path), list(progress_of(4))[2:])
    steps_ = [step for tag, step, *_ in events(tmp_path) if tag == "run/step_seconds"]
    assert steps_ == [4]


@pytest.mark.parametrize(
    ("options", "pictured"), [({"epochs": 3}, [1, 3, 5, 6]), ({"scales": 2}, [1, 7, 12])]
)
def test_there_is_a_picture_for_each_epoch_or_scale_and_of_the_end(tmp_path, options, pictured):
    write(TensorBoard(tmp_path), progress_of(6, **options))
    pictures = [
        (step, value) for _, step, plugin, value, _ in events(tmp_path) if plugin == "images"
    ]
    assert [step for step, _ in pictures] == pictured
    width, height, png = pictures[0][1]
    assert (width, height) == (b"16", b"12")
    with Image.open(io.BytesIO(png)) as image:
        assert image.size == (16, 12)
        assert (np.asarray(image) == 153).all()


def test_large_pictures_are_shrunk(tmp_path):
    write(TensorBoard(tmp_path), progress_of(1, size=(300, 2048)))
    (value,) = (value for _, _, plugin, value, _ in events(tmp_path) if plugin == "images")
    assert tuple(value[:2]) == (b"1024", b"150")


def test_settings_are_shown_as_a_table(tmp_path):
    write(TensorBoard(tmp_path, Settings(strength=0.7)), progress_of(1))
    ((_, _, plugin, value, _),) = (event for event in events(tmp_path) if event[0] == "settings")
    assert plugin == "text"
    assert "| strength | 0.7 |" in value.item().decode().splitlines()


def test_a_folder_that_cannot_be_made_is_told_once_and_ends_nothing(tmp_path, recwarn):
    (tmp_path / "file").write_text("in the way")
    write(TensorBoard(tmp_path / "file" / "runs"), progress_of(3))
    (warning,) = recwarn
    assert str(warning.message).startswith(
        f"TensorBoard logging in {tmp_path}/file/runs disabled ("
    )
    assert str(warning.message).endswith("); the run continues")
    assert "\n" not in str(warning.message)


def test_a_folder_that_vanishes_is_told_once_and_ends_nothing(tmp_path, recwarn):
    callback = TensorBoard(tmp_path / "runs")
    first, *others = progress_of(4)
    callback(first)
    shutil.rmtree(tmp_path / "runs")
    (tmp_path / "runs").write_text("in the way")
    write(callback, others)
    (warning,) = recwarn
    assert "its files have vanished" in str(warning.message)


FULL = """
import resource, sys, warnings
from nst_tf.callbacks import TensorBoard
from tests.callbacks.test_tensorboard import progress_of, write

resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    write(TensorBoard(sys.argv[1]), progress_of(40, size=(64, 64)))
print(*(warning.message for warning in caught), sep="\\n")
"""


def test_a_full_disk_is_told_once_and_ends_nothing(tmp_path):
    pytest.importorskip("resource")
    command = [sys.executable, "-c", FULL, str(tmp_path / "runs")]
    done = forked.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    assert line.startswith("TensorBoard logging in ")


def test_a_run_without_a_step_leaves_nothing(tmp_path):
    TensorBoard(tmp_path).close()
    assert list(tmp_path.iterdir()) == []
