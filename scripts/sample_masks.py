"""The gallery's masks and cut-out: outlines by hand, the temple's sky and lake by colour.

    python scripts/sample_masks.py

Written to assets/masks: white on black, or red and blue for two regions.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from record import ASSETS

FINER = 4  # times as large as they are drawn, for smooth edges
RED, BLUE = (255, 0, 0), (0, 0, 255)

CUP = {
    "ellipses": [(74, 62, 481, 388), (172, 18, 409, 210)],
    "polygons": [[(372, 110), (398, 70), (412, 64), (427, 72), (424, 92), (408, 140)]],
}
PAGODA = [
    (196, 30), (214, 30), (218, 62), (262, 100), (322, 124), (296, 138), (298, 160), (330, 172),
    (318, 188), (322, 228), (352, 250), (338, 272), (344, 312), (376, 332), (340, 380), (340, 426),
    (70, 426), (70, 300), (60, 264), (98, 240), (100, 192), (82, 174), (120, 154), (94, 122),
    (192, 64),
]  # fmt: skip
SKY = [
    (44, 0), (661, 0), (661, 188), (612, 232), (552, 292), (470, 322), (430, 286), (416, 282),
    (352, 322), (312, 304), (280, 250), (262, 160), (330, 190), (392, 150), (352, 100), (312, 96),
    (322, 44), (240, 24), (150, 44), (48, 130), (0, 152), (0, 120), (44, 116),
]  # fmt: skip


def outline(size, ellipses=(), polygons=()):
    """Return a mask, white inside of any of the figures, whose corners are in pixels."""
    width, height = size
    mask = Image.new("L", (width * FINER, height * FINER))
    draw = ImageDraw.Draw(mask)
    for box in ellipses:
        draw.ellipse([FINER * edge for edge in box], fill=255)
    for polygon in polygons:
        draw.polygon([(FINER * x, FINER * y) for x, y in polygon], fill=255)
    return mask.resize(size, Image.Resampling.BOX)


def two_colors(mask):
    """Return a map that is red where the mask is white and blue elsewhere."""
    inside = np.asarray(mask)[..., None] > 127
    return Image.fromarray(np.where(inside, RED, BLUE).astype(np.uint8))


def main():
    folder = ASSETS / "masks"
    folder.mkdir(exist_ok=True)
    with Image.open(ASSETS / "coffee.jpg") as photo:
        cup = outline(photo.size, **CUP)
        cutout = photo.copy()
    cutout.putalpha(cup)
    cutout.save(folder / "coffee-cutout.webp", quality=90)
    cup.save(folder / "coffee-cup.png")
    cup.point(lambda level: 255 - level).save(folder / "coffee-table.png")
    with Image.open(ASSETS / "temple.jpg") as photo:
        red, green, blue = np.moveaxis(np.asarray(photo.filter(ImageFilter.BoxBlur(2)), int), 2, 0)
        light = (blue > 140) & (blue > red - 8) & (green > red - 12)
        sky = light & (np.asarray(outline(photo.size, polygons=[PAGODA])) < 128)
        smooth = Image.fromarray(np.uint8(255 * sky)).filter(ImageFilter.ModeFilter(13))
        two_colors(smooth).save(folder / "temple-sky.png")
    with Image.open(ASSETS / "great_wave.jpg") as painting:
        sky = outline(painting.size, polygons=[SKY])
    sky.save(folder / "great_wave-sky-alone.png")
    two_colors(sky).save(folder / "great_wave-sky.png")


if __name__ == "__main__":
    main()
