"""The cost of the second stage: seconds and memory against megapixels.

    python scripts/benchmark_synthesis.py [--sides 512,1024,2048,3508,7016] [--network 512]

A picture with a long side of `--network` pixels is repainted and enlarged to each long side, each
in a process of its own. The time hardly depends on the pictures, so stand-ins serve: the photo is
temple, the network's picture is the painting great_wave, mirrored, and the painting is great_wave
at the size of the result. The results are in benchmark_synthesis.json.
"""

import argparse
import importlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from record import ASSETS, describe, write_record


def measure(side, network):
    """Return the figures of one size."""
    from nst_tf import load_image
    from nst_tf.images.resize import long_side_size, resize
    from nst_tf.synthesis.estimate import synthesis_bytes, synthesis_work
    from nst_tf.synthesis.repaint import Strokes, repaint
    from nst_tf.synthesis.sources import PaintSource

    importlib.import_module("nst_tf.synthesis.matching_loops")  # compiles
    photo, painting = (load_image(ASSETS / f"{name}.jpg") for name in ("temple", "great_wave"))
    size, own, half = (
        long_side_size(*photo.shape[1:3], length) for length in (side, network, network // 2)
    )
    photo = resize(photo, size)
    large = resize(painting, long_side_size(*painting.shape[1:3], side))[0]
    mirrored = painting[:, :, ::-1]
    picture, coarse = resize(mirrored, own), resize(mirrored, half)
    before = resident()
    began, used = time.perf_counter(), time.process_time()
    levels = repaint(picture, photo, [PaintSource(large, side)], Strokes(), size, coarse)
    for _ in levels:
        pass
    return {
        "size": f"{size[1]}x{size[0]}",
        "megapixels": round(size[0] * size[1] / 1e6, 2),
        "seconds": round(time.perf_counter() - began, 1),
        "processor_seconds": round(time.process_time() - used, 1),
        "work": round(synthesis_work(own, size), 2),
        "mebibytes": round(peak() - before),
        "mebibytes_estimated": round(synthesis_bytes(own, size, [large.shape[:2]], 3) / 2**20),
    }


def resident():
    """Return the memory in use, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak():
    """Return the peak of memory in use, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", default="512,1024,2048,3508,7016")
    parser.add_argument("--network", type=int, default=512)
    parser.add_argument("--one", type=int, help="measure one size and print it")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.network)))
        return
    record = describe() | {"network_side": options.network, "sizes": []}
    for side in options.sides.split(","):
        command = [sys.executable, __file__, "--one", side, "--network", str(options.network)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        record["sizes"].append(json.loads(done.stdout.splitlines()[-1]))
        print(record["sizes"][-1], flush=True)
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
