"""Visitors and their files."""

import os

import pytest

from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.visitors import Visitors, sweep_files

ORDER = Order("photo.png", ("painting.png",))


@pytest.fixture
def files(photo, painting):
    return {"photo.png": photo, "painting.png": painting}


@pytest.fixture
def visitors(tmp_path):
    return Visitors(tmp_path / "runs", kept=0.0)


def test_a_token_is_secret_and_leads_back(visitors):
    one, other = visitors.welcome(""), visitors.welcome("guessed")
    assert one.token not in ("", "guessed")
    assert len({one.token, other.token}) == 2
    assert visitors.welcome(one.token) is one
    assert visitors.known(other.token) is other
    for token in ("", "guessed", None, 3, one.token[:-1]):
        assert visitors.known(token) is None
    assert one.token not in str(one.folder)


def test_every_run_has_files_of_its_own(visitors, files):
    visitor = visitors.welcome("")
    first, second = visitors.begin(visitor, ORDER.variants((0.5, 1)), files)
    assert first.folder != second.folder
    for run in (first, second):
        assert {path.name for path in run.folder.iterdir()} == set(files)
    assert visitor.shown == [first, second]


def test_one_visitor_cannot_fill_the_line(visitors, files):
    visitor = visitors.welcome("")
    visitors.begin(visitor, [ORDER] * Limits().waiting, files)
    with pytest.raises(ValueError, match=f"{Limits().waiting} of your pictures wait"):
        visitors.begin(visitor, [ORDER], files)
    assert len(visitor.runs) == Limits().waiting
    visitors.begin(visitors.welcome(""), [ORDER], files)


def test_old_runs_make_room_for_new_ones(visitors, files):
    visitor = visitors.welcome("")
    for _ in range(Limits().kept + 3):
        (run,) = visitors.begin(visitor, [ORDER], files)
        run.becomes("finished")
    assert len(visitor.runs) == Limits().kept
    assert len(list(visitor.folder.glob("*/photo.png"))) == Limits().kept
    assert visitor.runs[-1] is run


def test_what_nobody_uses_is_deleted(visitors, files):
    visitor = visitors.welcome("")
    done, waiting = visitors.begin(visitor, [ORDER] * 2, files)
    done.becomes("finished")
    visitors.sweep()
    assert not done.folder.exists()
    assert waiting.folder.exists()
    assert visitor.runs == visitor.shown == [waiting]
    waiting.becomes("finished")
    visitors.sweep()
    visitors.sweep()
    assert visitors.known(visitor.token) is None
    assert not visitor.folder.exists()


def test_old_uploads_are_deleted(tmp_path):
    old, new = (tmp_path / "folder" / name for name in ("old.png", "new.png"))
    old.parent.mkdir()
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1e9, 1e9))
    sweep_files(tmp_path)
    assert not old.exists()
    assert new.exists()


def test_what_is_young_stays(tmp_path, files):
    visitors = Visitors(tmp_path / "runs", kept=3600.0)
    visitor = visitors.welcome("")
    (run,) = visitors.begin(visitor, [ORDER], files)
    run.becomes("finished")
    visitors.sweep()
    assert run.folder.exists()
    assert visitors.known(visitor.token) is visitor
