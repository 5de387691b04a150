"""The cost of checkpoints: size and time of a checkpoint, and the time of a run with them.

    python scripts/benchmark_checkpoint.py [--steps 300] [--max_dim 256] [--every 10]

Checkpoints of L-BFGS with 20 steps of memory, the largest checkpoints, are written and read three
times at each size. Then two equal runs of L-BFGS alternate every ten steps, one of them with a
checkpoint every ten seconds. The results are in benchmark_checkpoint.json.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIZES = ((384, 512), (768, 1024), (2160, 3840))
PAIRS = 20
TURN = 10  # steps


def full_state(state, size):
    """Return a state of L-BFGS with all its memory, for pictures of a size."""
    import tensorflow as tf

    from nst_tf.optimizers.lbfgs import Evaluation, LBFGSState
    from nst_tf.transfer.divergence import DivergenceMonitor

    image = tf.random.uniform([1, *size, 3])
    vectors = tuple(tf.reshape(image, [-1]) for _ in range(PAIRS))
    optimizer = LBFGSState(vectors, vectors, Evaluation({"total": 1.0}, image), False)
    watch = DivergenceMonitor(best=1.0, image=image)
    return replace(state, image=image, start=image, optimizer=optimizer, watch=watch)


def timed(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--max_dim", type=int, default=256)
    parser.add_argument("--every", type=float, default=10.0)
    options = parser.parse_args()

    from nst_tf import RECIPES, load_image
    from nst_tf.callbacks import Checkpoint
    from nst_tf.inputs.prepare import prepare_inputs
    from nst_tf.transfer.checkpoint import load_checkpoint, save_checkpoint
    from nst_tf.transfer.run import StyleTransfer

    pictures = [load_image(ASSETS / f"{name}.jpg") for name in ("temple", "great_wave")]
    settings = replace(
        RECIPES["tutorial"], optimizer="lbfgs", max_dim=options.max_dim, epochs=1,
        steps_per_epoch=options.steps,
    )  # fmt: skip
    record = describe() | {"max_dim": options.max_dim, "every_seconds": options.every}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.checkpoint"
        keep = Checkpoint(path, options.every)
        runs = {"plain": [], "checkpoints": []}
        steps = {name: StyleTransfer(prepare_inputs(*pictures, settings)).steps() for name in runs}
        first = {name: next(generator) for name, generator in steps.items()}  # compiles
        for _ in range((options.steps - 1) // TURN):
            for name, generator in steps.items():
                began = time.perf_counter()
                for _ in range(TURN):
                    progress = next(generator)
                    if name == "checkpoints":
                        keep(progress)
                runs[name].append(time.perf_counter() - began)
        totals = {name: sum(times) for name, times in runs.items()}
        record["run"] = {
            "steps": TURN * len(runs["plain"]),
            "seconds": {name: round(total, 1) for name, total in totals.items()},
            "ratio": round(totals["checkpoints"] / totals["plain"], 3),
            "median_ratio_of_turns": round(
                statistics.median(
                    b / a for a, b in zip(runs["plain"], runs["checkpoints"], strict=True)
                ),
                3,
            ),
        }
        record["sizes"] = {}
        for size in SIZES:
            saved = first["plain"].saved()
            run = replace(saved, state=full_state(saved.state, size))
            record["sizes"][f"{size[1]}x{size[0]}"] = {
                "write_seconds": round(
                    statistics.median(timed(save_checkpoint, path, run) for _ in range(3)), 2
                ),
                "read_seconds": round(
                    statistics.median(timed(load_checkpoint, path) for _ in range(3)), 2
                ),
                "megabytes": round(path.stat().st_size / 1e6),
            }
    write_record(Path(__file__).with_suffix(".json"), record)
    print(record)


if __name__ == "__main__":
    main()
