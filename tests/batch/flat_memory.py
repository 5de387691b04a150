"""Prints the peaks of Python's memory when a thousand rows and ten thousand are checked and read.

It is a program of its own because other threads of a process count too.
"""

import sys
import tracemalloc
from pathlib import Path

from nst_tf.batch.flags import parse_batch
from nst_tf.batch.source import Jobs, ordered

FEW, MANY = 1_000, 10_000


def peak(path, rows):
    with open(path, "w") as file:
        file.write("content,style,strength,output\n")
        for number in range(rows):
            file.write(f"photo-{number}.png,painting.png,{number % 7 + 1},{number}.png\n")
    tracemalloc.start()
    jobs = Jobs(parse_batch(["batch", f"--manifest={path}", "--output_dir=out"]))
    assert jobs.check() == rows
    assert sum(1 for _ in ordered(jobs.valid())) == rows
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


if __name__ == "__main__":
    manifest = Path(sys.argv[1], "jobs.csv")
    peak(manifest, FEW)  # fills the caches
    print(peak(manifest, FEW), peak(manifest, MANY))
