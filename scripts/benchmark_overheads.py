"""The time of a run by its parts, in this checkout and in another version.

    git worktree add ../other v1.7.2
    python scripts/benchmark_overheads.py --other ../other [--rounds 3] [--size 512] [--eigen]

The two sides take turns. First whole commands are timed, from the start of Python to the saved
picture: `painting`, `fast`, and, in a third of the rounds, `tutorial` with 100 steps. Then a
process of each side paints by `painting`, and notes the time of every part. The record
`benchmark_overheads.json` has the medians of the commands, their ratios (this checkout over the
other), and the parts in seconds, for TensorFlow's usual kernels and, after a second call with
`--eigen`, for those that it uses on processors without AVX-512.
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

RECORD = Path(__file__).with_suffix(".json")
FILES = (str(ASSETS / "temple.jpg"), str(ASSETS / "great_wave.jpg"))
COMMANDS = {
    "painting": ["--recipe=painting"],
    "fast": ["--recipe=fast"],
    "tutorial": ["--epochs=1"],
}
PARTS = """
import json, sys, time
began = time.perf_counter()
import keras
import tensorflow as tf
from nst_tf import load_image, stylize
from nst_tf.optimizers import lbfgs

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as programs do
photo, painting, size = sys.argv[1:]
parts = {"imports": time.perf_counter() - began}
pictures = load_image(photo), load_image(painting)
directions, ends = [], []
plain = lbfgs._direction


def direction(*arguments):
    start = time.perf_counter()
    found = plain(*arguments)
    directions.append(time.perf_counter() - start)
    return found


lbfgs._direction = direction
start = time.perf_counter()
stylize(*pictures, "painting", max_dim=int(size),
        callbacks=[lambda p: ends.append((p.scale.size, getattr(p, "level", 0),
                                          time.perf_counter()))])
steps, strokes = {}, 0.0
for place, level, end in ends:
    if level:
        strokes += end - start
        start = end
        continue
    steps.setdefault(place, []).append(end - start)
    start = end
for (height, width), (first, *others) in steps.items():
    parts[f"first step at {width}x{height}"] = first
    parts[f"{len(others)} steps at {width}x{height}"] = sum(others)
if strokes:
    parts["brushstrokes"] = strokes
parts["of these, directions of L-BFGS"] = sum(directions)
print(json.dumps(parts))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, required=True, help="checkout of the other version")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, default=512, help="pixels of the long side")
    parser.add_argument("--eigen", action="store_true", help="switch oneDNN's kernels off")
    options = parser.parse_args()
    if options.eigen:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    sides = {"this": ROOT, "other": options.other.resolve()}
    record = describe() | {
        "other_commit": commit(sides["other"]), "rounds": options.rounds, "size": options.size,
    }  # fmt: skip
    for root in sides.values():  # compile and cache what the first run on a machine does
        paint(root, ["--recipe=fast"], 64)
    record["commands"] = {}
    for name, words in COMMANDS.items():
        rounds = options.rounds if name != "tutorial" else -(-options.rounds // 3)
        record["commands"][name] = compare(sides, words, rounds, options.size)
    record["parts"] = {side: parts(root, options.size) for side, root in sides.items()}
    for side, found in record["parts"].items():
        print(side, json.dumps(found, indent=2))
    kernels = "eigen" if options.eigen else "usual"
    known = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    write_record(
        RECORD,
        {name: known[name] for name in ("usual", "eigen") if name in known} | {kernels: record},
    )


def compare(sides, words, rounds, size):
    """Return the medians of a command's figures on both sides, and their ratios.

    They are seconds, seconds of the processors, and the peak of memory, MiB.
    """
    names = ("seconds", "processor_seconds", "mib")
    figures = {name: {side: [] for side in sides} for name in names}
    for _ in range(rounds):
        for side, root in sides.items():
            for name, figure in zip(names, paint(root, words, size), strict=True):
                figures[name][side].append(figure)
    found = {}
    for name, values in figures.items():
        medians = {side: round(statistics.median(found), 1) for side, found in values.items()}
        found[name] = medians | {"ratio": round(medians["this"] / medians["other"], 3)}
    print(words, found, flush=True)
    return found


def paint(root, words, size):
    """Return a command's seconds, seconds of the processors, and peak of resident memory, MiB."""
    with tempfile.TemporaryDirectory() as folder:
        content, style = FILES
        command = ["-m", "nst_tf.run", f"--content={content}", f"--style={style}", *words]
        began = time.perf_counter()
        _, usage = python(root, folder, *command, f"--max_dim={size}", "--output=picture.png")
        worked = usage.ru_utime + usage.ru_stime
        return time.perf_counter() - began, worked, usage.ru_maxrss / 1024


def parts(root, size):
    """Return the seconds of each part of a run by `painting`."""
    with tempfile.TemporaryDirectory() as folder:
        printed, _ = python(root, folder, "-c", PARTS, *FILES, str(size))
    found = json.loads(printed.splitlines()[-1])
    return {name: round(value, 2) for name, value in found.items()}


def python(root, folder, *words):
    """Run Python with a checkout's package, and return what it prints and what it used."""
    environment = os.environ | {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, *words], env=environment, cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(err)
    return out, usage


if __name__ == "__main__":
    main()
