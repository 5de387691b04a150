"""How memory and processors are shared out."""

import pytest

from nst_tf.jobs import share
from nst_tf.jobs.job import Job
from nst_tf.jobs.share import Share, greatest_need, share_out
from nst_tf.memory import budget
from nst_tf.memory.budget import BASE, GIB
from nst_tf.memory.memo import beside_memo, memo_share


@pytest.fixture
def make_job(photo, painting):
    def make(*flags, content=photo):
        pictures = (("content", str(content)), ("style", str(painting)))
        return Job("", (*pictures, ("max_dim", "64"), *flags), "out.png")

    return make


@pytest.fixture
def free(monkeypatch):
    """Set what is free, and the number of processors."""

    def of(size, processors=8):
        monkeypatch.setattr(budget, "free_memory", lambda: size)
        monkeypatch.setattr(share, "processor_count", lambda: processors)

    return of


def test_one_worker_has_all():
    assert share_out(1, []) == Share(1, None, 0)


def test_no_more_workers_than_fit_into_memory(make_job, free):
    need = greatest_need([make_job()])
    assert BASE < need < GIB
    free(10 * need)
    assert share_out(4, [make_job()]) == Share(4, 10 * need // 4, 2)
    free(3 * need)
    assert share_out(4, [make_job()]) == Share(3, need, 2)
    free(need // 2)
    assert share_out(4, [make_job()]) == Share(1, need // 2, 8)


def test_the_budget_is_that_of_all_workers(make_job, free):
    free(100 * GIB)
    jobs = [make_job(("memory_budget", "2GiB"))]
    assert share_out(8, jobs) == Share(2, GIB, 4)


def test_the_largest_job_counts_and_one_that_cannot_be_read_does_not(make_job, tmp_path):
    small, large = make_job(("convolution", "direct")), make_job(("convolution", "winograd"))
    assert greatest_need([small, large]) == greatest_need([large]) > greatest_need([small])
    assert greatest_need([make_job(content=tmp_path / "none.png")]) == BASE


@pytest.mark.parametrize("need", [BASE // 2, BASE, BASE + 1, 2 * BASE, 10 * GIB])
def test_what_a_run_needs_is_left_beside_the_memo(need):
    size = beside_memo(need)
    assert need <= size - memo_share(size) <= need + 1
