"""The page as visitors use it, in a browser."""

import io
import re
import shlex
import sys

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from nst_tf import RECIPES, read_metadata
from tests import forked
from tests.conftest import ROOT, wait_until
from tests.page.visit import PATIENCE

pytestmark = pytest.mark.browser


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def colors(screenshot):
    """Return how many colours a screenshot has."""
    with Image.open(io.BytesIO(screenshot)) as image:
        return len(image.convert("RGB").getcolors(2**24))


def test_from_samples_to_a_picture_that_the_command_makes_too(real_visit, tmp_path):
    visitor = real_visit()
    visitor.sample(photo=1, painting=1)
    visitor.small(steps=8, scales=2)
    visitor.press("paint")
    seen = set()

    def changed():
        seen.update(
            visitor.page.evaluate("[...document.querySelectorAll('#screen img')].map(x => x.src)")
        )
        return "finished" in visitor.page.locator("#screen").inner_text()

    wait_until(changed, PATIENCE / 1000)
    assert len(seen) > 3  # at least three changes on the way
    made = visitor.download(tmp_path)
    assert made.name == "cat-auvers-fast-128px.png"
    assert read_metadata(made)["settings"]["steps_per_epoch"] == 8
    words = shlex.split(visitor.command())
    assert words[0] == "nst-tf"
    folder = tmp_path / "again"
    folder.mkdir()
    for name in words[1:3]:
        (folder / name).write_bytes((ROOT / "assets" / name).read_bytes())
    command = [sys.executable, "-m", "nst_tf.run", *words[1:]]
    forked.run(command, cwd=folder, check=True, capture_output=True)
    np.testing.assert_array_equal(pixels(folder / made.name), pixels(made))


def test_stop_keeps_the_picture_and_continue_goes_on(real_visit, tmp_path):
    visitor = real_visit()
    visitor.sample()
    visitor.small(steps=50, scales=1)
    visitor.press("paint")
    visitor.status("step")
    visitor.press("stop")
    stopped = visitor.status("stopped after step")
    assert visitor.picture()
    visitor.press("continue")
    visitor.status("finished")
    steps = read_metadata(visitor.download(tmp_path))["steps"]
    assert int(re.search(r"step (\d+)", stopped)[1]) < steps


def test_what_no_brush_has_touched_stays_the_photo(real_visit, tmp_path):
    visitor = real_visit()
    visitor.sample(photo=1)
    visitor.small(steps=4, scales=2)
    visitor.open("Paint only parts of the photo")
    canvas = visitor.page.locator("#regions canvas")
    wait_until(lambda: colors(canvas.screenshot()) > 1000)  # it shows the photo
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 2
    mouse = visitor.page.mouse
    mouse.move(x, y - 40)
    mouse.down()
    for shift in range(-40, 41, 8):
        mouse.move(x, y + shift)
    mouse.up()
    visitor.press("paint")
    visitor.status("finished")
    made = pixels(visitor.download(tmp_path)).astype(int)
    with Image.open(ROOT / "assets/cat.jpg") as photo:
        original = np.asarray(photo.resize(made.shape[1::-1], Image.Resampling.LANCZOS)).astype(int)
    difference = np.abs(made - original).max(axis=2)
    half = made.shape[1] // 2
    assert difference[:, half + 10 :].max() <= 24  # another way to scale down differs by so much
    painted = difference[:, :half] > 40
    assert painted.sum() > 50
    columns = np.flatnonzero(painted.sum(axis=0) > 2)
    assert made.shape[1] / 8 < columns.mean() < 3 * made.shape[1] / 8
    assert "--content_mask=cat-mask-1.png" in visitor.command()


def test_two_visitors_wait_for_one_another_and_get_their_own(visit, tmp_path):
    """Let the second visitor leave the line, and join it again."""
    first, second = visit(), visit()
    for visitor, photo, steps in ((first, 1, 400), (second, 0, 2)):
        visitor.sample(photo=photo)
        visitor.small(steps=steps)
    first.press("paint")
    first.status("step")
    second.press("paint")
    second.status("waiting")
    second.press("stop")
    second.status("cancelled while it waited")
    second.press("paint")
    second.status("waiting: 1 picture is before this one")
    # It sees only its own photo, dimmed.
    assert second.page.locator("#screen figure:not(.preparing)").count() == 0
    shown = [one.page.locator("#screen img").get_attribute("src") for one in (first, second)]
    assert shown[0] != shown[1]
    first.press("stop")  # only now: the second visitor must find a run under way
    first.status("stopped")
    second.status("finished")
    made = [visitor.download(tmp_path).name for visitor in (first, second)]
    assert made == ["cat-great_wave-fast-128px.png", "temple-great_wave-fast-128px.png"]
    for visitor in (first, second):
        assert visitor.page.locator("#history button img").count() == 1


