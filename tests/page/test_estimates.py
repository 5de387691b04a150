"""Estimates of the time of a run."""

import pytest

from nst_tf.page.estimates import BOUND, Estimates, in_words, modelled_seconds
from nst_tf.page.order import Order
from nst_tf.page.runs import Run
from nst_tf.recipes import recipe
from nst_tf.settings import Settings

PHOTO = (3000, 4000)


@pytest.fixture
def finished(tmp_path, monkeypatch):
    """Return a maker of runs that have just finished."""

    def make(modelled, seconds, name="fast"):
        now = 100.0
        monkeypatch.setattr("time.monotonic", lambda: now)
        run = Run(Order("a.jpg", ("b.jpg",), name), tmp_path, modelled=modelled)
        run.set_status("running")
        now += seconds
        run.set_status("finished")
        return run

    return make


@pytest.mark.parametrize(
    ("size", "measured"),
    [((384, 512), 48), ((768, 1024), 44), ((2160, 3840), 59)],
)
def test_the_model_is_near_the_records_of_docs(size, measured):
    """Compare with docs/performance.md, which a processor's other work changes by as much."""
    settings = recipe("painting")
    seconds = modelled_seconds(Settings(**{**vars(settings), "max_dim": max(size)}), size)
    assert 0.7 < seconds / measured < 1.3


def test_more_steps_take_longer_and_a_limit_ends_them():
    few, many = (modelled_seconds(Settings(epochs=epochs), PHOTO) for epochs in (1, 10))
    assert many > 5 * few
    assert modelled_seconds(Settings(epochs=10, time_limit=60), PHOTO) == 60


def test_a_small_photo_is_not_enlarged():
    small, large = (modelled_seconds(Settings(max_dim=side), (75, 100)) for side in (100, 4000))
    assert small == large


def test_a_finished_run_corrects_the_estimates(finished):
    estimates = Estimates()
    settings = recipe("fast")
    before = estimates.seconds("fast", settings, PHOTO)
    assert not estimates.measured("fast")
    estimates.learn(finished(10, 30))
    assert estimates.seconds("fast", settings, PHOTO) == pytest.approx(3 * before)
    assert estimates.measured("fast")
    # A recipe that no run has measured follows the latest run of another one.
    assert not estimates.measured("gatys")
    usual = modelled_seconds(recipe("gatys"), PHOTO)
    assert estimates.seconds("gatys", recipe("gatys"), PHOTO) == pytest.approx(3 * usual)
    estimates.learn(finished(10, 120))
    assert estimates.seconds("fast", settings, PHOTO) == pytest.approx(6 * before)
    assert estimates.changes == 2


def test_a_run_that_was_stopped_or_continued_corrects_nothing(finished):
    estimates = Estimates()
    stopped, continued = finished(10, 30), finished(10, 30)
    stopped.set_status("stopped")
    continued.starts = 2
    for run in (stopped, continued):
        estimates.learn(run)
    assert estimates.changes == 0


def test_one_odd_run_changes_the_estimates_within_a_bound(finished):
    estimates = Estimates()
    before = estimates.seconds("fast", recipe("fast"), PHOTO)
    estimates.learn(finished(0.001, 3000))
    assert estimates.seconds("fast", recipe("fast"), PHOTO) == pytest.approx(BOUND * before)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "5 s"), (12, "10 s"), (44, "45 s"), (58, "1 min"), (100, "2 min"),
        (3500, "58 min"), (5500, "1 h 30 min"), (7200, "2 h"), (7190, "2 h"),
    ],
)  # fmt: skip
def test_a_duration_has_rounded_units(seconds, words):
    assert in_words(seconds) == words
