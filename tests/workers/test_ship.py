"""Files that go along with a job, and the picture that comes back."""

from pathlib import Path

import pytest

from nst_tf.workers.job import Job
from nst_tf.workers.outcome import Outcome
from nst_tf.workers.ship import Parcel, Sender, input_files, painted_elsewhere

FLAGS = (
    ("content", "in/a.png"), ("style", "b.png"), ("style", "in/b.png"), ("content_mask", "m.png"),
    ("init", "noise"), ("weights", "w.npz"), ("recipe", "fast"),
)  # fmt: skip


def test_which_flags_name_files():
    assert input_files(FLAGS) == ["in/a.png", "b.png", "in/b.png", "m.png", "w.npz"]


def test_a_file_is_stored_once_while_it_is_remembered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = []
    sender = Sender(lambda data: stored.append(data.decode()) or len(stored), most=2)
    for name in "abc":
        Path(name).write_text(name)

    def pack(*names):
        return sender.pack(Job("", tuple(("style", name) for name in names), "out.png"))[1]

    assert pack("a", "b") == [1, 2]
    assert pack("a", "c") == [1, 3]
    assert pack("b") == [4]
    assert stored == ["a", "b", "c", "b"]
    with pytest.raises(OSError, match="none cannot be read: No such file"):
        pack("none")


def test_a_job_is_done_with_files_of_the_same_names_elsewhere(tmp_path):
    seen = {}

    def paint(job, stopping):
        for name in ("content", "style"):
            seen[name] = [(Path(path).name, Path(path).read_bytes()) for path in job.files(name)]
        assert ("init", "noise") in job.flags
        Path(job.output).parent.mkdir()
        Path(job.output).write_bytes(b"picture")
        return Outcome(job, "done", f"{job.files('content')[0]} and {job.output}")

    job = Job("place", FLAGS, "out/c.png")
    names = input_files(FLAGS)
    parcel = Parcel(names, [name.encode() for name in names])
    outcome, picture = painted_elsewhere(paint, job, parcel, lambda: False)
    assert picture == b"picture"
    assert outcome.job == job
    assert outcome.error == "in/a.png and out/c.png"
    assert seen == {
        "content": [("a.png", b"in/a.png")],
        "style": [("b.png", b"b.png"), ("b.png", b"in/b.png")],
    }
