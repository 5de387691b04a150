"""The editor of regions in a browser, with a painter that needs no network."""

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from nst_tf.page.drawings import COLORS
from tests.conftest import ASSETS, wait_until
from tests.page.test_path import PHONE, expect_words, pair, told
from tests.page.visit import PATIENCE, Visit

pytestmark = pytest.mark.browser

NOTHING = "Nothing is painted here"
ONE = "The region is painted; the rest remains the photo."
LEFT, MIDDLE, RIGHT = (0.25, 0.5), (0.5, 0.5), (0.75, 0.5)


class Editor:
    """The editor of a visitor who has chosen a pair."""

    def __init__(self, visitor):
        self.visitor, self.page = visitor, visitor.page
        self.canvas = self.page.locator("#regions canvas")
        self.state = self.page.locator("#regions .state")

    def open(self):
        self.visitor.open("Paint only parts of the photo")
        expect(self.canvas).to_be_visible(timeout=PATIENCE)
        expect(self.state).not_to_contain_text("Choose a photo", timeout=PATIENCE)
        return self

    def drag(self, *places):
        """Drag the mouse over places, as shares of the photo's width and height."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points:
            self.page.mouse.move(*point, steps=4)
        self.page.mouse.up()

    def region(self, place):
        """Return the name of the colour at a place; None: nothing is painted there."""
        *color, opacity = self.canvas.evaluate(
            "(x, [right, down]) => [...x.getContext('2d').getImageData("
            "Math.round(right * (x.width - 1)), Math.round(down * (x.height - 1)), 1, 1).data]",
            [*place],
        )
        distances = {name: np.abs(np.subtract(color, own)).max() for name, own in COLORS.items()}
        return min(distances, key=distances.get) if opacity > 128 else None

    def press(self, action):
        self.page.locator(f"#regions [data-do={action}]").click()


@pytest.fixture
def editor(visit):
    visitor = visit()
    pair(visitor)
    return Editor(visitor).open()


def test_a_region_is_painted_undone_and_erased(editor):
    expect_words(editor.state, NOTHING)
    editor.drag(LEFT, MIDDLE)
    expect_words(editor.state, ONE)
    expect_words(editor.page.locator("#open-regions"), "1 region")
    assert editor.region(LEFT) == "orange"
    assert editor.region(RIGHT) is None
    editor.press("undo")
    expect_words(editor.state, NOTHING)
    editor.press("redo")
    expect_words(editor.state, ONE)
    editor.press("erase")
    editor.drag(MIDDLE, MIDDLE)
    wait_until(lambda: editor.region(MIDDLE) is None)
    assert editor.region(LEFT) == "orange"
    editor.press("clear")
    expect_words(editor.state, NOTHING)


def test_the_keyboard_paints(editor):
    keyboard = editor.page.keyboard
    editor.canvas.focus()
    for key in ("[", "[", "]", "Space", "ArrowLeft", "ArrowLeft", "Shift+ArrowUp", "Space"):
        keyboard.press(key)
    expect_words(editor.page.locator("#regions .moved"), "The brush is up.")
    expect_words(editor.state, ONE)
    assert editor.region(MIDDLE) == "orange"
    keyboard.press("e")
    keyboard.press("Space")
    keyboard.press("Tab")  # which raises the brush
    expect_words(editor.page.locator("#regions .moved"), "The brush is up.")
    editor.canvas.focus()
    keyboard.press("Control+z")
    keyboard.press("Control+z")
    expect_words(editor.state, NOTHING)


def test_each_painting_has_a_colour(editor):
    page = editor.page
    page.get_by_test_id("Add a painting-upload-button").set_input_files(ASSETS / "auvers.jpg")
    legend = page.locator("#regions .legend label")
    expect(legend).to_have_count(2, timeout=PATIENCE)
    assert legend.all_inner_texts() == ["orange: great_wave.jpg", "blue: auvers.jpg"]
    legend.nth(1).click()
    editor.drag(LEFT)
    expect_words(editor.state, "painted like all paintings together")
    assert editor.region(LEFT) == "blue"
    editor.canvas.focus()
    page.keyboard.press("1")
    editor.drag(RIGHT)
    expect_words(editor.state, "Each region is painted like its painting")
    editor.visitor.small(size=128, steps=1)
    editor.visitor.begin()
    editor.visitor.status("finished")
    expect(page.locator("#screen img")).to_be_visible()
    masks = [f"--content_mask=temple-mask-{number}.png" for number in (1, 2)]
    wait_until(lambda: all(mask in editor.visitor.command() for mask in masks))


def test_regions_come_back(editor, address):
    """Reload the page, open it again, and use the settings of an earlier picture."""
    visitor, page = editor.visitor, editor.page
    visitor.small(size=128, steps=1)
    editor.drag(LEFT)
    expect_words(editor.state, ONE)
    visitor.begin()
    visitor.status("finished")
    visitor.load(page.reload)
    editor.open()
    expect_words(editor.state, ONE)
    assert editor.region(LEFT) == "orange"
    other = Visit(visitor.context, address)
    second = Editor(other).open()
    expect_words(second.state, ONE)
    other.page.close()
    editor.press("clear")
    expect_words(editor.state, NOTHING)
    visitor.press("reuse")
    expect_words(editor.state, ONE)
    pair(visitor, 1)
    expect_words(editor.state, NOTHING)
    visitor.begin()
    visitor.status("finished")
    page.locator("#history button").nth(1).click()
    expect_words(page.locator("#screen figure"), "masked")
    visitor.press("reuse")
    expect_words(editor.state, ONE)
    assert editor.region(LEFT) == "orange"


def test_regions_by_colour_are_painted_over(editor):
    page = editor.page
    page.locator("#color-regions").click()
    expect_words(editor.state, "painted like the colours above")
    legend = page.locator("#regions .legend label")
    expect(legend).to_have_count(3)
    expect_words(page.locator("#open-regions"), "3 regions")
    assert editor.region(LEFT)
    editor.press("undo")
    expect_words(editor.state, NOTHING)
    expect(legend).to_have_count(1)
    editor.press("redo")
    legend.nth(2).click()
    editor.drag(LEFT, RIGHT)
    assert editor.region(MIDDLE) == "green"
    editor.visitor.small(size=128, steps=1)
    editor.visitor.begin()
    editor.visitor.status("finished")
    wait_until(lambda: "--style_mask=temple-style-mask-3.png" in editor.visitor.command())
    editor.visitor.load(page.reload)
    editor.open()
    expect_words(editor.state, "painted like the colours above")
    assert editor.region(MIDDLE) == "green"
    pair(editor.visitor, 4)  # the same photo with another painting
    expect(legend).to_have_count(1, timeout=PATIENCE)


def test_a_mask_is_loaded_or_refused(editor, tmp_path):
    load = editor.page.get_by_test_id("Load a mask-upload-button")
    black, white = tmp_path / "black.png", tmp_path / "white.png"
    Image.new("L", (40, 30)).save(black)
    mask = Image.new("L", (40, 30))
    mask.paste(255, (0, 0, 20, 30))
    mask.save(white)
    load.set_input_files(black)
    expect_words(told(editor.visitor, "regions-notice"), "black.png is black all over")
    load.set_input_files(white)
    expect_words(editor.state, ONE)
    assert editor.region(LEFT) == "orange"
    assert editor.region(RIGHT) is None
    expect(told(editor.visitor, "regions-notice")).to_have_count(0)


@pytest.mark.parametrize("media", [{}, {"color_scheme": "dark"}])
def test_the_editor_is_accessible(visit, media):
    visitor = visit(**media)
    page = visitor.page
    if media:
        page.set_viewport_size(PHONE)
    pair(visitor)
    editor = Editor(visitor).open()
    editor.drag(LEFT)
    expect_words(editor.state, ONE)
    if media:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        small = page.evaluate(
            "[...document.querySelectorAll('#regions-tab button, #regions label,"
            " #regions-tab input[type=range], #open-regions button')].filter(x =>"
            " x.checkVisibility() && x.getBoundingClientRect().height < 44).map(x => x.outerHTML)"
        )
        assert small == []
    assert visitor.inaccessible() == []
    assert visitor.policy() == []
