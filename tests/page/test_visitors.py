"""Visitors and their files."""

import os
import threading
from contextlib import suppress

import pytest

from nst_tf.page.drawings import MAX_BYTES, Drawing
from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.sweep import sweep_files
from nst_tf.page.visitor import DRAWING_GONE
from nst_tf.page.visitors import Visitors
from nst_tf.utils.errors import UserError

ORDER = Order("photo.png", ("painting.png",))


@pytest.fixture
def files(photo, painting):
    return {"photo.png": photo, "painting.png": painting}


@pytest.fixture
def visitors(tmp_path):
    return Visitors(tmp_path / "runs", retention=0.0)


def test_a_token_is_secret_and_leads_back(visitors):
    one, other = visitors.session_for(""), visitors.session_for("guessed")
    assert one.token not in ("", "guessed")
    assert len({one.token, other.token}) == 2
    assert visitors.session_for(one.token) is one
    assert visitors.known(other.token) is other
    for token in ("", "guessed", None, 3, one.token[:-1]):
        assert visitors.known(token) is None
    assert one.token not in str(one.folder)


def test_every_run_has_files_of_its_own(visitors, files):
    visitor = visitors.session_for("")
    first, second = visitors.create_runs(visitor, ORDER.variants((0.5, 1)), files)
    assert first.folder != second.folder
    for run in (first, second):
        assert {path.name for path in run.folder.iterdir()} == set(files)
    assert visitor.shown == [first, second]


def test_one_of_the_shown_runs_is_the_main_one(visitors, files):
    visitor = visitors.session_for("")
    assert visitor.main is None
    first, second = visitors.create_runs(visitor, ORDER.variants((0.5, 1)), files)
    assert visitor.main is first
    visitor.choose(second)
    assert visitor.main is second
    second.set_status("finished")
    visitors.sweep()  # which deletes the chosen one
    assert visitor.main is first
    visitor.show([])
    assert visitor.main is None


def test_one_visitor_cannot_fill_the_line(visitors, files):
    visitor = visitors.session_for("")
    visitors.create_runs(visitor, [ORDER] * Limits().waiting, files)
    with pytest.raises(ValueError, match=f"{Limits().waiting} of your pictures wait"):
        visitors.create_runs(visitor, [ORDER], files)
    assert len(visitor.runs) == Limits().waiting
    visitors.create_runs(visitors.session_for(""), [ORDER], files)


def test_old_runs_make_room_for_new_ones(visitors, files):
    visitor = visitors.session_for("")
    for _ in range(Limits().kept + 3):
        (run,) = visitors.create_runs(visitor, [ORDER], files)
        run.set_status("finished")
    assert len(visitor.runs) == Limits().kept
    assert len(list(visitor.folder.glob("*/photo.png"))) == Limits().kept
    assert visitor.runs[-1] is run


def test_what_nobody_uses_is_deleted(visitors, files):
    visitor = visitors.session_for("")
    done, waiting = visitors.create_runs(visitor, [ORDER] * 2, files)
    done.set_status("finished")
    visitors.sweep()
    assert not done.folder.exists()
    assert waiting.folder.exists()
    assert visitor.runs == visitor.shown == [waiting]
    waiting.set_status("finished")
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
    visitors = Visitors(tmp_path / "runs", retention=3600.0)
    visitor = visitors.session_for("")
    (run,) = visitors.create_runs(visitor, [ORDER], files)
    run.set_status("finished")
    visitors.sweep()
    assert run.folder.exists()
    assert visitors.known(visitor.token) is visitor


def test_refused_orders_leave_no_folder(visitors, files):
    """Ask for too many runs, and for a file that is not there: nothing stays on the disk."""
    visitor = visitors.session_for("")
    before = sorted(visitor.folder.iterdir())
    with pytest.raises(UserError):
        visitors.create_runs(visitor, [ORDER] * (Limits().waiting + 1), files)
    for _ in range(3):
        with pytest.raises(OSError, match="none"):
            visitors.create_runs(
                visitor, [ORDER], {**files, "none.png": visitor.folder / "none.png"}
            )
    assert sorted(visitor.folder.iterdir()) == before
    assert visitor.runs == []


