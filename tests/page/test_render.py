"""What visitors see, without a browser."""

import dataclasses
import re

import pytest
from PIL import Image

from nst_tf.page import render
from nst_tf.page.order import Order
from nst_tf.page.runs import Run
from nst_tf.page.worker import StepPreview

PREVIEW = StepPreview("CPU", 5, 20, 1, 2, 3.0, 65.0, {"total": 8.0, "style": 2.0}, b"\xff\xd8jpeg")


def run(tmp_path, **settings):
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg")
    return Run(Order("a.jpg", ("b.jpg",), "fast", settings), tmp_path)


def test_a_screen_without_runs_says_how_to_begin():
    assert "press <b>Paint</b>" in render.screen([], [])


@pytest.mark.parametrize(
    ("place", "words"),
    [(0, "waiting for its turn"), (1, "1 picture is before"), (3, "3 pictures are before")],
)
def test_the_place_in_the_line_is_told(tmp_path, place, words):
    assert words in render.status(run(tmp_path), place)


def test_a_running_run_tells_step_size_and_time(tmp_path):
    one = run(tmp_path)
    one.set_status("running")
    assert render.status(one, 0) == "preparing, about 10 s"
    one.add_preview(PREVIEW)
    assert render.status(one, 0) == "step 5 of 20 · size 1 of 2 · 0:01:05 left"
    one.add_preview(dataclasses.replace(PREVIEW, left=None))
    assert "left" not in render.status(one, 0)
    screen = render.screen([one], [0])
    assert 'value="0.250"' in screen
    assert "data:image/jpeg;base64,/9hqcGVn" in screen


def test_before_its_first_picture_a_run_shows_the_photo(tmp_path):
    one = run(tmp_path)
    for position, line in ((0, "waiting for its turn"), (2, "2 pictures are before this one")):
        screen = render.screen([one], [position])
        assert line in screen
        assert 'class="preparing"' in screen
        assert "data:image/jpeg;base64," in screen
    one.set_status("running")
    assert "preparing, about 25 s" in render.screen([one], [0], preparation=24.0)
    one.add_preview(PREVIEW)
    assert "preparing" not in render.screen([one], [0])


def test_one_of_several_pictures_is_chosen(tmp_path):
    runs = [run(tmp_path, strength=strength) for strength in ("0.5", "1")]
    screen = render.screen(runs, [0, 1], runs[1].name)
    buttons = re.findall(r'data-act="choose" aria-pressed="(\w+)">(\w+)<', screen)
    assert buttons == [("false", "Choose"), ("true", "Chosen")]
    assert 'data-act="choose"' not in render.screen(runs[:1], [0], runs[0].name)


def test_the_bar_shows_the_run_that_is_being_painted(tmp_path):
    waiting, running = run(tmp_path), run(tmp_path)
    assert render.progress([]) == ""
    assert "value" not in render.progress([waiting])
    running.set_status("running")
    running.add_preview(PREVIEW)
    assert 'value="0.250"' in render.progress([waiting, running])
    running.set_status("stopped")
    assert render.progress([running]) == ""


def test_a_title_names_what_differs_from_the_recipe(tmp_path):
    assert render.title(run(tmp_path, strength="0.5", max_dim="512")) == "fast · strength 0.5"


def test_words_of_visitors_are_no_html(tmp_path):
    one = run(tmp_path, strength="<b>")
    one.set_status("failed", "<script>alert(1)</script> & more")
    screen = render.screen([one], [0])
    assert "<script" not in screen
    assert "<b><b>" not in screen
    assert "&lt;script&gt;" in screen


def test_a_curve_has_shares_of_the_first_loss(tmp_path):
    one = run(tmp_path)
    one.add_preview(PREVIEW)
    one.add_preview(dataclasses.replace(PREVIEW, step=6, losses={"total": 4.0, "style": 1.0}))
    assert render.curve(one) == {
        "step": [5, 5, 6, 6],
        "loss": [1.0, 0.25, 0.5, 0.125],
        "term": ["total", "style"] * 2,
    }
    assert render.curve(None) == {"step": [], "loss": [], "term": []}


def test_brushstrokes_are_named_in_place_of_steps(tmp_path):
    one = run(tmp_path)
    one.set_status("running")
    one.add_preview(dataclasses.replace(PREVIEW, scales=5, levels=3))
    assert render.status(one, 0).startswith("step 5 of 20 · size 1 of 2 · ")
    one.add_preview(dataclasses.replace(PREVIEW, scale=4, scales=5, level=2, levels=3))
    assert render.status(one, 0).startswith("brushstrokes 2 of 3 · ")
    assert len(one.curve) == 1
