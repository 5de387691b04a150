"""A picture of 3840x2160 pixels within 4 GiB and whole: the command line, its time and memory.

    python scripts/benchmark_large.py [--budget 4GiB] [--rounds 1]

coffee.jpg is cropped and enlarged to that size and painted like summertime.jpg by `fast` with two
steps at each scale, in turns within the budget and as a whole. Written to benchmark_large.json; the
pictures go to the directory --output.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import ASSETS, describe, write_record

from nst_tf import load_image, save_image
from nst_tf.images.metadata import read_metadata
from nst_tf.images.resize import cover

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def measure(arguments):
    """Run the command line and return its seconds and its peak memory in MiB."""
    began = time.perf_counter()
    run = subprocess.Popen([sys.executable, "-m", "nst_tf.run", *arguments])
    _, status, usage = os.wait4(run.pid, 0)
    seconds = time.perf_counter() - began
    run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        sys.exit(f"the run ended with status {run.returncode}")
    return seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="4GiB")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("large"))
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    sides = {
        "within the budget": [f"--memory_budget={options.budget}"],
        "whole": ["--memory_budget=1TB", "--block_size=0"],
    }
    found = {name: [] for name in sides}
    pictures = {name: options.output / f"{name.replace(' ', '-')}.png" for name in sides}
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.png")
        save_image(photo, cover(load_image(ASSETS / "coffee.jpg"), (2160, 3840)))
        for _ in range(options.rounds):
            for name, flags in sides.items():
                found[name].append(
                    measure(
                        [
                            f"--content={photo}",
                            f"--style={ASSETS / 'summertime.jpg'}",
                            "--recipe=fast",
                            "--max_dim=3840",
                            "--steps_per_epoch=2",
                            f"--output={pictures[name]}",
                            "--overwrite",
                            *flags,
                        ]
                    )
                )
    figures = {
        name: {
            "plan_of_the_finest_scale": read_metadata(pictures[name])["plan"],
            "seconds": round(statistics.median(seconds for seconds, _ in runs)),
            "peak_mebibytes": round(max(peak for _, peak in runs)),
        }
        for name, runs in found.items()
    }
    record = describe() | {"budget": options.budget, "rounds": options.rounds} | figures
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
