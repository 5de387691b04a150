"""Peak memory and time of a step against the picture's size, whole and by blocks.

    python scripts/benchmark_memory.py [--sizes 512 1024 2048] [--block_sizes 0 512]

Each configuration runs some steps of `tutorial` in a process of its own; the configurations of a
size follow each other. The photo is temple.jpg, enlarged. Written to benchmark_memory.json.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def work(size, block_size, steps):
    from nst_tf import Settings, load_image, stylize
    from nst_tf.sizes import long_side_size, resize

    photo, painting = (load_image(ASSETS / f"{name}.jpg") for name in ("temple", "great_wave"))
    photo = resize(photo, long_side_size(*photo.shape[1:3], size))
    seconds = []
    settings = Settings(
        max_dim=size, epochs=1, steps_per_epoch=steps, block_size=block_size, convolution="direct"
    )
    stylize(photo, painting, settings, callbacks=[lambda p: seconds.append(p.seconds)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    step = float(np.median(np.diff(seconds)))
    print(json.dumps({"mebibytes": round(peak), "seconds_per_step": round(step, 2)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--block_sizes", type=int, nargs="+", default=[0, 512])
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--work", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    record = describe() | {"steps": options.steps, "runs": []}
    for size in options.sizes:
        for block_size in options.block_sizes:
            command = [sys.executable, __file__, "--work", size, block_size, options.steps]
            done = subprocess.run(
                [*map(str, command)], stdout=subprocess.PIPE, text=True, check=True
            )
            figures = {"size": size, "block_size": block_size} | json.loads(done.stdout)
            record["runs"].append(figures)
            print(figures, flush=True)
            write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
