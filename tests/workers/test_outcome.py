"""Errors of jobs: lines for mistakes of users, tracebacks for bugs."""

import io

import pytest

from nst_tf.batch.summary import Report, Tally
from nst_tf.utils.errors import UserError
from nst_tf.workers.outcome import run_safely
from tests.batch.stub import job


def failed(error):
    def do():
        raise error

    return run_safely(job("a.png"), do)


@pytest.mark.parametrize("error", [UserError("too\nsmall"), OSError("too small")])
def test_a_mistake_of_the_user_is_one_line(error):
    outcome = failed(error)
    assert (outcome.status, outcome.error, outcome.details) == ("failed", "too small", "")


@pytest.mark.parametrize("error", [ValueError("shapes (3,) (4,)"), RuntimeError("x")])
def test_a_bug_keeps_its_traceback_and_the_line_names_the_file_that_has_it(error, capfd):
    outcome = failed(error)
    assert outcome.error == f"{type(error).__name__}: {error}"
    assert outcome.details.startswith("Traceback")
    assert "in do" in outcome.details
    Report(Tally(1), "out/journal.jsonl", io.StringIO()).show(outcome)
    line = f"nst_tf: a.png: {outcome.error}; out/journal.jsonl has the traceback\n"
    assert capfd.readouterr().err == line
