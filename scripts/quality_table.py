"""Every recipe on four contents by four styles: pictures, seconds and the figures of quality.py.

    python scripts/quality_table.py [--recipes quality fast] [--pictures DIRECTORY]
    python scripts/quality_table.py --recipes quality --checkout ../old --tag 1.3
    python scripts/quality_table.py --recipes tutorial --tag bfloat16 --flags=--precision=bfloat16

Each picture is made by the command line of the checkout in a process of its own; its seconds are
those of the whole command. Beside each picture PICTURE.json keeps its seconds and figures. Pictures
and figures that are there already are not made again: delete them where a recipe has changed. The
table goes into quality_table.json, with what it holds of other recipes at this size. Medians and
worst cases of each recipe are printed, and which recipe is below which.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import permutations
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from record import ASSETS, MAIN_FIGURES, ROOT, commit, describe, write_record

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

CONTENTS = ("temple", "cat", "astronaut", "coffee")
STYLES = ("great_wave", "auvers", "composition_viii", "summertime")


def main():
    options = parse()
    options.pictures.mkdir(parents=True, exist_ok=True)
    if options.sheet:
        draw(options)
        return
    path = options.record
    known = json.loads(path.read_text()) if path.exists() else {}
    table = known.get("recipes", {}) if known.get("max_dim") == options.max_dim else {}
    for recipe in options.recipes:
        name = f"{recipe}@{options.tag}" if options.tag else recipe
        pairs = {}
        for pair in options.pairs:
            pairs[pair] = run(recipe, name, pair, options)
            print(name, pair, json.dumps(pairs[pair]), flush=True)
        pairs = table.get(name, {}).get("pairs", {}) | pairs
        table[name] = {"commit": commit(options.checkout), **summarise(pairs), "pairs": pairs}
        write_record(path, describe() | {"max_dim": options.max_dim, "recipes": table})
    print("\n".join(report(table)))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="+", help="default: all")
    parser.add_argument("--max_dim", type=int, default=384)
    parser.add_argument("--pictures", type=Path, default=Path("quality_table-pictures"))
    parser.add_argument("--record", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--checkout", type=Path, default=ROOT, help="whose nst_tf is run")
    parser.add_argument("--tag", help="recorded with the recipes' names, as in quality@1.3")
    parser.add_argument("--flags", nargs="+", default=[], help="of nst_tf.run, beside the recipe")
    parser.add_argument("--sheet", type=Path, help="only draw the first pair by all recipes here")
    parser.add_argument("--measure_again", action="store_true", help="after quality.py has changed")
    parser.add_argument(
        "--pairs", nargs="+", metavar="CONTENT:STYLE", help="default: four by four",
        default=[f"{content}:{style}" for content in CONTENTS for style in STYLES],
    )  # fmt: skip
    options = parser.parse_args()
    if options.recipes is None:
        from nst_tf import RECIPES

        options.recipes = list(RECIPES)
    return options


def run(recipe, name, pair, options):
    """Return the seconds and figures of a picture, making and measuring it if that is not done."""
    picture = where(name, pair, options)
    note = picture.with_suffix(".json")
    known = json.loads(note.read_text()) if note.exists() else {}
    if not picture.exists():
        known = {"seconds": make(recipe, pair, picture, options)}
        write_record(note, known)
    if MAIN_FIGURES[0] not in known or options.measure_again:
        known = {"seconds": known.get("seconds"), **measure(picture, pair)}
        write_record(note, known)
    return known


def where(name, pair, options):
    return options.pictures / f"{name}-{pair.replace(':', '-')}-{options.max_dim}.png"


def make(recipe, pair, picture, options):
    """Make a picture by the checkout's command line; return the seconds that the command took."""
    content, style = (ASSETS / f"{name}.jpg" for name in pair.split(":"))
    command = [sys.executable, "-m", "nst_tf.run", f"--content={content}", f"--style={style}"]
    command += [f"--recipe={recipe}", f"--max_dim={options.max_dim}", "--quiet", *options.flags]
    command.append(f"--output={picture.resolve()}")
    checkout = options.checkout.resolve()
    began = time.perf_counter()
    # Python looks for modules in the directory it starts in before those of PYTHONPATH.
    subprocess.run(
        command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)}, check=True
    )
    return round(time.perf_counter() - began, 1)


