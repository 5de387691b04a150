"""The second stage in a row of pictures: assets/brushstrokes.jpg.

    python scripts/stage_pictures.py [--content temple] [--style great_wave] [--recipe fast]

Photo, painting, the network's picture, each level of brushstrokes, and the result.
"""

import argparse

import numpy as np
from PIL import Image
from record import ASSETS

from nst_tf import load_image, stylize
from nst_tf.images.levels import quantize

WIDTH, GAP, COLUMNS = 320, 6, 3  # of a picture and between pictures, pixels; pictures in a row


def tile(image):
    """Return a picture, float `[1, h, w, 3]` in [0, 1], at the width of a tile.

    Levels smaller than a tile show their pixels.
    """
    picture = Image.fromarray(quantize(np.asarray(image)[0]))
    size = WIDTH, round(WIDTH * picture.height / picture.width)
    small = picture.width < WIDTH
    return picture.resize(size, Image.Resampling.NEAREST if small else Image.Resampling.LANCZOS)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", default="temple")
    parser.add_argument("--style", default="great_wave")
    parser.add_argument("--recipe", default="fast")
    options = parser.parse_args()
    photo, painting = (ASSETS / f"{name}.jpg" for name in (options.content, options.style))
    shown = {}

    def note(progress):
        shown[progress.level] = progress.image()  # 0: the network's steps

    stylize(photo, painting, options.recipe, callbacks=[note])
    tiles = [tile(image) for image in (load_image(photo), load_image(painting), *shown.values())]
    height = max(picture.height for picture in tiles)
    rows = -(-len(tiles) // COLUMNS)
    size = COLUMNS * (WIDTH + GAP) - GAP, rows * (height + GAP) - GAP
    sheet = Image.new("RGB", size, "white")
    for number, picture in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        sheet.paste(picture, (column * (WIDTH + GAP), row * (height + GAP)))
    sheet.save(ASSETS / "brushstrokes.jpg", quality=90)


if __name__ == "__main__":
    main()
