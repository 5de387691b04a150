"""Variants and favourites of finished pictures, without a browser."""

import pytest
from PIL import Image

from nst_tf.page import favourites, pictures, render
from nst_tf.page.favourites import toggle
from nst_tf.page.limits import Limits
from nst_tf.page.order import Order
from nst_tf.page.updates import earlier_runs
from nst_tf.page.variants import more_like, neighbours, stroke_neighbours
from nst_tf.page.visitors import Visitors
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from tests.page.unpainted import unpainted


@pytest.fixture
def state(tmp_path):
    with unpainted(tmp_path, Limits()) as state:
        yield state


@pytest.fixture
def files(tmp_path):
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 30)).save(photo)
    return {"photo.png": photo, "painting.png": photo}


def finished(visitors, visitor, files, recipe="fast", network=True, **settings):
    """Return a run of a visitor that has ended, as its painter leaves it."""
    order = Order("photo.png", ("painting.png",), recipe, settings)
    (run,) = visitors.create_runs(visitor, [order], files)
    Image.new("RGB", (20, 15), "blue").save(run.folder / order.output)
    if network:
        (run.folder / f"{order.output}.network").write_bytes(b"network")
    run.set_status("finished")
    return run


def changes(one, other):
    """Return the settings of a run that another one lacks."""
    return dict(other.order.settings.items() - one.order.settings.items())


def test_neighbours_are_a_little_lower_and_higher():
    assert stroke_neighbours(Settings(repaint_detail=0.5)) == [
        {"repaint_detail": "0.25"}, {"repaint_detail": "0.75"},
    ]  # fmt: skip
    assert stroke_neighbours(Settings(repaint_detail=1.0)) == [{"repaint_detail": "0.75"}]
    assert neighbours(Settings(strength=0.8, detail=2.0), False) == [
        {"strength": "0.55"}, {"strength": "1.05"}, {"detail": "1.43"}, {"detail": "2.8"},
    ]  # fmt: skip
    assert neighbours(Settings(strength=0.0, detail=16.0), False)[:2] == [
        {"strength": "0.25"}, {"detail": "11.4"},
    ]  # fmt: skip
    assert neighbours(Settings(strength=4.0, recolor=True), False) == [
        {"strength": "3"}, {"strength": "5"},
    ]  # fmt: skip
    assert neighbours(Settings(init="noise", seed=2**32 - 1), False)[-1] == {"seed": "0"}
    assert "seed" not in neighbours(Settings(init="noise"), True)[-1]


def test_more_like_this_shows_the_picture_beside_its_neighbours(state, files):
    visitor = state.visitors.session_for(None)
    first = finished(state.visitors, visitor, files, strength="0.8")
    more_like(state, visitor, first)
    assert visitor.shown[0] is visitor.main is first
    variants = visitor.shown[1:]
    assert [changes(first, one) for one in variants] == [
        {"repaint_detail": "0.25"}, {"repaint_detail": "0.75"}, {"strength": "0.55"},
        {"strength": "1.05"}, {"detail": "0.714"}, {"detail": "1.4"},
    ]  # fmt: skip
    assert [one.kept is not None for one in variants] == [True, True] + [False] * 4
    assert state.queue.waiting == len(variants) == Limits().waiting
    with pytest.raises(UserError, match="6 of your pictures wait"):
        more_like(state, visitor, first)


def test_as_many_neighbours_as_may_wait_are_ordered(state, files):
    visitor = state.visitors.session_for(None)
    first = finished(state.visitors, visitor, files, network=False)
    state.visitors.create_runs(visitor, [first.order] * 3, files)
    more_like(state, visitor, first)
    assert [changes(first, one) for one in visitor.shown] == [
        {}, {"strength": "0.75"}, {"strength": "1.25"}, {"detail": "0.714"},
    ]  # fmt: skip
    with pytest.raises(UserError, match="only a finished picture"):
        more_like(state, visitor, visitor.shown[1])


