"""The way from two pictures to a third, in a browser, with a painter that needs no network."""

import io
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect

from nst_tf.page.undo import TOGETHER
from nst_tf.recipes import RECIPES
from tests.conftest import ASSETS, wait_until
from tests.page.visit import PATIENCE, fill

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture
def files(tmp_path):
    """Return files that are not pictures of nst_tf: a drawing and a text."""
    drawing, text = tmp_path / "drawing.svg", tmp_path / "text.png"
    drawing.write_text(SVG)
    text.write_text("not a picture")
    return drawing, text


def pair(visitor, index=0):
    """Choose a sample pair."""
    visitor.page.locator("#sample-pairs .grid-container button").nth(index).click()
    for place in ("#photo img", "#paintings button img"):
        visitor.page.locator(place).first.wait_for(timeout=PATIENCE)


def told(visitor, place):
    """Return the locator of the sentences at a place."""
    return visitor.page.locator(f"#{place} [role=alert]")


def expect_words(locator, words):
    expect(locator).to_contain_text(words, timeout=PATIENCE)


def expect_none(locator):
    expect(locator).to_have_count(0, timeout=PATIENCE)


def test_a_refused_picture_is_told_beside_its_place_and_leaves_the_others(visit, files):
    drawing, text = files
    visitor = visit()
    page = visitor.page
    add = page.get_by_test_id("Add a painting-upload-button")
    add.set_input_files(text)
    expect_words(told(visitor, "paintings-notice"), "text.png is not a picture")
    page.locator("#paintings input[type=file]").set_input_files(drawing)
    expect_words(told(visitor, "paintings-notice"), "drawing.svg is an SVG drawing")
    expect_none(page.locator("#paintings button img"))
    page.locator("#photo input[type=file]").set_input_files(ASSETS / "cat.jpg")
    page.locator("#photo img").wait_for()
    visitor.press("paint")
    expect_words(told(visitor, "paintings-notice"), "a painting is missing")
    page.locator("#sample-paintings .grid-container button").first.click()
    expect_none(told(visitor, "paintings-notice"))
    page.locator("#photo input[type=file]").set_input_files(text)
    expect_words(told(visitor, "photo-notice"), "text.png is not a picture")
    expect(page.locator("#photo img")).to_have_attribute("src", pattern("cat.jpg"))
    visitor.begin()
    visitor.status("finished")
    page.locator("#photo input[type=file]").set_input_files(ASSETS / "coffee.jpg")
    expect_none(told(visitor, "photo-notice"))
    assert visitor.policy() == []


def pattern(name):

    return re.compile(re.escape(name))


def test_a_request_that_fails_is_told_until_one_succeeds(visit):
    visitor = visit()
    visitor.page.route(
        "**/run/predict",
        lambda route: route.fulfill(status=500, json={"error": "the disk is full"}),
    )
    expect_words(told(visitor, "failure"), "the disk is full.")
    visitor.page.unroute_all()
    expect_none(told(visitor, "failure"))


def test_buttons_are_about_the_picture_that_is_chosen(visit, address, tmp_path):
    visitor = visit()
    pair(visitor)
    visitor.small(size=200, steps=2)
    visitor.press("grid")
    for index in range(3):
        visitor.status("finished", index)
    choose = visitor.page.locator('[data-act="choose"]:not([data-tab])').nth(2)
    choose.click()
    expect_words(visitor.page.locator("figure.chosen"), "strength 1.5")
    wait_until(lambda: "--strength=1.5" in visitor.command())
    made = visitor.download(tmp_path)
    assert made.name == "temple-great_wave-fast-strength-1.5-200px.png"
    expect(choose).to_have_attribute("aria-pressed", "true")
    run = visitor.page.locator("figure.chosen").get_attribute("data-run")
    for part in ("", "/photo"):
        own, others = (
            requests.get(f"{address}pictures/{run}{part}") for requests in
            (visitor.page.request, visit().page.request)
        )  # fmt: skip
        assert (own.status, others.status) == (200, 404)
        assert Image.open(io.BytesIO(own.body())).size[0] >= 200


