"""The journal: a line for each job, whatever happened to the file before."""

import json
import os
import warnings

import pytest

from nst_tf import __version__
from nst_tf.batch.journal import Journal
from nst_tf.workers.outcome import Outcome
from tests.batch.stub import job

JOB = job("a.png", ("max_dim", "64"), ("recipe", "fast"))


def lines(path, *outcomes):
    journal = Journal(str(path))
    for outcome in outcomes:
        journal.write(outcome)
    journal.close()
    return path.read_bytes().decode().splitlines()


def test_a_line_tells_of_inputs_settings_losses_and_errors(tmp_path):
    done = Outcome(JOB, "done", seconds=1.23456, steps=3, losses={"total": 2.5},
                   size=(30, 40), faces=1, worker="process 7")  # fmt: skip
    failed = Outcome(JOB, "failed", "naïve 😀", attempts=2)
    first, second = map(json.loads, lines(tmp_path / "j.jsonl", done, failed))
    assert first.pop("ended") <= second.pop("ended")
    settings = first.pop("settings")
    assert settings["max_dim"] == 64
    assert settings["optimizer"] == "lbfgs"  # what the recipe changes too
    assert "learning_rate" not in settings
    assert first == {
        "job": "a.png", "status": "done", "output": "a.png.out",
        "inputs": {"content": ["a.png"], "style": ["s.png"]}, "recipe": "fast", "seconds": 1.235,
        "steps": 3, "losses": {"total": 2.5}, "attempts": 1, "worker": "process 7",
        "width": 40, "height": 30, "faces": 1, "nst_tf": __version__,
    }  # fmt: skip
    assert (second["status"], second["error"], second["attempts"]) == ("failed", "naïve 😀", 2)


def test_a_line_that_a_kill_has_cut_stays_apart(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_bytes(b'{"job": "x"}\n{"job": "y", "sta')
    found = lines(path, Outcome(JOB, "done"))
    assert found[:2] == ['{"job": "x"}', '{"job": "y", "sta']
    assert json.loads(found[2])["job"] == "a.png"
    assert len(lines(path, Outcome(JOB, "done"))) == 4


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError, match=r"--journal .*none/j.jsonl cannot be written: No such file"):
        Journal(str(tmp_path / "none" / "j.jsonl"))


def test_a_full_disk_is_a_warning_that_names_the_file():
    journal = Journal("/dev/full")
    with pytest.warns(UserWarning, match="the journal /dev/full cannot be written: No space left"):
        journal.write(Outcome(JOB, "done"))
    with warnings.catch_warnings(action="error"):  # one is enough
        journal.write(Outcome(JOB, "failed"))
        journal.close()


def test_a_pipe_is_written(tmp_path):
    read, write = os.pipe()
    journal = Journal(f"/dev/fd/{write}")
    journal.write(Outcome(JOB, "done"))
    journal.close()
    os.close(write)
    with open(read) as pipe:
        assert json.loads(pipe.read())["status"] == "done"
