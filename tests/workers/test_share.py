"""How memory and processors are shared out."""

from pathlib import Path

import pytest
from PIL import Image

from nst_tf.batch.need import greatest_need, share_out
from nst_tf.compute.budget import BASE, GIB, MIB, free_memory
from nst_tf.compute.cache import cache_share, with_cache
from nst_tf.workers.job import Job
from nst_tf.workers.share import Share, split_resources
from tests.conftest import shrunk


@pytest.fixture
def make_job(photo, painting):
    def make(*flags, content=photo, style=painting):
        pictures = (("content", str(content)), ("style", str(style)))
        return Job("", (*pictures, ("max_dim", "64"), *flags), "out.png")

    return make


def split(workers, need, free, *budgets):
    """Return the shares on a machine of 8 processors and some free memory."""
    return split_resources(workers, need, budgets, free=lambda: free, processors=lambda: 8)


def test_one_worker_has_all():
    assert share_out(1, []) == Share(1, None, 0)


def test_no_more_workers_than_fit_into_memory(make_job):
    need = greatest_need([make_job()])
    assert BASE < need < GIB
    assert split(4, need, 10 * need, "auto") == Share(4, 10 * need // 4, 2)
    assert split(4, need, 3 * need, "auto") == Share(3, need, 2)
    assert split(4, need, need // 2, "auto") == Share(1, need // 2, 8)


def test_the_budget_is_that_of_all_workers(make_job):
    job = make_job(("memory_budget", "1GiB"))
    need = greatest_need([job])
    assert split(8, need, 100 * GIB, "auto", "2GiB", "3GiB") == Share(2, GIB, 4)
    assert share_out(8, [job]).workers == 1


def test_the_largest_job_counts(make_job):
    small, large = make_job(("optimizer", "adam")), make_job(("optimizer", "lbfgs"))
    assert greatest_need([small, large]) == greatest_need([large]) > greatest_need([small])


def damaged(photo, path):
    """Write a photo whose header can be read and whose pixels cannot."""
    path.write_bytes(Path(photo).read_bytes()[:-2000])
    return path


def test_the_need_of_a_kind_is_that_of_its_largest_photo_that_can_be_read(
    make_job, photo, tmp_path
):
    sound = make_job()
    smaller = make_job(content=shrunk("cat.jpg", (32, 24), tmp_path / "smaller.png"))
    bad = make_job(content=damaged(photo, tmp_path / "bad.png"))
    missing = make_job(content=tmp_path / "none.png")
    need = greatest_need([sound])
    assert need > BASE + MIB
    assert greatest_need([sound, bad]) == greatest_need([sound, missing]) == need
    assert greatest_need([bad, sound]) == need
    assert greatest_need([smaller]) < greatest_need([sound, smaller, bad]) == need


def test_the_largest_photo_that_settings_allow_counts_where_none_can_be_read(make_job, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "square.png")
    square = make_job(content=tmp_path / "square.png", style=tmp_path / "square.png")
    missing = make_job(content=tmp_path / "none.png")
    assert greatest_need([missing]) == greatest_need([square])


def test_the_need_is_that_of_the_machine_that_paints(make_job, tmp_path):
    assert greatest_need([make_job()], most=GIB) == greatest_need([make_job()])
    assert greatest_need([make_job(("max_dim", "0"))], most=GIB) <= GIB
    huge = make_job(("max_dim", "1000000"), ("block_size", "0"), content=tmp_path / "none.png")
    assert free_memory() < greatest_need([huge], most=2**60)  # more than this machine has


@pytest.mark.parametrize("need", [BASE // 2, BASE, BASE + 1, 2 * BASE, 10 * GIB])
def test_what_a_run_needs_is_left_beside_the_memo(need):
    size = with_cache(need)
    assert need <= size - cache_share(size) <= need + 1