def test_a_run_survives_the_reload_of_the_page(visit):
    visitor = visit()
    visitor.sample()
    visitor.small(steps=400)
    visitor.press("paint")
    visitor.status("step")
    visitor.load(visitor.page.reload)
    visitor.status("step")
    assert visitor.picture()
    visitor.press("stop")
    visitor.status("stopped")


def test_one_click_makes_three_strengths(visit):
    visitor = visit()
    visitor.sample()
    visitor.small(steps=2)
    visitor.press("grid")
    for index, strength in enumerate(("0.5", "1", "1.5")):
        visitor.status("finished", index)
        name = visitor.page.locator("#screen figcaption b").nth(index).inner_text()
        assert (f"strength {strength}" in name) == (strength != "1")
    assert len({visitor.picture(index) for index in range(3)}) == 3


def test_a_picture_brings_its_settings_back(visit, tmp_path):
    visitor = visit()
    visitor.sample()
    visitor.small(steps=4)
    visitor.page.locator("#strength input[type=number]").fill("0.7")
    visitor.page.locator("#strength input[type=number]").blur()
    visitor.press("paint")
    visitor.status("finished")
    made = visitor.download(tmp_path)
    other = visit()
    other.open("Advanced")
    other.page.locator("#restore input[type=file]").set_input_files(made)
    wait_until(lambda: other.advanced("steps_per_epoch").input_value() == "4")
    assert other.page.locator("#strength input[type=number]").input_value() == "0.7"
    assert other.page.locator("#max_dim input[type=number]").input_value() == "128"
    expect(other.page.locator('#recipe input[value="fast"]')).to_be_checked()
    usual = other.advanced("steps_per_epoch").get_attribute("placeholder")
    assert usual == str(RECIPES["fast"].steps_per_epoch)


def test_a_click_on_a_face_paints_it_like_the_rest(visit, tmp_path):
    visitor = visit()
    visitor.sample(photo=2, painting=1)
    visitor.small(steps=2)
    said = visitor.page.locator("#skip_faces")
    expect(said).to_contain_text("1 face is kept; click it to paint it like the rest")
    outline = visitor.page.get_by_role("checkbox", name="Paint face 1 like the rest")
    outline.scroll_into_view_if_needed()
    photo = said.get_by_test_id("checkbox-group").bounding_box()
    face = (photo["x"] + 0.44 * photo["width"], photo["y"] + 0.23 * photo["height"])
    visitor.page.mouse.click(*face)
    expect(said).to_contain_text("No face is kept; click it to change that")
    outline.press("Space")  # by the keyboard
    expect(said).to_contain_text("1 face is kept")
    expect(outline).not_to_be_checked()
    visitor.page.mouse.click(*face)
    expect(outline).to_be_checked()
    visitor.page.locator("#paint").scroll_into_view_if_needed()
    visitor.press("paint")
    visitor.status("finished")
    made = visitor.download(tmp_path)
    place = read_metadata(made)["settings"]["skip_faces"]
    assert place == pytest.approx([0.437, 0.231], abs=0.006)
    (flag,) = (word for word in shlex.split(visitor.command()) if "faces" in word)
    assert flag == "--skip_faces={:.3f},{:.3f}".format(*place)
    for order in (("sample", "restore"), ("restore", "sample")):
        other = visit()
        other.open("Advanced")
        for step in order:
            if step == "sample":
                other.sample(photo=2, painting=1)
            else:
                other.page.locator("#restore input[type=file]").set_input_files(made)
                expect(other.page.locator('#recipe input[value="fast"]')).to_be_checked()
        again = other.page.get_by_role("checkbox", name="Paint face 1 like the rest")
        expect(again).to_be_checked()
    other.page.locator("#keep_faces input").click()
    expect(again).to_have_count(0)
    other.page.locator("#keep_faces input").click()
    expect(again).not_to_be_checked()
    assert visitor.policy() == other.policy() == []


def upload(visitor, path):
    visitor.page.locator("#photo input[type=file]").set_input_files(path)


