"""A recipe by the command line at 512, 1024 and 3840 pixels: its time and memory.

    python scripts/benchmark_large.py [--recipe painting] [--rounds 3] [--against ../old]
    python scripts/benchmark_large.py --sizes 3840x2160

coffee.jpg is cropped and enlarged to each size and painted like summertime.jpg; seconds are those
of the whole command. With --against, the two checkouts take turns, --rounds times at the first
size and once at the second. The largest must keep within --budget.
Written to benchmark_large.json, which keeps what it has of other --sizes, each with its commit; the
pictures go to the directory --output.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import ASSETS, ROOT, commit, describe, write_record

from nst_tf import load_image, save_image
from nst_tf.images.metadata import read_metadata
from nst_tf.images.resize import cover

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIZES = SMALL, _, LARGE = (384, 512), (768, 1024), (2160, 3840)


def main():
    options = parse()
    options.output.mkdir(exist_ok=True)
    sides = {"this": ROOT} | ({"other": options.against} if options.against else {})
    path = Path(__file__).with_suffix(".json")
    known = json.loads(path.read_text())["sizes"] if path.exists() else {}
    record = describe() | {"recipe": options.recipe, "rounds": options.rounds, "sizes": known}
    others = {"other_commit": commit(options.against)} if options.against else {}
    for size in (size for size in SIZES if name_of(size) in options.sizes):
        large = size == LARGE
        flags = [f"--memory_budget={options.budget}"] if large else []
        found = {name: [] for name in sides if not large or name == "this"}
        for _ in range(options.rounds if size == SMALL else 1):
            for name in found:
                found[name].append(paint(sides[name], size, flags, options))
                print(size, name, *found[name][-1], flush=True)
        figures = {"commit": record["commit"]} | summarise(found)
        if not large:
            figures |= others
        if large:
            metadata = read_metadata(where(size, options))
            steps = metadata["settings"]["steps_per_epoch"]
            figures |= {"budget": options.budget, "steps": steps, "plan": metadata["plan"]}
        record["sizes"][name_of(size)] = figures
        write_record(path, record)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="painting")
    parser.add_argument("--budget", default="4GiB", help="of the largest")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout")
    names = [name_of(size) for size in SIZES]
    parser.add_argument("--sizes", nargs="+", choices=names, default=names)
    parser.add_argument("--output", type=Path, default=Path("large"))
    return parser.parse_args()


def name_of(size):
    return f"{size[1]}x{size[0]}"


def where(size, options):
    return options.output / f"{size[1]}.png"


def paint(checkout, size, flags, options):
    """Run a checkout's command line; return its seconds and its peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.png")
        save_image(photo, cover(load_image(ASSETS / "coffee.jpg"), size))
        command = [sys.executable, "-m", "nst_tf.run", f"--content={photo}", *flags]
        command += [f"--style={ASSETS / 'summertime.jpg'}", f"--recipe={options.recipe}", "--quiet"]
        command += [f"--max_dim={size[1]}", f"--output={where(size, options).resolve()}"]
        command.append("--overwrite")
        # Python looks for modules in the directory it starts in before those of PYTHONPATH.
        checkout = checkout.resolve()
        began = time.perf_counter()
        run = subprocess.Popen(
            command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)}
        )
        _, status, usage = os.wait4(run.pid, 0)
        seconds = time.perf_counter() - began
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        sys.exit(f"the run ended with status {run.returncode}")
    return round(seconds, 1), round(usage.ru_maxrss / 1024)


def summarise(found):
    """Return medians of the seconds, the largest peaks, and medians of the ratios this/other."""
    figures = {}
    for name, runs in found.items():
        seconds, peaks = zip(*runs, strict=True)
        figures[name] = {"seconds": statistics.median(seconds), "peak_mebibytes": max(peaks)}
    if "other" in found:
        pairs = list(zip(found["this"], found["other"], strict=True))
        for index, what in enumerate(("seconds", "peak_mebibytes")):
            ratio = statistics.median(ours[index] / theirs[index] for ours, theirs in pairs)
            figures[f"{what}_this_over_other"] = round(ratio, 3)
    return figures


if __name__ == "__main__":
    main()
