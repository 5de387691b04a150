"""Many short runs of the live page by several visitors at once, through a browser.

    python scripts/soak_page.py [--runs 200] [--visitors 8]

Every visitor has a photo of a colour of its own; pictures of other visitors would show. In every
round one of them sends what the page refuses. The process that paints is killed at every tenth
run, which its visitor then asks for again. The record `soak_page.json` counts how runs ended and
how many pictures were a visitor's own. It compares the memory of the page's process, its open files
and its files on the disk after run 20 and at the end. Visitors keep two pictures each here, so the
disk is as full after run 20 as later. The script needs a browser and the extra `test`.
"""

import argparse
import io
import os
import subprocess
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
from tests.page.visit import Visit, end, find_browser, serve, wait_until

COLORS = (
    (200, 40, 40), (40, 160, 40), (40, 60, 200), (200, 180, 40), (160, 40, 180), (40, 180, 190),
    (120, 80, 40), (150, 150, 150),
)  # fmt: skip
KILL_EVERY = 10
SETTLED = 20  # runs after which memory and files are measured for the first time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=8, choices=range(1, len(COLORS) + 1))
    parser.add_argument("--record", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder  # of the page
        process, address = serve("--max-session-runs=2", log=subprocess.DEVNULL)
        with sync_playwright() as playwright:
            executable = find_browser()
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            record = soak(browser, address, psutil.Process(process.pid), Path(folder), options)
            browser.close()
        end(process)
        record["files_after_the_end"] = count_files(Path(folder))
    write_record(options.record, describe() | record)


def soak(browser, address, page, folder, options):
    """Let visitors paint in turns; return what has become of the runs, and of the page."""
    photos = folder / "photos"
    photos.mkdir()
    visitors = [enter(browser, address, photos, n) for n in range(options.visitors)]
    counts = {"finished": 0, "own_pictures": 0, "killed": 0, "refused": 0, "lost": 0}
    measured, seconds = {}, []
    for run in range(1, options.runs + 1):
        print(f"run {run}: {counts}", flush=True)
        began = time.perf_counter()
        number = (run - 1) % len(visitors)
        visitor = visitors[number]
        if number == 0:
            counts["refused"] += misuse(visitors[(run // len(visitors)) % len(visitors)], address)
        visitor.begin()
        if run % KILL_EVERY == 0:
            counts["killed"] += kill(page, visitor)
            visitor.begin()
        try:
            visitor.status("finished after")
        except AssertionError:
            counts["lost"] += 1
            print(visitor.page.locator("#screen").inner_text(), flush=True)
            continue
        counts["finished"] += 1
        counts["own_pictures"] += is_own(visitor, COLORS[number], photos)
        seconds.append(time.perf_counter() - began)
        if run in (SETTLED, options.runs):
            measured[run] = measure(page, folder)
    first, last = measured[SETTLED], measured[options.runs]
    return {
        "runs": options.runs,
        "visitors": len(visitors),
        **counts,
        "median_seconds_a_run": round(float(np.median(seconds)), 2),
        f"after_run_{SETTLED}": first,
        "at_the_end": last,
        "ratio": {name: round(last[name] / first[name], 4) for name in first},
    }


def measure(page, folder):
    """Return memory and files of the page, once it has swept what is not used any more."""
    time.sleep(25)
    return {
        "mib": round(page.memory_info().rss / 2**20, 1),
        "open_files": page.num_fds(),
        "files_on_disk": count_files(folder),
    }


def count_files(folder):
    return sum(path.is_file() for page in folder.glob("nst_tf-page-*") for path in page.rglob("*"))


def misuse(visitor, address):
    """Send what no page sends, as this visitor; return how many of these requests are refused."""
    request, event = visitor.context.request, f"{address}gradio_api/run/predict"
    call = {"fn_index": 2, "data": [{"path": "/etc/passwd"}], "session_hash": "abc"}
    refused = "not here any more" in request.post(event, data=call).text()
    for body in ({}, {**call, "data": 3}, {**call, "fn_index": 10**9}):
        refused += request.post(event, data=body).status == 400
    refused += request.get(f"{address}gradio_api/file=/etc/passwd").status == 404
    text = {"name": "text.png", "mimeType": "image/png", "buffer": b"no picture"}
    path = request.post(f"{address}gradio_api/upload", multipart={"files": text}).json()[0]
    call["data"] = [{"path": path}]
    answer = request.post(event, data=call).text()
    return refused + ("is not a picture" in answer)


def kill(page, visitor):
    """Kill the process that paints a visitor's run; return 1 once the visitor reads of it."""
    visitor.status("step")
    for child in page.children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    figure = visitor.page.locator("#screen figcaption span").first
    wait_until(lambda: "killed" in figure.inner_text() or "finished" in figure.inner_text())
    return int("killed" in figure.inner_text())


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
    visitor.small(steps=6)
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
