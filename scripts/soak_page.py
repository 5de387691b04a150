"""Many short runs of the live page by several visitors at once, over HTTP.

    python scripts/soak_page.py [--runs 200] [--visitors 8] [--kill-every 10]

Every visitor has a photo of a colour of its own; pictures of other visitors would show. In every
round one of them sends what the page refuses. The process that paints is killed at every tenth
run, which its visitor then asks for again (`--kill-every 0`: never). The record `soak_page.json`
counts how runs ended and how many pictures were a visitor's own. It compares the memory of the
page's process and of the one that paints, open files, and files on the disk after run 20 and at the
end. Visitors keep two pictures each here, so the disk is as full after run 20 as later. The script
needs the extra `test`.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from record import ROOT, describe, write_record

sys.path.insert(0, str(ROOT))
from tests.conftest import wait_until
from tests.page.caller import Caller, as_file, paths_in, picture
from tests.page.visit import end, serve

COLORS = (
    (200, 40, 40), (40, 160, 40), (40, 60, 200), (200, 180, 40), (160, 40, 180), (40, 180, 190),
    (120, 80, 40), (150, 150, 150),
)  # fmt: skip
BETWEEN = 60  # runs between two measurements
SETTLED = 20  # runs after which memory and files are measured for the first time
SETTINGS = {"field-steps_per_epoch": "2", "field-epochs": "1", "max_dim": 128, "recipe": "fast"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--visitors", type=int, default=8, choices=range(1, len(COLORS) + 1))
    parser.add_argument("--kill-every", type=int, default=10, help="runs; 0: never")
    parser.add_argument("--record", type=Path, default=Path(__file__).with_suffix(".json"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder  # of the page
        process, address = serve("--max-session-runs=2", log=subprocess.DEVNULL)
        record = soak(address, psutil.Process(process.pid), Path(folder), options)
        end(process)
        record["files_after_the_end"] = count_files(Path(folder))
    write_record(options.record, describe() | record)


def soak(address, page, folder, options):
    """Let visitors paint; return what has become of the runs, and of the page."""
    visitors = [Visitor(address, color) for color in COLORS[: options.visitors]]
    counts = {"finished": 0, "own_pictures": 0, "killed": 0, "refused": 0, "lost": 0}
    measured, run = {}, 0
    with ThreadPoolExecutor(len(visitors)) as pool:
        while run < options.runs:
            batch = visitors[: min(len(visitors), options.runs - run, SETTLED - run % SETTLED)]
            visitors = [*visitors[len(batch) :], *batch]  # who was first is last
            for visitor in batch:
                visitor.begin()
            counts["refused"] += misuse(batch[0])
            every = options.kill_every
            if every and run // every != (run + len(batch)) // every:
                counts["killed"] += kill(page)
            for ended in pool.map(Visitor.finish, batch):
                for name, count in ended.items():
                    counts[name] += count
            run += len(batch)
            if run % BETWEEN == SETTLED or run == options.runs:
                measured[run] = measure(page, folder)
                print(measured[run])
            print(f"run {run}: {counts}", flush=True)
    first, *between, last = measured.values()
    return {
        "runs": options.runs,
        "visitors": options.visitors,
        **counts,
        f"after_run_{SETTLED}": first,
        "mib_between": [one["mib"] for one in between],
        "at_the_end": last,
        "ratio": {name: round(last[name] / first[name], 4) for name in first},
    }


class Visitor(Caller):
    """A visitor with a photo of a colour of its own."""

    def __init__(self, address, color):
        super().__init__(address)
        self.color = color
        self.mine, self.painting = self.upload(
            ("mine.png", picture(color, (64, 48))), ("painting.png", picture((90, 90, 90)))
        )
        self.tick = next(one for one in self.events() if one["targets"][0][1] == "tick")
        self.screen = {}

    def begin(self):
        """Ask for a picture, hardly painted, so that it keeps the photo's colour."""
        told = self.paint(self.mine, [self.painting], strength=0.1, **SETTINGS).text
        assert "alert" not in told, told
        self.look()

    def look(self):
        """Return all that the screen shows: what it has shown before, with what has changed."""
        values = self.call(self.tick, self.usual(self.tick)).json()["data"]
        changed = {n: value for n, value in enumerate(values) if value != {"__type__": "update"}}
        self.screen |= changed
        return self.screen

    def finish(self):
        """Wait for the picture, and ask for it again if its process was killed."""
        wait_until(lambda: re.search("finished after|failed|killed", str(self.look())), 300)
        screen = str(self.screen)
        if "killed" in screen:
            self.begin()
            return self.finish()
        if "finished after" not in screen:
            return {"lost": 1}
        made = [one for path in paths_in(self.screen) if "/mine-painting-" in path
                for one in self.served_at(path)]  # fmt: skip
        own = bool(made) and all(nearest(content) == self.color for content in made)
        return {"finished": 1, "own_pictures": int(own)}

    def served_at(self, path):
        answer = self.http.get(f"/gradio_api/file={path}")
        return [answer.content] if answer.status_code == 200 else []


def nearest(content):
    """Return the visitors' colour that is nearest to a picture's mean."""
    with Image.open(io.BytesIO(content)) as image:
        mean = np.asarray(image.convert("RGB"), float).mean(axis=(0, 1))
    return min(COLORS, key=lambda color: np.abs(mean - color).max())


def misuse(visitor):
    """Send what no page sends, as this visitor; return how many of these requests are refused."""
    event = visitor.event("photo", "change")
    refused = "no longer here" in visitor.call(event, [{"path": "/etc/passwd"}, None]).text
    for data, more in (
        (3, {}),
        ([None] * 2, {"fn_index": 10**9}),
        ([None] * 2, {"session_hash": "../"}),
    ):
        refused += visitor.call(event, data, **more).status_code == 400
    refused += visitor.http.get("/gradio_api/file=/etc/passwd").status_code == 404
    (text,) = visitor.upload(("text.png", b"no picture"))
    refused += "is not a picture" in visitor.call(event, [as_file(text["path"]), None]).text
    return refused


def kill(page):
    """Kill the process that paints; return 1 if there is one."""
    time.sleep(1)  # so that it is within a run
    found = painters(page)
    for child in found:
        child.kill()
    return len(found)


def painters(page):
    """Return the processes that paint."""
    found = []
    for child in page.children():
        with suppress(psutil.NoSuchProcess):  # it has just been killed
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def measure(page, folder):
    """Return memory and files of the page, once it has swept what is not used any more."""
    time.sleep(45)
    return {
        "mib": mib([page]),
        "painter_mib": mib(painters(page)),
        "open_files": page.num_fds(),
        "files_on_disk": count_files(folder),
    }


def mib(processes):
    """Return the resident memory of processes, MiB."""
    return round(sum(one.memory_info().rss for one in processes) / 2**20, 1)


def count_files(folder):
    return sum(path.is_file() for page in folder.glob("nst_tf-page-*") for path in page.rglob("*"))


if __name__ == "__main__":
    main()
