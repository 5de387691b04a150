"""The last loss of a recipe against the number of pairs that L-BFGS remembers.

    python scripts/benchmark_pairs.py [--recipe painting] [--max_dim 256]

Runs by blocks remember fewer where memory is short: two pictures for each. Written to
benchmark_pairs.json, with the losses divided by the one with the recipe's own number.
"""

import argparse
import os
from dataclasses import replace
from pathlib import Path

from record import ASSETS, describe, write_record

from nst_tf import RECIPES, stylize

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PICTURES = ("temple great_wave", "cat auvers", "astronaut composition_viii", "coffee summertime")
PAIRS = (5, 3, 2, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="painting")
    parser.add_argument("--max_dim", type=int, default=256)
    options = parser.parse_args()
    settings = replace(RECIPES[options.recipe], max_dim=options.max_dim)
    ratios = {}
    for pictures in PICTURES:
        usual = last_loss(pictures, settings)
        found = {n: last_loss(pictures, replace(settings, lbfgs_memory=n)) for n in PAIRS}
        ratios[pictures] = {str(n): round(loss / usual, 4) for n, loss in found.items()}
        print(pictures, ratios[pictures], flush=True)
    record = {"recipe": options.recipe, "max_dim": options.max_dim}
    record |= {"usual": settings.lbfgs_memory, "loss_over_usual": ratios}
    write_record(Path(__file__).with_suffix(".json"), describe() | record)


def last_loss(pictures, settings):
    content, style = (ASSETS / f"{name}.jpg" for name in pictures.split())
    losses = []
    stylize(content, style, settings, callbacks=[lambda p: losses.append(p.losses["total"])])
    return losses[-1]


if __name__ == "__main__":
    main()
