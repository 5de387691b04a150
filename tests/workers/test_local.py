"""Worker processes: who does what, and what happens when one is lost."""

import functools
import os
import threading

import pytest

from nst_tf.workers.local import ended_how, run_here
from tests.batch.stub import Stub, job, make_nothing

pytestmark = pytest.mark.process


def outcomes(names, folder, workers=1, stopping=lambda: False):
    make = functools.partial(Stub, folder)
    found = run_here(iter(map(job, names)), make, workers, stopping)
    return {outcome.job.place: outcome for outcome in found}


def processes(folder, name):
    return [path.read_text() for path in sorted(folder.glob(f"{name}-*"))]


def test_a_lost_worker_fails_its_job_alone_after_a_second_attempt(tmp_path):
    found = outcomes(["a", "dies", "b", "dies once", "c"], tmp_path)
    assert {name: outcome.status for name, outcome in found.items()} == {
        "a": "done", "dies": "failed", "b": "done", "dies once": "done", "c": "done",
    }  # fmt: skip
    assert found["dies"].error.startswith("the process that painted it was ended by SIGKILL; if")
    assert {name: outcome.attempts for name, outcome in found.items()} == {
        "a": 1, "dies": 2, "b": 1, "dies once": 2, "c": 1,
    }  # fmt: skip
    assert len(set(processes(tmp_path, "dies"))) == 2


def test_memory_that_runs_out_is_tried_once_more_by_a_new_process_and_bad_jobs_are_not(tmp_path):
    found = outcomes(["full", "bad"], tmp_path)
    assert found["full"].error == "memory ran out"
    assert found["full"].attempts == 2
    assert len(set(processes(tmp_path, "full"))) == 2
    assert found["bad"].attempts == 1


def test_workers_share_the_jobs_and_no_process_is_begun_without_need(tmp_path):
    found = outcomes(map(str, range(20)), tmp_path, workers=2)
    assert len(found) == 20
    assert len({outcome.worker for outcome in found.values()}) <= 2
    assert os.getpid() not in {int(path.read_text()) for path in tmp_path.iterdir()}
    assert outcomes([], tmp_path, workers=2) == {}


def test_jobs_under_way_end_when_asked_and_no_more_are_begun(tmp_path):
    stop = threading.Event()

    def stopping():
        if len(list(tmp_path.iterdir())) == 2:
            stop.set()
        return stop.is_set()

    found = outcomes(["long 1", "long 2", "never"], tmp_path, 2, stopping)
    assert {name: outcome.status for name, outcome in found.items()} == {
        "long 1": "stopped", "long 2": "stopped",
    }  # fmt: skip


def test_no_more_jobs_are_taken_than_there_are_workers():
    taken = []

    def jobs():
        for number in range(50):
            taken.append(number)
            yield job(str(number))

    for done, _ in enumerate(run_here(jobs(), make_nothing, 2, lambda: False), start=1):
        assert len(taken) <= done + 2


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-15, "was ended by SIGTERM"),
        (3, "ended with status 3"),
        (-9, "lower --jobs or --max_dim"),
        (-40, "was ended by signal 40"),
    ],
)
def test_the_end_of_a_process_in_words(status, words):
    assert words in ended_how(status)