def test_favourites_come_first_and_have_a_star(state, files):
    visitor = state.visitors.session_for(None)
    first, second, third = [finished(state.visitors, visitor, files) for _ in range(3)]
    assert earlier_runs(visitor) == [third, second, first]
    plain = pictures.thumbnail(first).tobytes()
    toggle(visitor, first, state.limits)
    assert earlier_runs(visitor) == [first, third, second]
    assert pictures.thumbnail(first).tobytes() != plain
    assert 'data-act="favour" aria-pressed="true">★' in render.screen([first], [0])
    toggle(visitor, first, state.limits)
    assert earlier_runs(visitor) == [third, second, first]
    assert pictures.thumbnail(first).tobytes() == plain
    assert 'aria-pressed="false">☆' in render.screen([first], [0])


def test_an_active_run_that_is_not_on_the_screen_is_in_the_history(state, files):
    visitor = state.visitors.session_for(None)
    ended = finished(state.visitors, visitor, files)
    (waiting,) = state.visitors.create_runs(visitor, [ended.order], files)
    assert earlier_runs(visitor) == [ended]
    visitor.show([ended])
    assert earlier_runs(visitor) == [waiting, ended]
    assert [render.caption(run) for run in (waiting, ended)] == ["fast · waiting", "fast"]
    assert pictures.thumbnail(waiting).size == (40, 30)


def test_a_favourite_outlives_others_until_its_visitor_is_unknown(tmp_path, files, monkeypatch):
    visitors = Visitors(tmp_path / "runs", retention=0.0)
    visitor = visitors.session_for(None)
    kept, other = finished(visitors, visitor, files), finished(visitors, visitor, files)
    toggle(visitor, kept, Limits())
    visitors.sweep()
    assert visitor.runs == [kept]
    assert kept.picture.exists()
    assert not other.folder.exists()
    assert visitors.known(visitor.token) is visitor
    monkeypatch.setattr(favourites, "MAX_AGE", 0.0)
    visitors.sweep()
    visitors.sweep()
    assert not visitor.folder.exists()
    assert visitors.known(visitor.token) is None


def test_new_pictures_replace_others_before_favourites(state, files):
    visitor = state.visitors.session_for(None)
    kept = finished(state.visitors, visitor, files)
    toggle(visitor, kept, state.limits)
    seen = finished(state.visitors, visitor, files)
    for _ in range(Limits().kept):
        finished(state.visitors, visitor, files)
        visitor.show([seen])
    assert len(visitor.runs) == Limits().kept
    assert {kept, seen} <= {*visitor.runs}


def test_favourites_are_few_and_small(tmp_path, files):
    visitors = Visitors(tmp_path / "runs")
    visitor = visitors.session_for(None)
    one, other, third = [finished(visitors, visitor, files) for _ in range(3)]
    toggle(visitor, one, Limits(kept=4))
    toggle(visitor, other, Limits(kept=4))
    with pytest.raises(UserError, match="at most 2 pictures can be favourites: deselect one"):
        toggle(visitor, third, Limits(kept=4))
    toggle(visitor, other, Limits())
    with pytest.raises(UserError, match=r"favourites may have 0\.0001 megabytes together"):
        toggle(visitor, other, Limits(session_bytes=100))
    (waiting,) = visitors.create_runs(visitor, [one.order], files)
    with pytest.raises(UserError, match="only a finished picture"):
        toggle(visitor, waiting, Limits())


def test_favourites_of_all_visitors_have_a_total_size(tmp_path, files):
    """Let two visitors have a favourite each, with room for one: the latest remains."""
    size = finished(Visitors(tmp_path / "one"), Visitors(tmp_path / "two").session_for(None), files)
    limits = Limits(favourite_bytes=int(1.5 * size.size))
    visitors = Visitors(tmp_path / "runs", retention=0.0, limits=limits)
    made = []
    for _ in range(2):
        visitor = visitors.session_for(None)
        made.append(finished(visitors, visitor, files))
        toggle(visitor, made[-1], limits)
    visitors.sweep()
    assert [run.folder.exists() for run in made] == [False, True]
