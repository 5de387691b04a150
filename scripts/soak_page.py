"""Many short runs of the live page by several visitors at once, through a browser.

    python scripts/soak_page.py [--runs 200] [--visitors 4]

Every visitor has a photo of a colour of its own; pictures of other visitors would show. The record
`soak_page.json` tells how many runs ended well, how many pictures were a visitor's own, and the
memory of the page's process after two fifths of the runs, when every visitor has as many as are
kept, and at the end. It needs a browser and the extra `test`.
"""

import argparse
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import sync_playwright
from record import ROOT, describe, write_record

sys.path.insert(0, str(ROOT))
from tests.page.visit import Visit, end, find_browser, serve

COLORS = ((200, 40, 40), (40, 160, 40), (40, 60, 200), (200, 180, 40), (160, 40, 180))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=4, choices=range(1, len(COLORS) + 1))
    parser.add_argument("--record", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    process, address = serve()
    page = psutil.Process(process.pid)
    memory, seconds, good, own = [], [], 0, 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        visitors = [enter(browser, address, Path(folder), n) for n in range(options.visitors)]
        for _ in range(options.runs // options.visitors):
            began = time.perf_counter()
            for visitor in visitors:
                visitor.begin()
            for visitor, color in zip(visitors, COLORS, strict=False):
                good += "finished" in visitor.status("finished after")
                own += is_own(visitor, color, Path(folder))
            seconds.append((time.perf_counter() - began) / len(visitors))
            memory.append(page.memory_info().rss / 2**20)
            print(f"{good} of {len(memory) * len(visitors)} runs, {memory[-1]:.0f} MiB", flush=True)
        browser.close()
    end(process)
    full = 2 * len(memory) // 5 - 1
    write_record(
        options.record,
        describe()
        | {
            "runs": len(memory) * options.visitors,
            "visitors": options.visitors,
            "finished": good,
            "own_pictures": own,
            "median_seconds_a_run": round(float(np.median(seconds)), 2),
            "mib_after_two_fifths": round(memory[full], 1),
            "mib_at_the_end": round(memory[-1], 1),
            "growth": round(memory[-1] / memory[full] - 1, 4),
        },
    )


def enter(browser, address, folder, number):
    """Return a visitor with a photo of its own."""
    noise = np.random.default_rng(number).integers(-25, 26, (96, 128, 3))
    path = folder / f"photo-{number}.png"
    Image.fromarray((np.array(COLORS[number]) + noise).clip(0, 255).astype(np.uint8)).save(path)
    visitor = Visit(browser, address)
    visitor.page.locator("#photo input[type=file]").set_input_files(path)
    visitor.page.locator("#photo img").first.wait_for()
    visitor.page.locator("#sample-paintings .grid-container button").first.click()
    visitor.page.locator("#paintings button img").first.wait_for()
    visitor.small(steps=1)
    visitor.page.locator("#strength input[type=number]").fill("0.1")
    visitor.page.locator("#strength input[type=number]").blur()
    return visitor


def is_own(visitor, color, folder):
    """Return whether the picture to download has a visitor's colour."""
    with Image.open(io.BytesIO(visitor.download(folder).read_bytes())) as image:
        mean = np.asarray(image.convert("RGB"), float).mean(axis=(0, 1))
    distances = [np.abs(mean - other).sum() for other in COLORS]
    return COLORS[int(np.argmin(distances))] == color


if __name__ == "__main__":
    main()
