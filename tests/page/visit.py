"""What visitors do on the page, in words, in a browser."""

import re
import shutil
import signal
import socket
import subprocess
import sys

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from nst_tf.recipes import RECIPES
from tests.conftest import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 240_000  # milliseconds after which a test gives up; nothing is asserted of times


def find_browser():
    """Return the path of a browser, or None."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def free_port():
    """Return a port at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def serve(*flags, log=None, module="nst_tf.app"):
    """Start the page as its command does; return the process and the page's address.

    What it logs goes to the file `log`, or to ours.
    """
    command = [sys.executable, "-m", module, f"--port={free_port()}", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
    line = process.stdout.readline()
    return process, re.search(r"http://\S+(?=;)", line)[0]


def end(process):
    process.send_signal(signal.SIGTERM)
    process.wait(300)


def fill(box, value):
    """Write a value into a field and leave it, as a visitor does."""
    box.fill(str(value))
    box.blur()


def new_context(browser):
    """Return a context for one visitor after another, without the page's animation."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE / 4)
    return context


class Visit:
    """A visitor, in a context that holds the page's scripts, but nothing of other visitors.

    Args:
        media: what the visitor's system asks for, such as `color_scheme`.
    """

    def __init__(self, context, address, **media):
        self.context, self.asked = context, []
        self.page = context.new_page()
        self.page.emulate_media(**media)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(
            "window.blocked = [];"
            "addEventListener('securitypolicyviolation', event =>"
            "  window.blocked.push(`${event.violatedDirective} ${event.blockedURI}`))"
        )
        self.load(lambda: self.page.goto(address))

    def leave(self):
        """Close the page, and forget the visitor."""
        self.page.close()
        self.context.clear_cookies()

    def load(self, open_page):
        """Open the page, and wait for its first update: Gradio asks for it when all listeners are
        there.
        """
        with self.page.expect_response("**/run/predict", timeout=PATIENCE):
            open_page()
        self.page.wait_for_selector("#paint")
        expect(self.page.locator("#screen .screen")).to_be_visible(timeout=PATIENCE)

    def sample(self, photo=0, painting=0):
        for kind, index, place in (
            ("photos", photo, "#photo img"), ("paintings", painting, "#paintings button img"),
        ):  # fmt: skip
            self.page.locator(f"#sample-{kind} .grid-container button").nth(index).click()
            self.page.locator(place).first.wait_for()

    def field(self, name, value):
        """Fill in the field of a setting under Advanced."""
        fill(self.advanced(name), value)

    def advanced(self, name):
        return self.page.locator(f"#field-{name}").locator("textarea, input")

    def open(self, *names):
        for name in names:
            self.page.get_by_role("button", name=name).first.click()

    def recipe(self, name):
        """Choose a recipe."""
        card = self.page.locator(f'#recipe input[value="{name}"]')
        if not card.is_visible():
            self.page.locator("#more input").check()
        card.check()

    def size(self, side):
        """Choose a size of one's own."""
        self.page.locator('#size input[value="own"]').check()
        fill(self.page.locator("#max_dim input[type=number]"), side)

    def small(self, size=128, steps=2, recipe="fast", scales=None):
        """Ask for a small picture in few steps; the recipe has the usual number of scales."""
        self.recipe(recipe)
        self.size(size)
        self.open("Advanced")
        box = self.advanced("steps_per_epoch")
        usual = str(RECIPES[recipe].steps_per_epoch)
        expect(box).to_have_attribute("placeholder", usual, timeout=PATIENCE)
        fill(box, steps)
        if scales:
            fill(self.advanced("scales"), scales)

    def press(self, name):
        button = self.page.locator(f"#{name}")
        expect(button).to_be_enabled(timeout=PATIENCE)
        button.click()

    def begin(self):
        """Press Paint, and wait until the screen shows the run that this has led to."""
        figure = self.page.locator("#screen figure").first
        before = figure.get_attribute("data-run") if figure.count() else ""
        self.press("paint")
        expect(figure).not_to_have_attribute("data-run", before, timeout=PATIENCE)

    def status(self, text, index=0):
        """Wait until a picture's line has a text."""
        line = self.page.locator("#screen figcaption span").nth(index)
        expect(line).to_contain_text(text, timeout=PATIENCE)
        return line.inner_text()

    def picture(self, index=0):
        """Return the source of a picture on the screen."""
        return self.page.locator("#screen img").nth(index).get_attribute("src")

    def warning(self, text):
        """Wait until the visitor is told something, and return all of it."""
        told = self.page.locator(".notice [role=alert]").filter(has_text=text).first
        expect(told).to_be_visible(timeout=PATIENCE)
        return told.inner_text()

    def inaccessible(self):
        """Return what axe-core finds serious: the rules, and the elements that break them.

        Colours count as they are when all transitions have ended.
        """
        self.page.evaluate(
            "Promise.all(document.getAnimations().filter(x => x instanceof CSSTransition)"
            ".map(x => x.finished.catch(() => null)))"
        )
        return [
            (rule["id"], [node["html"][:200] for node in rule["nodes"]])
            for rule in Axe().run(self.page).response["violations"]
            if rule["impact"] in ("serious", "critical")
        ]

    def policy(self):
        """Return what the browser has blocked for the page's policy."""
        return self.page.evaluate("window.blocked")

    def download(self, folder):
        with self.page.expect_download() as waiting:
            self.press("download")
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def command(self):
        self.page.get_by_role("tab", name="Command").click()
        text = self.page.locator("#command .cm-content").inner_text()
        self.page.get_by_role("tab", name="Picture").click()
        return " ".join(text.split())