def test_variants_have_buttons_of_their_own_and_a_favourite_survives_a_reload(visit, tmp_path):
    visitor = visit()
    page = visitor.page
    pair(visitor)
    visitor.small(size=200, steps=2)
    for strength in (0.8, 1.2):
        fill(page.locator("#strength input[type=number]"), strength)
        visitor.begin()
        visitor.status("finished")
    history = page.locator("#history .grid-container button")
    expect(history).to_have_count(2, timeout=PATIENCE)
    history.nth(1).click()
    expect_words(page.locator("#screen figcaption b"), "strength 0.8")
    page.locator('[data-act="favour"]').click()
    expect_words(page.locator('[data-act="favour"]'), "★")
    page.locator('[data-act="more"]').click()
    figures = page.locator("#screen figure")
    expect(figures).to_have_count(5, timeout=PATIENCE)
    for index, words in enumerate(("0.8", "0.55", "1.05", "detail 0.714", "detail 1.4")):
        visitor.status("finished", index)
        expect_words(figures.nth(index), words)
        shape = figures.nth(index).locator("img").bounding_box()
        assert shape["width"] / shape["height"] == pytest.approx(1.5, rel=0.02)
    with page.expect_download() as waiting:
        figures.nth(1).get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "temple-great_wave-fast-strength-0.55-200px.png"
    figures.nth(2).get_by_role("button", name="Compare").click()
    expect(page.locator("#compare")).to_be_visible(timeout=PATIENCE)
    wait_until(lambda: "--strength=1.05" in visitor.command())
    visitor.load(page.reload)
    expect(history).to_have_count(6, timeout=PATIENCE)
    history.first.click()
    expect(figures).to_have_count(1, timeout=PATIENCE)
    expect_words(page.locator("#screen figcaption b"), "strength 0.8")
    expect_words(page.locator('[data-act="favour"]'), "★")
    assert visitor.policy() == []


def test_stop_and_continue_are_about_all_pictures(visit):
    visitor = visit()
    pair(visitor)
    visitor.small(size=200, steps=100)
    visitor.press("grid")
    visitor.status("step")
    visitor.press("stop")
    visitor.status("stopped after", 0)
    for index in (1, 2):
        visitor.status("cancelled while it waited", index)
    expect(visitor.page.locator("#download")).to_be_enabled(timeout=PATIENCE)
    visitor.press("continue")
    visitor.status("step", 0)
    for index in (1, 2):
        visitor.status("waiting", index)
    visitor.press("stop")
    visitor.status("stopped after", 0)


def test_the_form_comes_back(visit):
    """Reload the page, and use the settings of an earlier picture."""
    visitor = visit()
    pair(visitor, 1)
    visitor.small(size=200, steps=2)
    strength = visitor.page.locator("#strength input[type=number]")
    fill(strength, 0.7)
    visitor.begin()
    visitor.status("finished")
    visitor.load(visitor.page.reload)
    for place in ("#photo img", "#paintings button img"):
        visitor.page.locator(place).first.wait_for(timeout=PATIENCE)
    expect(strength).to_have_value("0.7", timeout=PATIENCE)
    expect(visitor.page.locator('#recipe input[value="fast"]')).to_be_checked()
    expect(visitor.page.locator('#size input[value="own"]')).to_be_checked()
    expect(visitor.page.locator("#max_dim input[type=number]")).to_have_value("200")
    fill(strength, 1.5)
    pair(visitor, 0)
    visitor.press("reuse")
    expect(strength).to_have_value("0.7", timeout=PATIENCE)
    expect(visitor.page.locator("#photo img")).to_have_attribute("src", pattern("cat.jpg"))


def test_a_recipe_leaves_what_the_visitor_has_set(visit):
    visitor = visit()
    visitor.size(200)
    keep = visitor.page.locator("#keep_faces input")
    visitor.recipe("tutorial")
    expect(keep).not_to_be_checked(timeout=PATIENCE)
    visitor.recipe("quality")
    expect(keep).to_be_checked(timeout=PATIENCE)
    keep.uncheck()
    visitor.recipe("fast")
    expect_words(visitor.page.locator("#estimate"), "200 × 150 pixels")
    expect(visitor.page.locator("#max_dim input[type=number]")).to_have_value("200")
    expect(keep).not_to_be_checked()


