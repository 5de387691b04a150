"""Time of a picture of a batch against that of single commands.

    python scripts/benchmark_batch.py [--recipe fast] [--max_dim 128] [--singles 30]

Ten photos by three paintings: a third of the single commands, a batch of all thirty in one process,
another third, the batch again, and the last third. A command's time is its process's; a batch's
is that of its process divided by thirty. Written to benchmark_batch.json.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from record import ASSETS, describe, write_record

PHOTOS = ("cat", "temple")
PAINTINGS = ("great_wave", "auvers", "composition_viii")
CROPS = 5  # of each photo, all of one size
SIDE = (512, 384)


def prepare(folder):
    """Make the photos and paintings; return their paths."""
    for name in ("photos", "paintings"):
        (folder / name).mkdir()
    for name, number in itertools.product(PHOTOS, range(CROPS)):
        with Image.open(ASSETS / f"{name}.jpg") as image:
            left = number * (image.width // 20)
            crop = image.crop((left, 0, left + image.width * 3 // 4, image.height * 3 // 4))
            crop.resize(SIDE).save(folder / "photos" / f"{name}-{number}.png")
    for name in PAINTINGS:
        with Image.open(ASSETS / f"{name}.jpg") as image:
            image.save(folder / "paintings" / f"{name}.png")
    return [sorted((folder / name).iterdir()) for name in ("photos", "paintings")]


def timed(module, *flags):
    """Return the seconds of a program."""
    command = [sys.executable, "-m", module, *map(str, flags), "--quiet"]
    began = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"})
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="fast")
    parser.add_argument("--max_dim", type=int, default=128)
    parser.add_argument("--singles", type=int, default=30, help="single commands, of thirty")
    options = parser.parse_args()
    common = [f"--recipe={options.recipe}", f"--max_dim={options.max_dim}"]
    record = describe() | vars(options)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pairs = list(itertools.product(*prepare(folder)))
        places = [f"--content_dir={folder}/photos", f"--style_dir={folder}/paintings"]
        single, batches = [], []
        group = options.singles // 3
        for number, pair in enumerate(pairs[: 3 * group]):
            if number in (group, 2 * group):
                output = f"--output_dir={folder}/batch-{number}"
                batches.append(timed("nst_tf.batch", *places, output, *common))
            output = f"--output={folder}/{number}.png"
            single.append(timed("nst_tf.run", *pair, output, *common))
    each = [seconds / len(pairs) for seconds in batches]
    record |= {
        "pictures": len(pairs),
        "single_command_seconds": {
            "median": round(statistics.median(single), 2),
            "least": round(min(single), 2),
            "most": round(max(single), 2),
        },
        "batch_seconds_each": [round(seconds, 2) for seconds in each],
        "ratio": round(statistics.median(each) / statistics.median(single), 3),
    }
    write_record(Path(__file__).with_suffix(".json"), record)
    print(record)


if __name__ == "__main__":
    main()
