"""Four photographs in the manner of four paintings, at full size: assets/contact_sheet.jpg.

    python scripts/contact_sheet.py --pictures quality_table-pictures [--recipe painting]

The pictures are those of `quality_table.py --max_dim 512`.
"""

import argparse
from pathlib import Path

from PIL import Image
from quality_table import CONTENTS, STYLES
from record import ASSETS

GAP = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--recipe", default="painting")
    options = parser.parse_args()
    rows = [
        [Image.open(options.pictures / f"{options.recipe}-{content}-{style}-512.png")
         for style in STYLES]
        for content in CONTENTS
    ]  # fmt: skip
    width = max(sum(picture.width + GAP for picture in row) for row in rows) - GAP
    height = sum(max(picture.height for picture in row) + GAP for row in rows) - GAP
    sheet = Image.new("RGB", (width, height), "white")
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            sheet.paste(picture, (left, top))
            left += picture.width + GAP
        top += max(picture.height for picture in row) + GAP
    sheet.save(ASSETS / "contact_sheet.jpg", quality=90)


if __name__ == "__main__":
    main()
