"""Pictures of runs for the screen."""

import base64
import functools
import io
import math
from pathlib import Path

from PIL import Image, ImageDraw

from nst_tf.images.decode import MOST_PIXELS
from nst_tf.page.runs import Run
from nst_tf.page.uploads import check_upload

LONG_SIDE = 1600  # maximum pixels of a finished picture on the screen
PHOTO = 768  # maximum pixels of the photo that is shown before the first picture
THUMBNAIL = 256  # pixels


def finished(run: Run) -> Image.Image | None:
    """Return the picture of a run for the screen, or None."""
    if (path := run.picture) is None:
        return None
    return _reduced(path, path.stat().st_mtime_ns)


def photo(run: Run, side: int) -> Image.Image:
    """Return the photo of a run with a limited long side, pixels."""
    path = run.folder / run.order.photo
    return Image.fromarray(check_upload(path, path.name, MOST_PIXELS, side).preview)


def thumbnail(run: Run) -> Image.Image | None:
    """Return a thumbnail of a run's picture, with a star for a favourite, or None.

    An active run has no picture yet; its thumbnail shows the photo.
    """
    if run.active:
        return photo(run, THUMBNAIL)
    if (image := finished(run)) is None:
        return None
    image = image.copy()
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    if run.favourite:
        _draw_star(image)
    return image


def source(run: Run) -> str:
    """Return a run's picture as a data URL, which needs no served file."""
    image = None if run.active else finished(run)
    if image is not None:
        return _embedded(image)
    if run.preview is None:
        return _embedded(photo(run, PHOTO))
    return f"data:image/jpeg;base64,{base64.b64encode(run.preview.picture).decode()}"


@functools.lru_cache(maxsize=24)
def _reduced(path: Path, _: int) -> Image.Image:
    with Image.open(path) as image:
        shown = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    shown.thumbnail((LONG_SIDE, LONG_SIDE))
    return shown


def _embedded(image: Image.Image) -> str:
    file = io.BytesIO()
    kind = "webp" if image.mode == "RGBA" else "jpeg"
    image.save(file, kind.upper(), quality=92)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"


def _draw_star(image: Image.Image) -> None:
    """Draw a star with five points into the middle of a thumbnail's upper edge."""
    # The page shows the middle square of a thumbnail.
    radius = min(image.size) / 6
    center = (image.width / 2, 1.3 * radius)
    points = [
        (center[0] + length * math.sin(turn), center[1] - length * math.cos(turn))
        for number in range(10)
        for turn in (number * math.pi / 5,)
        for length in ((radius, 0.45 * radius)[number % 2],)
    ]
    ImageDraw.Draw(image).polygon(points, "#fbbf24", "#292524", width=max(1, round(radius / 8)))
