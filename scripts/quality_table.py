"""Held-out quality of every recipe on four contents by four styles.

    python scripts/quality_table.py [--max_dim 128]

Each recipe runs as it is but for its size, and for the number of steps of those in STEPS. The runs
are shared out among --workers processes of one core each, so that times are not comparable with
those of the benchmarks. Written to quality_table.json, the pictures to --parts; runs found there
with the same settings are not repeated.
"""

import argparse
import json
import multiprocessing
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from record import ASSETS, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONTENTS = ("temple", "cat", "astronaut", "coffee")
STYLES = ("great_wave", "auvers", "composition_viii", "summertime")
STEPS = {"gatys": 300, "lbfgs-256": 400, "two-phase": 200}


def make_settings(recipe, max_dim):
    from nst_tf import RECIPES

    settings = replace(RECIPES[recipe], max_dim=max_dim)
    if recipe in STEPS:
        settings = replace(settings, steps_per_epoch=STEPS[recipe] // settings.epochs)
    return settings


def start_worker():
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def work(job):
    from quality import measure_quality

    from nst_tf import load_image, save_image
    from nst_tf.images.metadata import read_metadata
    from nst_tf.transfer import fit, stylize

    recipe, content, style, max_dim, parts = job
    settings = make_settings(recipe, max_dim)
    knobs = json.loads(json.dumps(asdict(settings)))
    part = parts / f"{recipe}-{content}-{style}-{max_dim}.png"
    if not part.exists() or read_metadata(part)["settings"] != knobs:
        photo, painting = (load_image(ASSETS / f"{name}.jpg") for name in (content, style))
        photo, (painting,) = fit(photo, painting, settings)
        latest = []
        result = stylize(photo, painting, settings, callbacks=[latest.append])
        quality = measure_quality(result, photo, painting)
        figures = {"steps": latest[-1].step, **{k: round(v, 3) for k, v in quality.items()}}
        save_image(part, result, metadata={"settings": knobs, "figures": figures})
    return recipe, f"{content}:{style}", read_metadata(part)["figures"]


def draw(options):
    """Put the photo, the painting and a picture by every recipe on a sheet: assets/recipes.jpg."""
    from nst_tf import RECIPES, load_image, save_image
    from nst_tf.images.resize import cover

    content, style = options.pairs[0].split(":")
    paths = [ASSETS / f"{name}.jpg" for name in (content, style)]
    paths += [
        options.parts / f"{recipe}-{content}-{style}-{options.max_dim}.png" for recipe in RECIPES
    ]
    size = load_image(paths[-1]).shape[1:3]
    tiles = [cover(load_image(path), size) for path in paths]
    tiles = [np.pad(tile, ((0, 0), (3, 3), (3, 3), (0, 0)), constant_values=1) for tile in tiles]
    rows = [np.concatenate(tiles[start : start + 4], axis=2) for start in range(0, len(tiles), 4)]
    save_image(ASSETS / "recipes.jpg", np.concatenate(rows, axis=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max_dim", type=int, default=128)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--parts", type=Path, default=Path("quality_table-parts"))
    parser.add_argument(
        "--pairs", nargs="+", metavar="CONTENT:STYLE", help="default: four by four",
        default=[f"{content}:{style}" for content in CONTENTS for style in STYLES],
    )  # fmt: skip
    parser.add_argument("--recipes", nargs="+", help="default: all")
    parser.add_argument(
        "--sheet", action="store_true", help="draw the first pair's, record nothing"
    )
    options = parser.parse_args()
    options.parts.mkdir(exist_ok=True)

    from nst_tf import RECIPES

    jobs = [
        (recipe, content, style, options.max_dim, options.parts)
        for recipe in options.recipes or RECIPES
        for content, style in (pair.split(":") for pair in options.pairs)
    ]
    runs = {}
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.workers, start_worker) as pool:
        for recipe, pair, figures in pool.imap(work, jobs):
            runs.setdefault(recipe, {})[pair] = figures
            print(recipe, pair, json.dumps(figures), flush=True)
    if options.sheet:
        draw(options)
        return
    record = describe() | {"max_dim": options.max_dim, "recipes": {}}
    for recipe, pairs in runs.items():
        names = next(iter(pairs.values()))
        medians = {
            name: round(float(np.median([figures[name] for figures in pairs.values()])), 3)
            for name in names
        }
        record["recipes"][recipe] = {"median": medians, "pairs": pairs}
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