def measure(picture, pair):
    from quality import measure_quality

    from nst_tf import load_image

    paths = (picture, *(ASSETS / f"{name}.jpg" for name in pair.split(":")))
    figures = measure_quality(*map(load_image, paths))
    return {name: round(value, 4) for name, value in figures.items()}


def summarise(pairs):
    """Return the median and the worst, that is the largest, of each figure over the pairs."""
    columns = {}
    for figures in pairs.values():
        for name, value in figures.items():
            if value is not None:
                columns.setdefault(name, []).append(value)
    return {
        "median": {name: round(float(np.median(column)), 4) for name, column in columns.items()},
        "worst": {name: max(column) for name, column in columns.items()},
    }


def report(table):
    """Yield lines: medians and worst cases, which recipe is below which, which are dominated."""
    names = list(next(iter(table.values()))["median"])
    width = max(14, *map(len, table))
    yield f"{'median (worst)':{width}}" + "".join(f"{name:>18}" for name in names)
    for recipe, record in table.items():
        cells = [
            f"{record['median'][name]:.3f} ({record['worst'][name]:.3f})"
            if name in record["median"]
            else "-"
            for name in names
        ]
        yield f"{recipe:{width}}" + "".join(f"{cell:>18}" for cell in cells)
    yield ""
    yield "below on how many pairs" + "".join(f"{name:>9}" for name in (*MAIN_FIGURES, "all four"))
    for one, other in permutations(table, 2):
        counts, shared = below(table[one]["pairs"], table[other]["pairs"])
        cells = "".join(f"{count:>9}" for count in counts.values())
        yield f"{one} < {other}".ljust(23) + f"{cells} of {shared}"
    yield ""
    for one, other in permutations(table, 2):
        if dominates(table[one]["median"], table[other]["median"]):
            yield f"{one} dominates {other}: no median is larger, nor are the seconds"


def below(ours, theirs):
    """Return on how many shared pairs each main figure, and all at once, is smaller; and of what.

    Args:
        ours: figures by pair.
        theirs: of the same form.
    """
    shared = [pair for pair in ours if pair in theirs]
    wins = [
        {name: ours[pair][name] < theirs[pair][name] for name in MAIN_FIGURES} for pair in shared
    ]
    counts = {name: sum(win[name] for win in wins) for name in MAIN_FIGURES}
    return counts | {"all four": sum(all(win.values()) for win in wins)}, len(shared)


def dominates(ours, theirs):
    """Return whether no main figure nor the seconds are larger than theirs, and one is smaller."""
    names = [name for name in (*MAIN_FIGURES, "seconds") if name in ours and name in theirs]
    values = [(ours[name], theirs[name]) for name in names]
    return all(a <= b for a, b in values) and any(a < b for a, b in values)


def draw(options):
    """Put the photo, the painting and a picture by every recipe on a sheet, four in a row."""
    pair = options.pairs[0]
    pictures = [Image.open(where(recipe, pair, options)) for recipe in options.recipes]
    sources = [Image.open(ASSETS / f"{name}.jpg").convert("RGB") for name in pair.split(":")]
    width, height = pictures[0].size
    tiles = [ImageOps.fit(tile, (width, height), Image.Resampling.LANCZOS) for tile in sources]
    tiles += pictures
    rows = -(-len(tiles) // 4)
    sheet = Image.new("RGB", (4 * (width + 6), rows * (height + 6)), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % 4 * (width + 6) + 3, number // 4 * (height + 6) + 3))
    sheet.save(options.sheet, quality=95, subsampling=0)


if __name__ == "__main__":
    main()
