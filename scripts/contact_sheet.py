"""Three photographs in the manner of three paintings, on one sheet: assets/contact_sheet.jpg.

    python scripts/contact_sheet.py [--max_dim 256] [--epochs 3]

The recipe is `tutorial` at the given size and length. What was run, how long it took and the last
losses go to contact_sheet.json. Pictures already made in --parts are kept, so that an interrupted
sheet can be continued.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image
from record import ASSETS, describe, write_record

from nst_tf import Settings, load_image, save_image, stylize
from nst_tf.images.depth import to_levels
from nst_tf.images.metadata import read_metadata
from nst_tf.images.resize import resize

CONTENTS = ("temple", "cat", "astronaut")
STYLES = ("great_wave", "auvers", "composition_viii")
MARGIN = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max_dim", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--parts", type=Path, default=Path("contact_sheet-parts"))
    options = parser.parse_args()
    options.parts.mkdir(exist_ok=True)
    settings = Settings(max_dim=options.max_dim, epochs=options.epochs)
    record = describe() | {"max_dim": settings.max_dim, "steps": settings.finest_steps, "runs": {}}

    height, width = settings.max_dim * 2 // 3, settings.max_dim
    step = (width + MARGIN, height + MARGIN)
    sheet = Image.new("RGB", (4 * step[0] + MARGIN, 4 * step[1] + MARGIN), "white")

    def place(image, row, column):
        scale = min(height / image.shape[1], width / image.shape[2])
        size = round(image.shape[1] * scale), round(image.shape[2] * scale)
        left = MARGIN + column * step[0] + (width - size[1]) // 2
        top = MARGIN + row * step[1] + (height - size[0]) // 2
        sheet.paste(Image.fromarray(to_levels(resize(image, size)[0])), (left, top))

    styles = {name: load_image(ASSETS / f"{name}.jpg") for name in STYLES}
    for column, style in enumerate(styles.values(), start=1):
        place(style, 0, column)
    for row, content in enumerate(CONTENTS, start=1):
        photo = load_image(ASSETS / f"{content}.jpg")
        place(photo, row, 0)
        for column, style in enumerate(STYLES, start=1):
            part = options.parts / f"{content}-{style}.png"
            if not part.exists():
                began, latest = time.perf_counter(), []
                result = stylize(photo, styles[style], settings, callbacks=[latest.append])
                figures = {
                    "seconds": round(time.perf_counter() - began, 1),
                    "last_losses": dict(latest[-1].losses),
                }
                save_image(part, result, metadata=figures)
            record["runs"][part.stem] = read_metadata(part)
            print(part.stem, record["runs"][part.stem], flush=True)
            place(load_image(part), row, column)
    save_image(ASSETS / "contact_sheet.jpg", np.asarray(sheet, np.float32) / 255)
    write_record(Path(__file__).with_suffix(".json"), record)


if __name__ == "__main__":
    main()