def test_changes_of_settings_are_undone(visit):
    visitor = visit()
    page = visitor.page
    undo, redo = page.locator("#undo"), page.locator("#redo")
    strength = page.locator("#strength input[type=number]")
    expect(undo).to_be_disabled()
    page.wait_for_timeout(1000 * TOGETHER)  # a later change is one of its own
    fill(strength, 0.7)
    expect(undo).to_be_enabled(timeout=PATIENCE)
    page.wait_for_timeout(1000 * TOGETHER)
    visitor.recipe("tutorial")
    keep = page.locator("#keep_faces input")
    expect(keep).not_to_be_checked(timeout=PATIENCE)
    page.wait_for_timeout(1000 * TOGETHER)
    undo.click()
    expect(page.locator('#recipe input[value="painting"]')).to_be_checked(timeout=PATIENCE)
    expect(keep).to_be_checked()
    expect(strength).to_have_value("0.7")
    page.wait_for_timeout(1000 * TOGETHER)
    undo.click()
    expect(strength).to_have_value("1", timeout=PATIENCE)
    expect(undo).to_be_disabled(timeout=PATIENCE)
    redo.click()
    expect(strength).to_have_value("0.7", timeout=PATIENCE)
    visitor.open("Advanced")
    visitor.field("steps_per_epoch", "none")  # not valid, so not recorded
    undo.click()
    expect(visitor.advanced("steps_per_epoch")).to_have_value("", timeout=PATIENCE)
    expect(strength).to_have_value("0.7")
    expect(redo).to_be_enabled()
    visitor.load(page.reload)
    expect(strength).to_have_value("1", timeout=PATIENCE)  # without pictures, a form is new


def test_sizes_and_times_are_known_before_paint(visit):
    visitor = visit()
    line = visitor.page.locator("#estimate")
    expect_words(line, "512 × 384 pixels, about")
    shown = visitor.page.locator("#recipe label").evaluate_all(
        "cards => cards.map(one => getComputedStyle(one, '::before').backgroundImage)"
    )
    assert len({*shown}) == len(RECIPES)  # each card has a picture of its own
    assert all(picture.startswith('url("data:image/webp') for picture in shown)
    visitor.page.locator('#size input[value="A4"]').check()
    expect_words(line, "3508 × 2631 pixels, about")
    assert visitor.page.locator("#max_dim").is_hidden()
    visitor.page.locator('#size input[value="screen"]').check()
    visitor.recipe("quality")
    expect_words(line, "1024 × 768 pixels, about")
    pair(visitor)
    expect_words(line, "pixels, about")
    visitor.small(size=128, steps=1)
    visitor.begin()
    visitor.status("finished")
    expect_words(visitor.page.locator('#recipe label:has([value="fast"])'), " here")


def test_the_photo_shows_until_the_first_picture_comes(visit):
    visitor = visit()
    pair(visitor)
    visitor.small(size=200, steps=300)
    visitor.begin()
    visitor.status("step")
    bar = visitor.page.locator("#screen progress")
    accent = shown_color(visitor.page, "var(--color-accent)")
    for one in (bar, visitor.page.locator("#progress progress")):
        wait_until(lambda one=one: accent in colors_of(one.screenshot()))
    visitor.press("grid")  # the first of them waits for the picture that is being painted
    expect_words(visitor.page.locator("#screen .preparing").first, "waiting")
    assert float(visitor.page.locator("#screen .preparing img").first.evaluate(
        "x => getComputedStyle(x).opacity"
    )) < 0.5  # fmt: skip
    visitor.press("stop")
    for index in range(3):
        visitor.status("cancelled while it waited", index)
    thumbnails = visitor.page.locator("#history .grid-container button")
    expect_words(thumbnails.first, "being painted")
    thumbnails.first.click()  # a run that is not on the screen can be seen again, and stopped
    visitor.status("step")
    visitor.press("stop")
    visitor.status("stopped after")


def test_a_phone_shows_the_picture_and_a_bar_that_stays(visit):
    visitor = visit()
    page = visitor.page
    page.set_viewport_size(PHONE)
    pair(visitor)
    visitor.small(size=200, steps=300)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    visitor.begin()
    expect(page.locator("#screen img")).to_be_in_viewport(ratio=0.9, timeout=PATIENCE)
    for name in ("progress progress", "stop"):
        expect(page.locator(f"#{name}")).to_be_in_viewport()
    small = page.evaluate(
        "[...document.querySelectorAll('#bar button, #recipe label, #size label, #add, #download,"
        " .samples .grid-container button, .screen button')].filter(x => x.checkVisibility() &&"
        " (x.getBoundingClientRect().height < 44 || x.getBoundingClientRect().width < 44))"
        ".map(x => x.outerHTML)"
    )
    assert small == []
    visitor.status("step")
    visitor.press("stop")
    visitor.status("stopped")


