"""A contact sheet: all pictures of a batch, small, with their names."""

import functools
import hashlib
import math
import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw, ImageFont, ImageOps

from nst_tf.images.decode import MOST_PIXELS, open_picture
from nst_tf.images.save import output_format
from nst_tf.utils.describe import counted
from nst_tf.utils.files import StrPath, write_whole

SIDE = 192  # pixels of a picture's long side
GAP = 12
CAPTION = 18
FONT_SIZE = 11  # pixels
MOST = 1000  # pictures

Font = ImageFont.FreeTypeFont


def draw_sheet(path: StrPath, pictures: Sequence[str], columns: int = 0, owner: str = "") -> None:
    """Draw pictures in rows; the place of an unreadable picture stays empty.

    A name that the font cannot show is replaced by a number, which a text file lists.

    Args:
        path: of the sheet, ending in .png, .jpg, .webp or .tiff.
        pictures: their paths, in order; the first thousand are drawn.
        columns: number of pictures in a row; 0 for about as many as rows.
        owner: directory of the batch, by which `is_sheet_of` recognises its sheet.
    """
    kind = output_format(path)
    pictures = pictures[:MOST]
    columns = min(columns, len(pictures)) or math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    width, height = SIDE + GAP, SIDE + CAPTION + GAP
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), _font()
    shows, numbered = _shows(font), {}
    for number, name in enumerate(pictures):
        left = GAP + number % columns * width
        top = GAP + number // columns * height
        try:
            small = _small(name)
        except (OSError, ValueError, MemoryError):
            continue
        sheet.paste(small, (left + (SIDE - small.width) // 2, top + (SIDE - small.height) // 2))
        text = Path(name).stem
        if not all(map(shows, text)):
            numbered[number + 1] = name
            text = str(number + 1)
        draw.text((left, top + SIDE + 3), _caption(draw, font, text), "black", font)
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = _signature(owner)
    with write_whole(path) as file:
        sheet.save(file, kind, quality=90, exif=exif)
    if numbered:
        _write_legend(path, numbered)


def _small(name: str) -> Image.Image:
    """Return a small copy of a picture."""
    with open_picture(name, MOST_PIXELS) as picture:
        picture.draft("RGB", (SIDE, SIDE))
        if max(picture.size) > SIDE:
            picture.thumbnail((SIDE, SIDE))
        return ImageOps.contain(picture.convert("RGB"), (SIDE, SIDE))


def is_sheet_of(path: StrPath, owner: str) -> bool:
    """Return whether a file is the contact sheet of a batch."""
    try:
        with open_picture(path) as picture:
            return picture.getexif().get(ExifTags.Base.Software) == _signature(owner)
    except (OSError, ValueError, MemoryError):
        return False


def _signature(owner: str) -> str:
    digest = hashlib.blake2b(os.path.realpath(owner).encode(errors="surrogatepass"), digest_size=8)
    return f"nst_tf contact sheet {digest.hexdigest()}"


def legend(path: StrPath) -> str:
    """Return the path of the text file that lists the names of a sheet's numbers."""
    return f"{path}.txt"


def _write_legend(path: StrPath, numbered: dict[int, str]) -> None:
    lines = "".join(f"{number}\t{name}\n" for number, name in numbered.items())
    with write_whole(legend(path)) as file:
        file.write(lines.encode(errors="backslashreplace"))
    warnings.warn(
        f"{path} has numbers for {counted(len(numbered), 'name')} that its font cannot show: "
        f"{legend(path)} lists them"
    )


def _font() -> Font:
    """Return DejaVu Sans, which comes with matplotlib and has most alphabets."""
    import matplotlib

    return ImageFont.truetype(
        os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), FONT_SIZE
    )


def _shows(font: Font) -> Callable[[str], bool]:
    """Return a function that returns whether a font has a glyph for a character."""
    missing = bytes(font.getmask("\U0010ffff"))

    @functools.cache
    def shows(character: str) -> bool:
        return character.isprintable() and bytes(font.getmask(character)) != missing

    return shows


def _caption(draw: ImageDraw.ImageDraw, font: Font, text: str) -> str:
    """Return a name, shortened in the middle if it is wider than a picture."""
    kept = len(text)
    while kept > 2 and draw.textlength(_cut(text, kept), font) > SIDE:
        kept -= 1
    return _cut(text, kept)


def _cut(text: str, kept: int) -> str:
    if kept >= len(text):
        return text
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
