"""Loss and the figures of quality.py against time, for some recipes and for L-BFGS.

    python scripts/benchmark_quality.py [--pairs temple:great_wave:256 …]

`lbfgs` is `tutorial` with --optimizer=lbfgs. Each method has a process of its own; they take turns
of some seconds, and only a method's own turns count as its time, from the call of `stylize` on, so
that tracing and compiling count too. Pictures are set aside along the way and, when the method has
ended, measured by quality.py and by the objective of `tutorial`, in which all can be compared.
Written to benchmark_quality.json, the final pictures to --parts; quality_figures.py draws both.
"""

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from record import ASSETS, MAIN_FIGURES, describe, write_record

from nst_tf import RECIPES, load_image, save_image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PAIRS = (
    "temple:great_wave:256",
    "cat:auvers:256",
    "astronaut:composition_viii:256",
    "coffee:summertime:512",
)
METHODS = ("tutorial", "gatys", "lbfgs", "fast", "quality", "painting")
ITS_LOSS = ("tutorial", "lbfgs")  # methods that minimise the tutorial's loss, and tell it
TURN = 5.0  # seconds
SPACING = 1.25  # of the times at which pictures are set aside


def make_settings(method, max_dim, options):
    if method == "lbfgs":
        settings = replace(RECIPES["tutorial"], optimizer="lbfgs", epochs=1)
        return replace(settings, steps_per_epoch=options.steps, max_dim=max_dim)
    return replace(RECIPES[method], max_dim=max_dim)


def work(method, pair, options, pipe):
    from quality import measure_quality

    from nst_tf.images.resize import resize
    from nst_tf.transfer.measure import measure
    from nst_tf.transfer.stylize import stylize

    content, style, max_dim = pair.split(":")
    settings = make_settings(method, int(max_dim), options)
    content, style = (load_image(ASSETS / f"{name}.jpg") for name in (content, style))
    pipe.recv()
    rows, pictures, evaluations = [], [], 0
    spent, began, wanted = 0.0, time.perf_counter(), 1.0

    def callback(progress):
        nonlocal spent, began, wanted, evaluations
        evaluations = progress.evaluations
        seconds = spent + time.perf_counter() - began
        if method in ITS_LOSS:
            rows.append((seconds, evaluations, progress.losses["total"]))
        if seconds >= wanted:
            pictures.append((seconds, evaluations, progress.image()))
            wanted = SPACING * seconds
        now = time.perf_counter()
        if now - began > TURN:
            spent = seconds
            pipe.send(None)
            pipe.recv()
            began = time.perf_counter()

    image = stylize(content, style, settings, callbacks=[callback])
    seconds = spent + time.perf_counter() - began
    pictures.append((seconds, evaluations, image))
    objective = replace(RECIPES["tutorial"], max_dim=int(max_dim))
    curve = []
    for at, evaluations, picture in pictures:
        picture = resize(picture, image.shape[1:3])
        curve.append((at, measure_quality(picture, content, style)))
        if method not in ITS_LOSS or at == seconds:
            rows.append((at, evaluations, measure(picture, content, style, objective)["total"]))
    save_image(options.parts / f"{pair.replace(':', '-')}-{method}.png", image)
    pipe.send({"rows": rows, "curve": curve})


def compare(pair, options, known):
    """Run the methods on a pair; `known` are the figures of those that are not run again."""
    context = multiprocessing.get_context("spawn")
    pipes, results = {}, {}
    for method in options.methods:
        pipes[method], theirs = context.Pipe()
        context.Process(target=work, args=(method, pair, options, theirs), daemon=True).start()
        theirs.close()  # so that a worker's end is noticed
    while len(results) < len(options.methods):
        for method in options.methods:
            if method not in results:
                pipes[method].send(None)
                results |= {method: result} if (result := pipes[method].recv()) else {}
    figures = known | {method: summary(result) for method, result in results.items()}
    tutorial = figures["tutorial"]
    for method in results:
        if method == "lbfgs":
            rows, loss = results[method]["rows"], tutorial["final_loss"]
            reached = [row[0] for row in rows if row[2] <= loss]
            figures[method] |= {
                "final_loss_over_tutorials": round(rows[-1][2] / loss, 3),
                "share_of_time_to_tutorials_loss": share(reached, tutorial),
            }
        elif method != "tutorial":
            figures[method] |= against(tutorial, results[method]["curve"])
    for method, result in results.items():  # the long lists last
        figures[method]["loss_by_seconds"] = thinned(result["rows"])
        figures[method]["quality_by_seconds"] = [
            [round(at, 1), rounded(quality)] for at, quality in result["curve"]
        ]
    return figures


def against(tutorial, curve):
    """Tell when a picture was no worse than the tutorial's in any main figure, and if the last is.

    The last picture is the one that a user gets.
    """
    goal = tutorial["quality"]
    reached = [
        at for at, quality in curve if all(quality[name] <= goal[name] for name in MAIN_FIGURES)
    ]
    return {
        "share_of_time_to_tutorials_quality": share(reached, tutorial),
        "share_of_tutorials_time": round(curve[-1][0] / tutorial["seconds"], 3),
        "result_is_no_worse": bool(reached) and reached[-1] == curve[-1][0],
    }


def share(reached, tutorial):
    """Return the first of the times as a share of the tutorial's whole one, if there is any."""
    return round(reached[0] / tutorial["seconds"], 3) if reached else None


def summary(result):
    rows = result["rows"]
    return {
        "seconds": round(rows[-1][0], 1),
        "evaluations": rows[-1][1],
        "final_loss": rows[-1][2],
        "quality": rounded(result["curve"][-1][1]),
    }


def thinned(rows, count=60):
    kept = np.unique(np.geomspace(1, len(rows), count).astype(int)) - 1
    return [[round(rows[index][0], 1), rows[index][2]] for index in kept]


def rounded(quality):
    return {name: round(value, 4) for name, value in quality.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=450, help="steps of L-BFGS")
    parser.add_argument("--pairs", nargs="+", default=PAIRS, metavar="CONTENT:STYLE:SIZE")
    parser.add_argument(
        "--methods", nargs="+", choices=("lbfgs", *RECIPES),
        default=[method for method in METHODS if method == "lbfgs" or method in RECIPES],
    )  # fmt: skip
    parser.add_argument("--add", action="store_true", help="keep what the record has of others")
    parser.add_argument("--parts", type=Path, default=Path("benchmark_quality-parts"))
    options = parser.parse_args()
    options.parts.mkdir(exist_ok=True)
    path = Path(__file__).with_suffix(".json")
    pairs = json.loads(path.read_text())["pairs"] if options.add else {}
    record = describe() | {"turn_seconds": TURN, "lbfgs_steps": options.steps, "pairs": pairs}
    for pair in options.pairs:
        record["pairs"][pair] = compare(pair, options, pairs.get(pair, {}))
        for method, figures in record["pairs"][pair].items():
            shown = {k: v for k, v in figures.items() if not k.endswith("by_seconds")}
            print(pair, method, json.dumps(shown), flush=True)
        write_record(path, record)


if __name__ == "__main__":
    main()
