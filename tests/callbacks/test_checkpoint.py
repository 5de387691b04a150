import dataclasses
from dataclasses import dataclass

import pytest

import nst_tf.transfer.checkpoint
from nst_tf.callbacks import Checkpoint, checkpoint


@dataclass
class Run:
    step: object
    notes: object = None


@dataclass
class Step:
    step: object

    def saved(self):
        return Run(self.step)


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
def written(monkeypatch, clock):
    class Disk(list):
        seconds = 0.0
        is_full = False

        def save(self, path, run):
            clock.now += self.seconds
            if self.is_full:
                raise OSError("no space left")
            self.append(run.step)

    disk = Disk()
    monkeypatch.setattr(nst_tf.transfer.checkpoint, "save_checkpoint", disk.save)
    return disk


def test_a_checkpoint_is_written_when_its_time_has_come(clock, written):
    keep = Checkpoint("file", every=10)
    for now in range(100, 140, 4):
        clock.now = now
        assert not keep(Step(now))
    assert written == [112, 124, 136]


def test_writing_takes_a_fiftieth_of_the_time_at_most(clock, written):
    written.seconds = 2  # what a large picture's state takes
    keep = Checkpoint("file", every=10)
    while clock.now < 500:
        clock.now += 1
        keep(Step(clock.now))
    assert written == [110, 212, 314, 416]


def test_a_full_disk_is_told_once_and_tried_again(clock, written, recwarn):
    keep = Checkpoint("file", every=10)
    for step in range(1, 7):
        clock.now += 10
        written.is_full = step < 4
        keep(Step(step))
    assert [str(warning.message) for warning in recwarn] == [
        "no checkpoint: no space left; the run continues and tries again"
    ]
    assert written == [4, 5, 6]


def test_the_end_of_a_run_is_written_once_with_its_notes(clock, monkeypatch):
    runs = []
    monkeypatch.setattr(
        nst_tf.transfer.checkpoint, "save_checkpoint", lambda path, run: runs.append(run)
    )
    keep = Checkpoint("file", every=10, notes=lambda: ["a row"])
    assert not keep.save()
    keep(Step("first"))
    assert runs == []
    assert keep.save()
    assert keep.save()
    assert list(map(dataclasses.asdict, runs)) == [{"step": "first", "notes": ["a row"]}]


def test_a_finished_run_leaves_no_file(tmp_path):
    path = tmp_path / "run.checkpoint"
    path.write_bytes(b"x")
    keep = Checkpoint(path)
    keep.remove()
    keep.remove()
    assert list(tmp_path.iterdir()) == []