def test_what_is_no_picture_is_refused_in_a_sentence(visit, tmp_path):
    visitor = visit()
    empty, text, bomb = (tmp_path / name for name in ("empty.png", "text.png", "bomb.png"))
    empty.write_bytes(b"")
    text.write_text("not a picture")
    Image.new("1", (20000, 20000)).save(bomb)
    for path, words in (
        (empty, "empty.png is empty: choose a picture."),
        (text, "text.png is not a picture"),
        (bomb, "bomb.png has too many pixels, 400 million where 179 are allowed"),
    ):
        upload(visitor, path)
        told = visitor.warning(words)
        assert "/" not in told.replace("http://", "")
    visitor.press("paint")
    visitor.warning("a photo is missing")


def test_a_photo_of_fifty_megapixels_is_taken(visit, tmp_path):
    path = tmp_path / "large.jpg"
    with Image.open(ROOT / "assets/cat.jpg") as cat:
        cat.resize((8660, 5774)).save(path, quality=80)
    visitor = visit()
    upload(visitor, path)
    visitor.page.locator("#photo img").first.wait_for()
    visitor.page.locator("#sample-paintings .grid-container button").first.click()
    visitor.page.locator("#paintings button img").first.wait_for()
    visitor.small(steps=1)
    visitor.press("paint")
    visitor.status("finished")


def test_a_mistake_is_told_before_anything_waits(visit):
    visitor = visit()
    visitor.sample()
    visitor.small(steps="none")
    visitor.press("paint")
    visitor.warning("steps_per_epoch")
    assert visitor.page.locator("#screen figure").count() == 0


def test_ordinary_use_asks_no_other_machine_and_breaks_no_rule_of_the_policy(visit, address):
    """Use every part of the page: the browser reports nothing that it has blocked."""
    visitor = visit()
    visitor.sample()
    visitor.small(steps=2)
    visitor.open("Paint only parts of the photo")
    canvas = visitor.page.locator("#regions canvas")
    wait_until(lambda: colors(canvas.screenshot()) > 1000)
    visitor.press("paint")
    visitor.status("finished")
    for name, part in (
        ("Compare", "#compare img"), ("Losses", "#curve canvas, #curve svg"),
        ("Command", "#command .cm-content"), ("Picture", "#screen img"),
    ):  # fmt: skip
        visitor.page.get_by_role("tab", name=name).click()
        expect(visitor.page.locator(part).first).to_be_visible(timeout=PATIENCE)
    visitor.page.wait_for_timeout(500)
    assert visitor.policy() == []
    own = (address, "data:", "blob:")
    assert visitor.asked
    assert [url for url in visitor.asked if not url.startswith(own)] == []


def test_the_policy_is_in_force(visit):
    """Add a script as an attacker would: the browser does not run it, and reports it."""
    visitor = visit()
    visitor.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'),"
        "{textContent: 'window.attacked = true'}))"
    )
    assert visitor.page.evaluate("window.attacked") is None
    assert visitor.policy()


def test_another_page_cannot_frame_it(visit, address):
    visitor = visit()
    visitor.page.set_content(f'<iframe src="{address}"></iframe>')
    (frame,) = visitor.page.frames[1:]
    wait_until(lambda: frame.url not in ("", "about:blank"))
    assert frame.url.startswith("chrome-error:")
    assert frame.query_selector("#paint") is None


def test_everybody_can_use_it(visit):
    """Look at a finished picture on the light page, and load the dark one."""
    visitor = visit(color_scheme="light")
    visitor.sample()
    visitor.small(steps=1)
    visitor.press("paint")
    visitor.status("finished")
    visitor.page.wait_for_timeout(1000)
    light = visitor.inaccessible()
    visitor.page.emulate_media(color_scheme="dark")
    visitor.load(visitor.page.reload)
    expect(visitor.page.locator("body.dark")).to_be_visible()
    visitor.status("finished")
    visitor.open("Advanced")
    visitor.page.wait_for_timeout(1000)
    assert (light, visitor.inaccessible()) == ([], [])


def test_the_everyday_path_needs_no_scrolling(visit):
    visitor = visit()
    for name in ("photo", "paintings", "recipe", "paint", "screen", "download"):
        box = visitor.page.locator(f"#{name}").bounding_box()
        assert box["y"] + box["height"] <= 900, name


def test_a_phone_has_one_column(visit):
    visitor = visit()
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    wait_until(lambda: visitor.page.evaluate("document.documentElement.scrollWidth") <= 390)
    photo, screen = (visitor.page.locator(f"#{name}") for name in ("photo", "screen"))

    def below():
        upper = photo.bounding_box()
        return screen.bounding_box()["y"] > upper["y"] + upper["height"]

    wait_until(below)
