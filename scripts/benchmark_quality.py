"""Loss and held-out quality against time: `--optimizer=lbfgs` and the recipe `tutorial`.

    python scripts/benchmark_quality.py [--max_dim 256] [--pairs temple:great_wave …]

Both optimise the same objective of the same pictures. Each has a process of its own; they take
turns of some seconds, and only a method's own turns count as its time, from its first step on, so
that tracing and compiling count too. Adam takes the tutorial's 1000 steps, L-BFGS as many as are
given. Written to benchmark_quality.json, the pictures to --parts.
"""

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PAIRS = ("temple:great_wave", "cat:auvers", "astronaut:composition_viii")
METHODS = ("tutorial", "lbfgs")
TURN = 5.0  # seconds


def work(method, pair, options, pipe):
    from quality import measure_quality

    from nst_tf import RECIPES, load_image, save_image
    from nst_tf.transfer import fit, measure, stylize

    settings = replace(RECIPES["tutorial"], max_dim=options.max_dim)
    if method == "lbfgs":
        settings = replace(settings, optimizer="lbfgs", epochs=1, steps_per_epoch=options.steps)
    content, style = (load_image(ASSETS / f"{name}.jpg") for name in pair.split(":"))
    content, (style,) = fit(content, style, settings)
    pipe.recv()
    rows, spent, began = [], 0.0, time.perf_counter()

    def callback(progress):
        nonlocal spent, began
        now = time.perf_counter()
        rows.append((spent + now - began, progress.evaluations, progress.losses.total))
        if now - began > TURN:
            spent += now - began
            pipe.send(None)
            pipe.recv()
            began = time.perf_counter()

    image = stylize(content, style, settings, callbacks=[callback])
    rows.append((spent + time.perf_counter() - began, rows[-1][1], 0.0))
    rows[-1] = (*rows[-1][:2], measure(image, content, style, settings).total)
    save_image(options.parts / f"{pair.replace(':', '-')}-{method}.png", image)
    pipe.send({"rows": rows, "quality": measure_quality(image, content, style)})


def compare(pair, options):
    context = multiprocessing.get_context("spawn")
    pipes, results = {}, {}
    for method in METHODS:
        pipes[method], theirs = context.Pipe()
        context.Process(target=work, args=(method, pair, options, theirs), daemon=True).start()
        theirs.close()  # so that a worker's end is noticed
    while len(results) < len(METHODS):
        for method in METHODS:
            if method not in results:
                pipes[method].send(None)
                results |= {method: result} if (result := pipes[method].recv()) else {}
    figures = {}
    goal = results["tutorial"]["rows"][-1][2]
    for method, result in results.items():
        rows = np.array(result["rows"])
        figures[method] = {
            "seconds": round(rows[-1, 0], 1),
            "evaluations": int(rows[-1, 1]),
            "final_loss": rows[-1, 2],
            "quality": {name: round(value, 3) for name, value in result["quality"].items()},
            "loss_by_seconds": [
                [round(seconds, 1), total] for seconds, _, total in rows[:: max(1, len(rows) // 50)]
            ],
        }
    reached = [row for row in results["lbfgs"]["rows"] if row[2] <= goal]
    if reached:
        figures["lbfgs"]["seconds_to_tutorials_loss"] = round(reached[0][0], 1)
        figures["lbfgs"]["evaluations_to_tutorials_loss"] = reached[0][1]
        figures["lbfgs"]["share_of_tutorials_time"] = round(
            reached[0][0] / results["tutorial"]["rows"][-1][0], 3
        )
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max_dim", type=int, default=256)
    parser.add_argument("--steps", type=int, default=500, help="steps of L-BFGS")
    parser.add_argument("--pairs", nargs="+", default=PAIRS, metavar="CONTENT:STYLE")
    parser.add_argument("--parts", type=Path, default=Path("benchmark_quality-parts"))
    options = parser.parse_args()
    options.parts.mkdir(exist_ok=True)
    record = describe() | {"max_dim": options.max_dim, "turn_seconds": TURN, "pairs": {}}
    for pair in options.pairs:
        record["pairs"][pair] = compare(pair, options)
        shown = {
            method: {k: v for k, v in figures.items() if k != "loss_by_seconds"}
            for method, figures in record["pairs"][pair].items()
        }
        print(pair, json.dumps(shown, indent=1), flush=True)
        write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
