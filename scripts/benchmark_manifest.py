"""A manifest of 100,000 rows: the memory of the first process, pending jobs, and rates.

    python scripts/benchmark_manifest.py [--rows 100000] [--runners local,ray]

Checks and runs 1,000 rows and 100,000 by `batch` itself, with one process of this machine
and on a Ray cluster of this machine, each in a process of its own. What paints is replaced by
something that does nothing, so that all time is the first process's. Written to
benchmark_manifest.json, where what other runners have left stays.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path

import psutil
from record import describe, write_record

FEW = 1000
EVERY = 0.05  # seconds between looks at memory
MIB = 2**20


def nothing(job, stopping):
    from nst_tf.workers.outcome import Outcome

    return Outcome(job, "done")


def make_nothing(budget, threads):
    return nothing


def write_manifest(path, rows):
    with open(path, "w") as file:
        file.write("content,style,strength,max_dim\n")
        for number in range(rows):
            file.write(f"photos/{number}.jpg,paintings/{number % 8}.jpg,{1 + number % 3},256\n")


class Watch:
    """The largest resident memory of this process while a block runs."""

    def __enter__(self):
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        process = psutil.Process()
        while not self._over.wait(EVERY):
            self.peak = max(self.peak, process.memory_info().rss)


class Counted:
    """The jobs of a batch, counted as they are taken."""

    def __init__(self, jobs):
        self.jobs = jobs
        self.taken = 0
        self.columns = 0

    def valid(self):
        for job in self.jobs.valid():
            self.taken += 1
            yield job


def one(rows, runner):
    """Check and run a manifest in this process, and return the figures."""
    from nst_tf.batch.flags import parse_batch
    from nst_tf.batch.session import Batch
    from nst_tf.batch.source import Jobs

    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        manifest = Path(folder, "jobs.csv")
        write_manifest(manifest, rows)
        flags = [f"--manifest={manifest}", f"--output_dir={folder}/out", "--name={row}.png"]
        flags += ["--ray=local", "--ray_cpus=1", "--quiet"] if runner == "ray" else ["--quiet"]
        values = parse_batch(["batch", *flags])
        jobs = Jobs(values)
        began = time.perf_counter()
        assert jobs.check() == rows
        checked = time.perf_counter()
        counted = Counted(jobs)
        batch = Batch(values, counted, rows, make_nothing)
        pending, add = [0], batch.tally.add

        def count(outcome):
            add(outcome)
            pending[0] = max(pending[0], counted.taken - batch.tally.ended)

        batch.tally.add = count
        assert batch.run() == 0
        ended = time.perf_counter()
        with open(f"{folder}/out/journal.jsonl") as journal:
            assert sum(1 for _ in journal) == batch.tally.done == rows
    return {
        "rows": rows,
        "peak_mib": round(watch.peak / MIB, 1),
        "taken_and_not_ended_at_most": pending[0],
        "rows_checked_a_second": round(rows / (checked - began)),
        "rows_run_a_second": round(rows / (ended - checked)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runners", default="local,ray")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        with contextlib.redirect_stdout(io.StringIO()):
            found = one(options.rows, options.one)
        print(json.dumps(found))
        return
    path = Path(__file__).with_suffix(".json")
    for runner in options.runners.split(","):
        found = describe()
        found["versions"]["ray"] = metadata.version("ray")
        for name, rows in (("few", FEW), ("many", options.rows)):
            command = [sys.executable, __file__, f"--rows={rows}", f"--one={runner}"]
            environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True, env=environment
            )
            found[name] = json.loads(done.stdout.splitlines()[-1])
            print(runner, found[name], flush=True)
        found["more_mib"] = round(found["many"]["peak_mib"] - found["few"]["peak_mib"], 1)
        record = json.loads(path.read_text()) if path.exists() else {}
        write_record(path, record | {runner: found})


if __name__ == "__main__":
    main()
