import dataclasses

import pytest

from nst_tf.callbacks import Checkpoint, checkpoint
from nst_tf.inputs.pictures import Pictures
from nst_tf.transfer.checkpoint import load_checkpoint
from nst_tf.transfer.scales import first_state
from tests.transfer.test_state import transfer


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(checkpoint, "time", clock)
    return clock


@pytest.fixture
def step(pixels):
    """Return a maker of the progress of a small run at a step of some number."""
    run = transfer(pixels)
    pictures = Pictures.at(run.fitted, run.fitted.scales[0])
    state = first_state(run.fitted, pictures, run.plans[0])
    return lambda number: run.progress(dataclasses.replace(state, step=number), {})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "run.checkpoint"


def taken(path):
    """Remove a checkpoint, if there is one, and return its step in a list."""
    if not path.exists():
        return []
    number = load_checkpoint(path).state.step
    path.unlink()
    return [number]


def test_a_checkpoint_is_written_when_its_time_has_come(clock, step, path):
    path.parent.mkdir()
    keep, written = Checkpoint(path, every=10), []
    for now in range(100, 140, 4):
        clock.now = now
        assert not keep(step(now))
        written += taken(path)
    assert written == [112, 124, 136]


def test_writing_takes_a_fiftieth_of_the_time_at_most(clock, step, path):
    def slow():
        clock.now += 2  # what a large picture's state takes

    path.parent.mkdir()
    keep, written = Checkpoint(path, every=10, notes=slow), []
    while clock.now < 500:
        clock.now += 1
        keep(step(int(clock.now)))
        written += taken(path)
    assert written == [110, 212, 314, 416]


def test_a_place_that_cannot_be_written_is_told_once_and_tried_again(clock, step, path, recwarn):
    keep, written = Checkpoint(path, every=10), []
    for number in range(1, 7):
        clock.now += 10
        if number == 4:
            path.parent.mkdir()
        keep(step(number))
        written += taken(path)
    assert [str(warning.message) for warning in recwarn] == [
        f"no checkpoint: {path} cannot be written: No such file or directory; the run continues "
        "and tries again"
    ]
    assert written == [4, 5, 6]


def test_the_end_of_a_run_is_written_once_with_its_notes(step, path):
    path.parent.mkdir()
    noted = []
    keep = Checkpoint(path, every=1000, notes=lambda: noted.append("a row") or noted)
    assert not keep.save()
    keep(step(1))
    assert not path.exists()
    assert keep.save()
    assert keep.save()
    saved = load_checkpoint(path)
    assert (saved.state.step, saved.notes) == (1, ["a row"])
    assert noted == ["a row"]


def test_a_finished_run_leaves_no_file(tmp_path):
    path = tmp_path / "run.checkpoint"
    path.write_bytes(b"x")
    keep = Checkpoint(path)
    keep.remove()
    keep.remove()
    assert list(tmp_path.iterdir()) == []
