"""The pictures of the page's recipe cards: nst_tf/page/web/recipes.css.

    python scripts/recipe_cards.py

paints a sample pair with each recipe that has brushstrokes. The pictures of the others, which take
minutes each and do not change, are parts of assets/quality-pictures.jpg. The style sheet contains
the pictures, so the page asks for no further files.
"""

import base64
import io

import numpy as np
from PIL import Image
from quality_figures import COLOURS, COLUMNS, HEIGHT, MARGIN, WIDTH
from record import ASSETS, ROOT

from nst_tf import RECIPES, load_image, stylize
from nst_tf.cli.help import PURPOSES

STYLES = ROOT / "nst_tf" / "page" / "web" / "recipes.css"
PAIR = ("cat", "auvers")
SHOWN = 192, 96  # width and height of a card's picture, pixels


def main():
    rules = [
        rule(name, painted(name) if RECIPES[name].repaint else drawn(name)) for name in PURPOSES
    ]
    STYLES.write_text("/* scripts/recipe_cards.py makes this file. */\n" + "".join(rules))


def painted(recipe):
    """Return the picture of a recipe."""
    pictures = [load_image(ASSETS / f"{name}.jpg") for name in PAIR]
    pixels = stylize(*pictures, recipe, max_dim=384)[0]
    return Image.fromarray(np.rint(255 * np.clip(pixels, 0, 1)).astype(np.uint8))


def drawn(recipe):
    """Return the picture of a recipe from the sheet, where photo and painting come first."""
    row, column = divmod(2 + [*COLOURS].index(recipe), COLUMNS)
    left, top = (MARGIN + n * (side + MARGIN) for n, side in ((column, WIDTH), (row, HEIGHT)))
    with Image.open(ASSETS / "quality-pictures.jpg") as sheet:
        return sheet.crop((left, top, left + WIDTH, top + HEIGHT))


def rule(recipe, picture):
    """Return the rule that shows the upper middle of a picture on a recipe's card."""
    height = round(picture.width * SHOWN[1] / SHOWN[0])
    top = (picture.height - height) // 3
    part = picture.crop((0, top, picture.width, top + height))
    file = io.BytesIO()
    part.resize(SHOWN, Image.Resampling.LANCZOS).save(file, "WEBP", quality=60)
    source = base64.b64encode(file.getvalue()).decode()
    return (
        f'#recipe label:has([value="{recipe}"])::before {{ background-image: '
        f"url(data:image/webp;base64,{source}); }}\n"
    )


if __name__ == "__main__":
    main()
