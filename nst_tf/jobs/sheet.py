"""A contact sheet: all pictures of a batch, small, with their names."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from nst_tf.files import StrPath, write_whole
from nst_tf.images.decode import MOST_PIXELS, open_picture
from nst_tf.images.save import output_format

SIDE = 192  # pixels of a picture's long side
GAP = 12
CAPTION = 18
MOST = 1000  # pictures

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def draw_sheet(path: StrPath, pictures: Sequence[str], columns: int = 0) -> None:
    """Draw pictures in rows; the place of one that cannot be read stays empty.

    Args:
        path: where to write, by its ending a .png, .jpg, .webp or .tiff.
        pictures: their paths, in order; the first thousand are drawn.
        columns: pictures in a row; 0: about as many as there are rows.

    Raises:
        OSError: the file cannot be written.
        ValueError: the ending is no picture's.
    """
    kind = output_format(path)
    pictures = pictures[:MOST]
    columns = min(columns, len(pictures)) or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = SIDE + GAP, SIDE + CAPTION + GAP
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, name in enumerate(pictures):
        left = GAP + number % columns * width
        top = GAP + number // columns * height
        try:
            with open_picture(name, MOST_PIXELS) as picture:
                picture.draft("RGB", (SIDE, SIDE))
                picture.thumbnail((SIDE, SIDE))
                small = picture.convert("RGB")
        except (OSError, ValueError, MemoryError):
            continue
        sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))
        draw.text((left, top + SIDE + 3), _caption(draw, font, Path(name).stem), "black", font)
    with write_whole(path) as file:
        sheet.save(file, kind, quality=90)


def _caption(draw: ImageDraw.ImageDraw, font: Font, text: str) -> str:
    """Return a name, cut in the middle if it is wider than a picture."""
    kept = len(text)
    while kept > 2 and draw.textlength(_cut(text, kept), font) > SIDE:
        kept -= 1
    return _cut(text, kept)


def _cut(text: str, kept: int) -> str:
    if kept >= len(text):
        return text
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