def test_orders_that_come_at_once_keep_the_limit(visitors, files):
    """Begin runs from many threads: the limit is checked where they are noted."""
    visitor = visitors.session_for("")
    together = threading.Barrier(12)

    def begin():
        together.wait()
        with suppress(UserError):
            visitors.create_runs(visitor, [ORDER], files)

    threads = [threading.Thread(target=begin) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(visitor.runs) == Limits().waiting
    assert len([*visitor.folder.glob("*/photo.png")]) == Limits().waiting


def test_the_oldest_uploads_make_room_for_new_ones(visitors):
    visitor = visitors.session_for("")
    limits = Limits(files=3, session_bytes=100)
    texts = []
    for number in range(3):
        path = visitor.uploads / str(number) / "a.png"
        path.parent.mkdir()
        path.write_bytes(b"x" * 30)
        os.utime(path, (number, number))
        texts.append(visitor.grant(path, 30))
    visitor.own_file(texts[0])  # it is in use: the next one is the oldest now
    visitor.make_room(1, 30, limits)
    assert [text in visitor.files for text in texts] == [True, False, True]
    assert not os.path.exists(os.path.dirname(texts[1]))
    visitor.make_room(1, 70, limits)
    assert [text in visitor.files for text in texts] == [True, False, False]
    for files, size in ((4, 1), (1, 101)):
        with pytest.raises(UserError, match="at most"):
            visitor.make_room(files, size, limits)


def test_drawings_are_few_and_small(visitors):
    visitor = visitors.session_for("")
    drawings = {name: Drawing(name.encode()) for name in "abcde"}
    for name, drawing in drawings.items():
        visitor.store_drawing(name, drawing)
    assert [*visitor.drawings] == ["b", "c", "d", "e"]
    assert visitor.drawing("c") is drawings["c"]
    assert visitor.drawing("") is None
    assert visitor.form.drawing is drawings["e"]
    visitor.store_drawing("c", None)
    assert visitor.form.drawing is None
    for name in ("a", "c", "x"):
        with pytest.raises(UserError, match=DRAWING_GONE):
            visitor.drawing(name)
    for name, picture in (("../x", b""), (None, b""), ("a", bytes(MAX_BYTES + 1))):
        with pytest.raises(UserError):
            visitor.store_drawing(name, Drawing(picture))


def test_who_logs_out_is_known_no_more(visitors, files):
    visitor, busy = visitors.session_for(""), visitors.session_for("")
    (run,) = visitors.create_runs(busy, [ORDER], files)
    for one in (visitor, busy):
        secret = one.token
        visitors.forget(one)
        assert visitors.known(secret) is None
    assert not visitor.folder.exists()
    assert run.folder.exists()  # it is being painted
    run.set_status("finished")
    visitors.sweep()
    visitors.sweep()
    assert not busy.folder.exists()


def test_files_that_are_shown_no_more_are_deleted(visitors, tmp_path):
    """Show pictures in one place after another; one that a second visitor sees stays."""
    one, other = visitors.session_for(""), visitors.session_for("")
    first, second, sample = (str(tmp_path / name / "a.png") for name in ("1", "2", "sample"))
    for text in (first, second, sample):
        os.mkdir(os.path.dirname(text))
        open(text, "w").close()
    visitors.public.add(sample)
    one.show_files([first, sample], 7)
    other.show_files([first], 7)
    one.show_files([second], 7)
    visitors.delete_stale_files()
    assert os.path.exists(first)
    other.show_files([], 7)
    one.show_files([first], None)  # a photo, which may be sent back from another screen
    visitors.delete_stale_files()
    one.show_files([second], None)
    visitors.delete_stale_files()
    assert [*map(os.path.exists, (first, second, sample))] == [True, True, True]
    one.files.pop(first)
    other.show_files([first], 7)
    other.show_files([], 7)
    visitors.delete_stale_files()
    assert [*map(os.path.exists, (first, second, sample))] == [False, True, True]
