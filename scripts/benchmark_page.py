"""The first minute on the live page, of this checkout and of another one, which take turns.

    git worktree add ../other v1.7.2
    python scripts/benchmark_page.py --other ../other [--rounds 5] [--size 256]

In every round each side starts a server, and a new browser opens its page, chooses a photo and a
painting from files, and presses Paint: the cold run. After the picture is finished, Paint is
pressed again on the same page: the warm run. The record `benchmark_page.json` holds the visitor's
actions until the run begins; requests and bytes of the first load, and its seconds; and medians of
the seconds from Paint to the first change of the screen, to the first live picture and to the
finished one. The script needs the extra `test`.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from record import ASSETS, ROOT, commit, describe, write_record

sys.path.insert(0, str(ROOT))
from tests.page.visit import end, find_browser, free_port

PATIENCE = 300_000  # milliseconds
QUIET = 2.0  # seconds without a request after which a page is loaded

# Version 1.7.2 shows no photo before the first picture, and marks nothing.
WATCH = """
() => {
  const pictures = () => [...document.querySelectorAll('#screen figure:not(.preparing) img')];
  const before = new Set(pictures().map((one) => one.src));
  const screen = document.querySelector('#screen').innerHTML;
  let begun = false;  // the same order makes the same picture; only words show that it ends
  window.seen = {};
  document.querySelector('#paint').addEventListener('click', () => {
    const start = performance.now();
    const look = () => {
      const seconds = (performance.now() - start) / 1000;
      if (document.querySelector('#screen').innerHTML !== screen) window.seen.change ??= seconds;
      if (pictures().some((one) => !before.has(one.src))) window.seen.picture ??= seconds;
      const words = document.querySelector('#screen').innerText;
      const ended = words.includes('finished after');
      begun ||= !ended;
      if (begun && ended) window.seen.finished ??= seconds;
      else requestAnimationFrame(look);
    };
    look();
  }, {once: true});
}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, required=True, help="checkout of the other version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="long side of photo and picture")
    options = parser.parse_args()
    sides = {"this": ROOT, "other": options.other.resolve()}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        files = [reduced(name, options.size, Path(folder)) for name in ("cat", "great_wave")]
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        rounds = []
        for number in range(options.rounds):
            order = [*sides.items()][:: 1 if number % 2 else -1]
            rounds.append({side: first_minute(browser, root, files) for side, root in order})
            print(rounds[-1], flush=True)
        browser.close()
    record = describe() | {
        "other_commit": commit(sides["other"]), "rounds": options.rounds, "size": options.size,
    }  # fmt: skip
    for side in sides:
        record[side] = {key: summary([one[side][key] for one in rounds]) for key in rounds[0][side]}
    write_record(Path(__file__).with_suffix(".json"), record)


def reduced(name, size, folder):
    """Write a smaller copy of a picture, as the visitor's file; return its path."""
    path = folder / f"my_{name}.jpg"
    with Image.open(ASSETS / f"{name}.jpg") as picture:
        picture.thumbnail((size, size))
        picture.save(path, quality=90)
    return path


def first_minute(browser, root, files):
    """Return what a stranger meets on the page of a checkout."""
    command = [sys.executable, "-m", "nst_tf.app", f"--port={free_port()}"]
    words = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.Popen(command, cwd=root, env=environment, **words)
    address = re.search(r"http://\S+(?=;)", process.stdout.readline())[0]
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        load = first_load(page, address)
        actions = choose(page, files)
        cold = paint(page)
        warm = paint(page)
    finally:
        context.close()
        end(process)
    return load | {"actions": len(actions) + 1, "cold": cold, "warm": warm}


def first_load(page, address):
    """Open the page with an empty cache; return its requests, bytes, and seconds."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    ended, sizes = [], []

    def loaded(event):
        ended.append(time.monotonic())
        sizes.append(event["encodedDataLength"])

    network.on("Network.loadingFinished", loaded)
    start = time.monotonic()
    page.goto(address)
    page.wait_for_selector("#paint")
    ready = time.monotonic()
    page.wait_for_selector("#screen .screen")
    ticks = len(sizes)
    while time.monotonic() < ready + QUIET:  # the page asks for updates for ever
        page.wait_for_timeout(100)
    network.detach()
    assert ticks
    return {
        "requests": len(sizes), "bytes": int(sum(sizes)), "ready_seconds": round(ready - start, 2),
    }  # fmt: skip


def choose(page, files):
    """Choose photo and painting from files by clicks; return the visitor's actions."""
    actions = []
    for part, file in zip(("photo", "paintings"), files, strict=True):
        place = page.locator(f"#{part}")
        button = place.locator("button:has(input[type=file])").first
        if not button.is_visible():
            button = page.locator("#add button, button#add").first
        with page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(file)
        place.locator("button img, img").first.wait_for()
        actions.append(part)
    page.wait_for_timeout(1500)  # the checks of the files
    return actions


def paint(page):
    """Press Paint; return the seconds to what follows."""
    page.evaluate(WATCH)
    page.locator("#paint").click()
    page.wait_for_function("window.seen.finished", timeout=PATIENCE)
    return page.evaluate("window.seen")


def summary(values):
    """Return the median of numbers, or of each entry of dictionaries."""
    if isinstance(values[0], dict):
        return {key: summary([one[key] for one in values]) for key in values[0]}
    return round(statistics.median(values), 2)


if __name__ == "__main__":
    main()
