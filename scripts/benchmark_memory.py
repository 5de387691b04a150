"""Peak memory and time of a step against the picture's size, and the estimate of the memory.

    python scripts/benchmark_memory.py [--sizes 256 512 1024 2048 4096]

Each configuration runs some steps of `tutorial` in a process of its own; those of a size follow
each other, `--rounds` times. The photo is temple.jpg, enlarged; a configuration that is estimated
to take more than `--most` GiB, or whose block is the whole picture, is left out. Written to
benchmark_memory.json, drawn to assets/memory.png.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from record import ASSETS, describe, write_record

from nst_tf.images.resize import long_side_size

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONFIGURATIONS = {
    "whole": {"block_size": 0, "convolution": "direct"},
    "whole, Winograd": {"block_size": 0, "convolution": "winograd"},
    "blocks of 512": {"block_size": 512, "convolution": "direct"},
    "blocks of 512, Winograd": {"block_size": 512, "convolution": "winograd"},
    "blocks of 256": {"block_size": 256, "convolution": "direct"},
    "blocks of 512, bfloat16": {"block_size": 512, "precision": "bfloat16"},
    "whole, bfloat16": {"block_size": 0, "precision": "bfloat16"},
    "whole, L-BFGS": {"block_size": 0, "convolution": "direct", "optimizer": "lbfgs"},
    "whole, 3 regions": {"block_size": 0, "convolution": "direct"},
    "blocks of 512, 3 regions": {"block_size": 512, "convolution": "direct"},
}


def work(name, size, steps, most):
    from nst_tf import Region, Settings, load_image
    from nst_tf.compute.budget import GIB, MIB
    from nst_tf.images.resize import resize
    from nst_tf.inputs.prepare import prepare_inputs
    from nst_tf.transfer.run import StyleTransfer

    photo, painting = (load_image(ASSETS / f"{name}.jpg") for name in ("temple", "great_wave"))
    photo = resize(photo, long_side_size(*photo.shape[1:3], size))
    settings = Settings(
        max_dim=size, epochs=1, steps_per_epoch=steps, memory_budget="1TB", **CONFIGURATIONS[name]
    )
    regions = []
    if "regions" in name:  # columns, with a gap
        masks = np.zeros((3, *photo.shape[1:3]), np.float32)
        for mask, first in zip(masks, (0, 1, 3), strict=True):
            mask[:, first * size // 4 : (first + 1) * size // 4] = 1
        regions = [Region(mask) for mask in masks]
    transfer = StyleTransfer(prepare_inputs(photo, painting, settings, regions))
    (plan,) = transfer.plans
    figures = {"estimate": round(plan.peak / MIB)}
    if plan.peak <= most * GIB and plan.block_size == settings.block_size:
        seconds = [progress.seconds for progress in transfer.steps()]
        figures["mebibytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        figures["seconds"] = float(np.median(np.diff(seconds)))
    print(json.dumps(figures))


def run(*arguments):
    command = [sys.executable, __file__, "--work", *map(str, arguments)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def growth(sizes):
    """Return how many bytes more a pixel takes, between a configuration's last two sizes."""
    found = {}
    with Image.open(ASSETS / "temple.jpg") as photo:
        height, width = photo.height, photo.width
    for name in CONFIGURATIONS:
        points = [
            (math.prod(long_side_size(height, width, int(size))), figures[name]["mebibytes"])
            for size, figures in sizes.items()
            if name in figures
        ]
        if len(points) > 1:
            (pixels, peak), (more, higher) = sorted(points)[-2:]
            found[name] = round((higher - peak) * 2**20 / (more - pixels))
    return found


def draw(record, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    names = {name for figures in record["sizes"].values() for name in figures}
    for name in (name for name in CONFIGURATIONS if name in names):
        points = [
            (int(size), figures[name])
            for size, figures in record["sizes"].items()
            if name in figures
        ]
        sizes = [size for size, _ in points]
        (line,) = left.plot(sizes, [p["mebibytes"] / 1024 for _, p in points], "o-", label=name)
        left.plot(sizes, [p["estimate"] / 1024 for _, p in points], ":", color=line.get_color())
        right.plot(sizes, [p["seconds"] for _, p in points], "o-", color=line.get_color())
    for axes, title in ((left, "peak memory, GiB (dotted: estimate)"), (right, "seconds a step")):
        axes.set(xscale="log", yscale="log", xlabel="long side of the picture", title=title)
        axes.set_xticks([int(size) for size in record["sizes"]], list(record["sizes"]))
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    left.set_yticks([1, 2, 4, 8, 16], ["1", "2", "4", "8", "16"])
    right.set_yticks([0.3, 1, 3, 10, 30, 100], ["0.3", "1", "3", "10", "30", "100"])
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024, 2048, 4096])
    parser.add_argument("--configurations", nargs="+", default=list(CONFIGURATIONS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument(
        "--add", action="store_true", help="keep what the record has of others, of older commits"
    )
    parser.add_argument("--most", type=float, default=14, help="GiB")
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        name, size, steps, most = options.work
        work(name, int(size), int(steps), float(most))
        return
    path = Path(__file__).with_suffix(".json")
    known = json.loads(path.read_text())["sizes"] if options.add else {}
    record = describe() | {"steps": options.steps, "rounds": options.rounds, "sizes": known}
    for size in options.sizes:
        runs = {name: [] for name in options.configurations}
        for _ in range(options.rounds):
            for name in runs:
                figures = run(name, size, options.steps, options.most)
                if "seconds" in figures:
                    runs[name].append(figures)
        record["sizes"][str(size)] = known.get(str(size), {}) | {
            name: {
                key: round(statistics.median(found[key] for found in figures), 2)
                for key in figures[0]
            }
            for name, figures in runs.items()
            if figures
        }
        print(size, json.dumps(record["sizes"][str(size)], indent=1), flush=True)
        record["bytes_a_pixel"] = growth(record["sizes"])
        write_record(path, record)
        draw(record, ASSETS / "memory.png")


if __name__ == "__main__":
    main()