def shown_color(page, color):
    """Return the levels of a colour of the styles."""
    levels = page.evaluate(
        "color => { const one = document.createElement('i'); one.style.color = color;"
        " document.querySelector('#screen').append(one); const shown = getComputedStyle(one).color;"
        " one.remove(); return shown; }",
        color,
    )
    return tuple(map(int, re.findall(r"\d+", levels)))


def colors_of(screenshot):
    with Image.open(io.BytesIO(screenshot)) as image:
        return {color for _, color in image.convert("RGB").getcolors(2**24)}


def grey(screenshot):
    with Image.open(io.BytesIO(screenshot)) as image:
        return np.asarray(image.convert("L"), float)


def test_a_picture_is_seen_at_full_size_beside_its_photo(visit):
    visitor = visit()
    page = visitor.page
    pair(visitor)
    visitor.small(size=400, steps=2)
    visitor.begin()
    visitor.status("finished")
    page.locator("#screen img").click()
    viewer, zoom, pane = (
        page.locator(name) for name in ("#viewer", "#viewer output", "#viewer .pane")
    )
    expect(viewer).to_be_visible()
    expect_words(zoom, "%")
    fitting = zoom.inner_text()
    page.keyboard.press("1")
    expect(zoom).to_have_text("100 %")
    picture = page.locator("#viewer .picture").bounding_box()
    assert round(picture["width"]) == 400
    page.keyboard.press("+")
    expect(zoom).to_have_text("125 %")
    pane.hover()
    page.mouse.wheel(0, -100)
    expect(zoom).to_have_text("156 %")
    page.keyboard.press("0")
    expect(zoom).to_have_text(fitting)
    after = grey(pane.screenshot())
    page.keyboard.down("b")
    expect(viewer).to_have_attribute("data-before", "")
    before = grey(pane.screenshot())
    page.keyboard.up("b")
    expect(viewer).not_to_have_attribute("data-before", "")
    assert np.abs(before - after).max() > 30
    assert Axe().run(page, context="#viewer").response["violations"] == []
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    assert visitor.policy() == []


def test_advanced_settings_are_found_counted_and_reset(visit):
    visitor = visit()
    page = visitor.page
    visitor.open("Advanced")
    box = visitor.advanced("learning_rate")
    fill(box, "0.05")
    expect_words(page.locator("#changed"), "1 setting is changed")
    page.locator("#search input, #search textarea").fill("pixel range")  # words of its help
    expect(page.locator("#field-learning_rate")).to_be_visible()
    expect(page.locator("#field-epochs")).to_be_hidden()
    expect(page.locator("#advanced h3").filter(has_text="Schedule")).to_be_hidden()
    help_text = page.locator("#field-learning_rate .info-text")
    page.locator("#head").hover()
    expect(help_text).to_be_hidden()
    box.focus()
    expect(help_text).to_be_visible()
    page.locator("#search input, #search textarea").fill("")
    left, right = (
        page.locator(f"#field-{name}").bounding_box() for name in ("epochs", "steps_per_epoch")
    )
    assert left["y"] == right["y"]
    page.locator("#reset").click()
    expect(box).to_have_value("", timeout=PATIENCE)
    expect_words(page.locator("#changed"), "No settings are changed")


@pytest.mark.parametrize("media", [{}, {"color_scheme": "dark"}])
def test_axe_finds_nothing_serious(visit, media):
    visitor = visit(**media)
    page = visitor.page
    if media:
        page.set_viewport_size(PHONE)
    visitor.press("paint")
    expect_words(told(visitor, "photo-notice"), "a photo is missing")
    visitor.small(size=200, steps=1)  # which opens Advanced
    pair(visitor)
    visitor.press("grid")
    for index in range(3):
        visitor.status("finished", index)
    page.locator("#advanced").scroll_into_view_if_needed()
    assert visitor.inaccessible() == []
