"""Photographs of the live page, on a laptop and on a phone, for README and docs.

    python scripts/photograph_page.py

It needs a browser and the extra `test`.
"""

import re
import sys

from playwright.sync_api import expect, sync_playwright
from record import ASSETS, ROOT

sys.path.insert(0, str(ROOT))
from tests.page.visit import PATIENCE, Visit, end, find_browser, serve

PHONE = {"width": 390, "height": 844}


def main():
    process, address = serve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        visitor = Visit(browser, address)
        visitor.page.wait_for_timeout(1000)
        visitor.page.screenshot(path=ASSETS / "page-first.png")
        paint(visitor, photo=0)
        paint(visitor, photo=1)
        visitor.page.screenshot(path=ASSETS / "page.png")
        photograph_variants(visitor)
        photograph_progress(visitor, "page-progress.png")
        faces = Visit(browser, address)
        faces.sample(photo=2)
        faces.page.locator("#skip_faces").wait_for()
        faces.page.wait_for_timeout(2000)
        faces.page.locator("#skip_faces").screenshot(path=ASSETS / "page-faces.png")
        phone = Visit(browser, address, color_scheme="dark")
        phone.page.set_viewport_size(PHONE)
        photograph_progress(phone, "page-phone-progress.png")
        phone.status("finished")
        phone.page.evaluate("document.querySelector('#made').scrollIntoView()")
        phone.page.wait_for_timeout(2000)
        phone.page.screenshot(path=ASSETS / "page-phone.png")
        regions(browser, address)
        browser.close()
    end(process)


def regions(browser, address):
    """Photograph the editor of regions: painted on a laptop, by colour on a phone."""
    visitor = Visit(browser, address)
    page = visitor.page
    page.locator("#sample-pairs .grid-container button").nth(0).click()
    page.locator("#photo img").wait_for()
    page.get_by_test_id("Add a painting-upload-button").set_input_files(ASSETS / "auvers.jpg")
    edit(visitor)
    legend = page.locator("#regions .legend label")
    legend.nth(1).wait_for()
    page.locator("#regions [type=range]").fill("90")
    stroke(page, *((0.5 + (-1) ** row * 0.42, 0.08 + 0.045 * row) for row in range(7)))
    legend.nth(1).click()
    stroke(page, *((0.5 + (-1) ** row * 0.42, 0.8 + 0.04 * row) for row in range(5)))
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1000)
    page.screenshot(path=ASSETS / "page-regions.png")
    phone = Visit(browser, address, color_scheme="dark")
    phone.page.set_viewport_size(PHONE)
    phone.sample(photo=1, painting=1)
    edit(phone)
    phone.page.locator("#color-regions").click()
    phone.page.locator("#regions .legend label").nth(2).wait_for()
    phone.page.evaluate("document.querySelector('#made').scrollIntoView()")
    phone.page.wait_for_timeout(1000)
    phone.page.screenshot(path=ASSETS / "page-regions-phone.png")


def edit(visitor):
    """Open the editor of regions."""
    visitor.open("Paint only parts of the photo")
    visitor.page.locator("#regions canvas").wait_for()
    visitor.page.wait_for_timeout(1000)


def stroke(page, *places):
    """Drag the brush over places, as shares of the photo's width and height."""
    canvas = page.locator("#regions canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=8)
    page.mouse.up()


def paint(visitor, photo):
    """Paint a sample photo with the second sample painting."""
    visitor.sample(photo=photo, painting=1)
    visitor.begin()
    visitor.status("finished")
    visitor.page.wait_for_timeout(2000)


def photograph_variants(visitor):
    """Make the picture on the screen a favourite, and paint its variants."""
    visitor.page.locator('[data-act="favour"]').click()
    visitor.page.locator('[data-act="more"]').click()
    for index in range(7):
        visitor.status("finished", index)
    visitor.page.wait_for_timeout(2000)
    visitor.page.locator("#made").screenshot(path=ASSETS / "page-variants.png")


def photograph_progress(visitor, name):
    """Begin a picture, and photograph it when the last network size is half done."""
    visitor.sample(photo=1, painting=0)
    visitor.begin()
    words = visitor.page.locator("#screen figcaption span").first
    finest = re.compile(r"step \d+ of \d+ · size (\d+) of \1\b")
    expect(words).to_have_text(finest, timeout=PATIENCE)
    visitor.page.wait_for_timeout(3000)
    visitor.page.screenshot(path=ASSETS / name)


if __name__ == "__main__":
    main()
