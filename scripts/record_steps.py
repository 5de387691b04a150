"""The times of every step of every recipe, from which the tests judge the predicted time left.

    python scripts/record_steps.py [--recipes painting fast]

Each run paints `temple.jpg` in the manner of `great_wave.jpg`, in a process that has imported
TensorFlow and computed nothing yet. Recipes of brushstrokes paint at 128, 256 and 512 pixels, all
others take 30 steps at 64, 128 and 256. Those of the smaller two sizes have one thread of
TensorFlow, and their times are processor time; those of the largest have all threads, and their
times are those of an idle machine. `tests/data/steps.json` gets the time at which each step and
each level of brushstrokes ended.
"""

import argparse
import json
import multiprocessing
import time

from record import ASSETS, ROOT, describe

from nst_tf import load_image, stylize
from nst_tf.compute.device import start_tensorflow
from nst_tf.transfer.run import StyleTransfer

RECORD = ROOT / "tests" / "data" / "steps.json"
PAINTED = ("painting", "fast", "quality")
OTHERS = ("tutorial", "gatys", "lbfgs-256", "two-phase")


def sizes(recipe):
    """Return the long sides of a recipe's pictures, pixels."""
    return (128, 256, 512) if recipe in PAINTED else (64, 128, 256)


def record(recipe, size):
    """Return the record of a run, which must be the first of this process."""
    alone = size < max(sizes(recipe))
    start_tensorflow("cpu", threads=int(alone))
    if alone:
        StyleTransfer.clock = staticmethod(time.process_time)
    changes = {} if recipe in PAINTED else {"epochs": 2, "steps_per_epoch": 15}
    pictures = [load_image(ASSETS / name) for name in ("temple.jpg", "great_wave.jpg")]
    seen = []
    stylize(*pictures, recipe, callbacks=[seen.append], max_dim=size, **changes)
    seconds = [round(progress.seconds, 3) for progress in seen]
    return {"recipe": recipe, "changes": {"max_dim": size, **changes}, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*PAINTED, *OTHERS]
    parser.add_argument("--recipes", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    known = json.loads(RECORD.read_text())["runs"] if RECORD.exists() else []
    runs = {(run["recipe"], run["changes"]["max_dim"]): run for run in known}
    head = json.dumps(describe(), indent=1)[1:-2]
    for recipe in options.recipes:
        for size in sizes(recipe):
            with multiprocessing.get_context("fork").Pool(1) as pool:
                runs[recipe, size] = pool.apply(record, (recipe, size))
            print(recipe, size, runs[recipe, size]["seconds"][-1], flush=True)
            lines = ",\n".join(map(json.dumps, runs.values()))
            RECORD.write_text(f'{{{head},\n "runs": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
