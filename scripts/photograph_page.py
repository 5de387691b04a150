"""Photographs of the live page, on a laptop and on a phone, for README and docs.

    python scripts/photograph_page.py

It needs a browser and the extra `test`.
"""

import sys

from playwright.sync_api import sync_playwright
from record import ASSETS, ROOT

sys.path.insert(0, str(ROOT))
from tests.page.visit import Visit, end, find_browser, serve

PHONE = {"width": 390, "height": 844}


def main():
    process, address = serve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        visitor = Visit(browser, address)
        paint(visitor, photo=0)
        paint(visitor, photo=1)
        visitor.page.screenshot(path=ASSETS / "page.png")
        faces = Visit(browser, address)
        faces.sample(photo=2)
        faces.page.locator("#skip_faces").wait_for()
        faces.page.wait_for_timeout(2000)
        faces.page.locator("#skip_faces").screenshot(path=ASSETS / "page-faces.png")
        phone = Visit(browser, address, color_scheme="dark")
        phone.page.set_viewport_size(PHONE)
        paint(phone, photo=1)
        phone.page.evaluate("document.querySelector('#made').scrollIntoView()")
        phone.page.wait_for_timeout(500)
        phone.page.screenshot(path=ASSETS / "page-phone.png")
        browser.close()
    end(process)


def paint(visitor, photo):
    """Paint a sample photo with the second sample painting."""
    visitor.sample(photo=photo, painting=1)
    visitor.begin()
    visitor.status("finished")
    visitor.page.wait_for_timeout(2000)


if __name__ == "__main__":
    main()
