"""Start-up, steps, memory and pictures of this checkout against those of another version.

    git worktree add ../other v1.7.2
    python scripts/compare_versions.py --other ../other [--rounds 5] [--size 256]

The two sides take turns, each in a process of its own. A side imports the package, prints its help,
and paints one picture by each recipe; its callback notes the time of every step. The record
`compare_versions.json` holds medians, their ratios (this checkout over the other), and whether the
pictures of the two sides are equal to the bit.
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

import numpy as np
from record import ASSETS, ROOT, commit, describe, write_record

PAINT = """
import json, resource, sys, time
import numpy as np
import tensorflow as tf
from nst_tf import stylize

content, style, recipe, size, steps, out = sys.argv[1:]
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as programs do
times = []
steps = int(steps) // 2  # of each epoch: a recipe with a ramp needs two
changes = {"max_dim": int(size), "epochs": 2, "steps_per_epoch": steps, "min_gain": 0.0}
picture = stylize(content, style, recipe, callbacks=[lambda p: times.append(p.seconds)], **changes)
np.save(out, picture)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"times": times, "mib": peak}))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, required=True, help="checkout of the other version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="pixels of the timed pictures")
    parser.add_argument("--small", type=int, default=96, help="pixels of the compared pictures")
    options = parser.parse_args()
    sides = {"this": ROOT, "other": options.other.resolve()}
    record = describe() | {"other_commit": commit(sides["other"]), "rounds": options.rounds}
    record["start"] = compare_starts(sides, 3 * options.rounds)
    print(record["start"], flush=True)
    record["runs"] = compare_runs(sides, options.rounds, options.size)
    record["pictures_equal"] = compare_pictures(sides, options.small)
    write_record(Path(__file__).with_suffix(".json"), record)
    print(record["pictures_equal"])


def compare_starts(sides, rounds):
    """Return the median seconds of an import and of --help on both sides."""
    commands = {
        "nothing": ["-c", "pass"],
        "import nst_tf": ["-c", "import nst_tf"],
        "nst_tf.run --help": ["-m", "nst_tf.run", "--help"],
    }
    seconds = {name: {side: [] for side in sides} for name in commands}
    for _ in range(rounds):
        for name, words in commands.items():
            for side, root in sides.items():
                began = time.perf_counter()
                python(root, *words)
                seconds[name][side].append(time.perf_counter() - began)
    return {
        name: {side: round(statistics.median(found), 3) for side, found in both.items()}
        for name, both in seconds.items()
    }


def compare_runs(sides, rounds, size):
    """Return the median time of a step and the median peak memory, for three recipes."""
    found = {}
    for recipe, steps in (("tutorial", 12), ("painting", 4), ("lbfgs-256", 12)):
        times, peaks = ({side: [] for side in sides} for _ in range(2))
        for _ in range(rounds):
            for side, root in sides.items():
                run, _ = paint(root, recipe, size, steps)
                gaps = [b - a for a, b in zip(run["times"], run["times"][1:], strict=False)]
                times[side].append(statistics.median(gaps[1:]))
                peaks[side].append(run["mib"])
        seconds, mib = ({s: statistics.median(v) for s, v in d.items()} for d in (times, peaks))
        found[recipe] = {
            "seconds_per_step": {side: round(value, 4) for side, value in seconds.items()},
            "step_ratio": round(seconds["this"] / seconds["other"], 3),
            "mib": {side: round(value) for side, value in mib.items()},
            "memory_ratio": round(mib["this"] / mib["other"], 3),
        }
        print(recipe, found[recipe], flush=True)
    return found


def compare_pictures(sides, size):
    """Return for each recipe whether both sides paint the same bits."""
    from nst_tf.recipes import RECIPES

    equal = {}
    for recipe in RECIPES:
        mine, theirs = (paint(root, recipe, size, 20)[1] for root in sides.values())
        equal[recipe] = bool(np.array_equal(mine, theirs))
    return equal


def paint(root, recipe, size, steps):
    """Return the times and the memory of a run of a checkout, and its picture."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "picture.npy")
        files = (str(ASSETS / "temple.jpg"), str(ASSETS / "great_wave.jpg"))
        done = python(root, "-c", PAINT, *files, recipe, str(size), str(steps), out)
        return json.loads(done.splitlines()[-1]), np.load(out)


def python(root, *words):
    """Run Python with a checkout's package, and return what it prints."""
    environment = os.environ | {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, *words], env=environment, cwd=folder, capture_output=True, text=True
        )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
