"""A picture of 3840x2160 pixels in 4 GiB: the command line, its time and its peak memory.

    python scripts/benchmark_large.py [--budget 4GiB]

coffee.jpg is cropped and enlarged to that size and painted like summertime.jpg by `fast` with two
steps at each scale. Written to benchmark_large.json; the picture goes to --output.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import ASSETS, describe, write_record

from nst_tf import load_image, save_image
from nst_tf.images import read_metadata
from nst_tf.sizes import cover

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", default="4GiB")
    parser.add_argument("--output", type=Path, default=Path("large.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.png")
        save_image(photo, cover(load_image(ASSETS / "coffee.jpg"), (2160, 3840)))
        command = [
            "-m", "nst_tf.run", f"--content={photo}", f"--style={ASSETS / 'summertime.jpg'}",
            "--recipe=fast", "--max_dim=3840", "--steps_per_epoch=2", f"--output={options.output}",
            f"--memory_budget={options.budget}",
        ]  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - began
    print(done.stdout.decode())
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    record = describe() | {
        "budget": options.budget,
        "plan_of_the_finest_scale": read_metadata(options.output)["plan"],
        "seconds": round(seconds),
        "peak_mebibytes": round(peak),
    }
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
