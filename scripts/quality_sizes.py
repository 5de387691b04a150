"""One pair by a recipe at 256, 512 and 1024 pixels: assets/quality-sizes.jpg.

    python scripts/quality_sizes.py [--recipe quality] [--pair temple:great_wave]

The photo is enlarged to the largest size first. Figures and times go to quality_sizes.json, the
pictures to --parts; those already there with the same settings are kept.
"""

import argparse
import json
import time
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from quality import measure_quality
from record import ASSETS, describe, write_record

from nst_tf import RECIPES, load_image, save_image, stylize
from nst_tf.images.metadata import read_metadata
from nst_tf.images.resize import long_side_size, resize

SIZES = (256, 512, 1024)
SHOWN = 480  # long side of each on the sheet, and of the details below


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="quality", choices=RECIPES)
    parser.add_argument("--pair", default="temple:great_wave")
    parser.add_argument("--parts", type=Path, default=Path("quality_sizes-parts"))
    options = parser.parse_args()
    options.parts.mkdir(exist_ok=True)
    photo, painting = (load_image(ASSETS / f"{name}.jpg") for name in options.pair.split(":"))
    photo = resize(photo, long_side_size(*photo.shape[1:3], SIZES[-1]))
    record = describe() | {"recipe": options.recipe, "pair": options.pair, "sizes": {}}
    shown = long_side_size(*photo.shape[1:3], SHOWN)
    columns = []
    for size in SIZES:
        part = options.parts / f"{options.pair.replace(':', '-')}-{size}.png"
        settings = replace(RECIPES[options.recipe], max_dim=size)
        knobs = json.loads(json.dumps(asdict(settings)))
        if not part.exists() or read_metadata(part)["settings"] != knobs:
            began, latest = time.perf_counter(), deque(maxlen=1)
            picture = stylize(photo, painting, settings, callbacks=[latest.append])
            seconds = time.perf_counter() - began
            quality = measure_quality(picture, photo, painting)
            quality = {name: round(value, 4) for name, value in quality.items()}
            figures = {"seconds": round(seconds, 1), "steps": latest[-1].step, **quality}
            save_image(part, picture, metadata={"settings": knobs, "figures": figures})
        record["sizes"][size] = read_metadata(part)["figures"]
        print(size, record["sizes"][size], flush=True)
        write_record(Path(__file__).with_suffix(".json"), record)
        picture = load_image(part)
        _, height, width, _ = picture.shape
        middle = picture[:, height // 4 : -height // 4, width // 8 : -3 * width // 8]
        columns.append(np.concatenate([resize(picture, shown), resize(middle, shown)], axis=1))
    save_image(ASSETS / "quality-sizes.jpg", np.concatenate(columns, axis=2))


if __name__ == "__main__":
    main()
