"""Rendering of runs: HTML, pictures, and the table of the loss curve."""

import base64
import functools
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from nst_tf.callbacks.pace import duration
from nst_tf.images.decode import MOST_PIXELS
from nst_tf.images.resize import Size, fit_size
from nst_tf.page.estimates import in_words
from nst_tf.page.runs import Run
from nst_tf.page.uploads import check_upload
from nst_tf.settings import Settings

LONG_SIDE = 1600  # maximum pixels of a finished picture on the screen
PHOTO = 768  # maximum pixels of the photo that is shown before the first picture
THUMBNAIL = 256  # pixels

EMPTY = """\
<div class="screen empty" role="img" aria-label="No picture yet"><p>Choose a photo and a painting,
then press <b>Paint</b>.<br>The picture grows here.</p></div>"""


def alert(problem: object) -> str:
    """Return a sentence for the visitor as HTML."""
    return f'<p role="alert">{html.escape(str(problem))}.</p>'


def screen(
    runs: Sequence[Run], positions: Sequence[int], chosen: str = "", preparation: float = 10.0
) -> str:
    """Return the pictures of runs side by side, each with its status.

    Args:
        runs: the runs.
        positions: the number of runs before each in the queue.
        chosen: the name of the run that buttons and tabs are about.
        preparation: expected seconds before a run's first picture.
    """
    if not runs:
        return EMPTY
    several = len(runs) > 1
    figures = [
        _figure(
            run,
            status(run, position, preparation),
            _choice(number, run.name == chosen) if several else "",
        )
        for number, (run, position) in enumerate(zip(runs, positions, strict=True))
    ]
    return f'<div class="screen of-{len(runs)}">{"".join(figures)}</div>'


def progress(runs: Sequence[Run]) -> str:
    """Return the progress of the first run that is being painted, or of the first that waits."""
    active = sorted((run for run in runs if run.active), key=lambda run: run.status != "running")
    if not active:
        return ""
    return f"<progress {_done(active[0])} aria-label='progress'></progress>"


def estimate_line(settings: Settings, size: Size, seconds: float) -> str:
    """Return the size of the picture and the time that it is expected to take, as HTML.

    Args:
        settings: the settings of the run.
        size: height and width of the photo, pixels.
        seconds: the expected time.
    """
    height, width = fit_size(*size, settings.max_dim)
    return f"<p>{width} × {height} pixels, about {in_words(seconds)}</p>"


def title(run: Run) -> str:
    """Return a run's recipe and the settings that differ from it, in a few words."""
    flags = [flag for flag in run.order.arguments() if flag.startswith("--") and "=" in flag]
    changed = [flag.removeprefix("--") for flag in flags]
    named = [flag.replace("_", " ").replace("=", " ") for flag in changed if "mask" not in flag]
    masked = ["masked"] * bool(run.order.masks)
    return " · ".join([run.order.recipe, *named, *masked])


def status(run: Run, position: int, preparation: float = 10.0) -> str:
    """Return the status of a run in a line; arguments as for `screen`."""
    preview = run.preview
    if run.status == "waiting":
        before = "1 picture is" if position == 1 else f"{position} pictures are"
        return f"waiting: {before} before this one" if position else "waiting for its turn"
    if run.status != "running":
        return " · ".join([run.message, *run.warnings])
    if preview is None:
        return f"preparing, about {in_words(preparation)}"
    sizes = preview.scales - preview.levels
    where = f"step {preview.step} of {preview.steps} · size {preview.scale} of {sizes}"
    if preview.level:
        where = f"brushstrokes {preview.level} of {preview.levels}"
    return where if preview.left is None else f"{where} · {duration(preview.left)} left"


def curve(run: Run | None) -> dict[str, list[Any]]:
    """Return the columns of the loss curve: step, loss relative to the first total, and term.

    Relative losses are comparable although their weights differ by powers of ten.
    """
    rows: dict[str, list[Any]] = {"step": [], "loss": [], "term": []}
    if run is None or not run.curve:
        return rows
    first = run.curve[0][1]["total"] or 1.0
    for step, losses in run.curve:
        for term, loss in losses.items():
            rows["step"].append(step)
            rows["loss"].append(loss / first)
            rows["term"].append(term.replace("_", " "))
    return rows


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
    """Return a thumbnail of the picture of a run, or None."""
    if (image := finished(run)) is None:
        return None
    image = image.copy()
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return image


@functools.lru_cache(maxsize=24)
def _reduced(path: Path, _: int) -> Image.Image:
    with Image.open(path) as image:
        shown = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    shown.thumbnail((LONG_SIDE, LONG_SIDE))
    return shown


def _figure(run: Run, line: str, choice: str) -> str:
    line, name = html.escape(line), html.escape(title(run))
    pictured = not run.active and run.picture is not None
    zoom = f' data-zoom="{run.name}"' if pictured else ""
    shown = f'<img src="{_source(run)}" alt="{name}: {line}"{zoom}>'
    buttons = choice + (
        f'<button type="button" data-zoom="{run.name}">Zoom</button>' if pictured else ""
    )
    device = html.escape(run.preview.headline) if run.preview and run.status == "running" else ""
    bar = (
        f'<progress {_done(run)} aria-label="progress of {name}"></progress>' if run.active else ""
    )
    kinds = {
        "failed": run.status == "failed",
        "chosen": 'aria-pressed="true"' in choice,
        "preparing": run.active and run.preview is None,
    }
    return (
        f'<figure class="{" ".join(kind for kind, is_one in kinds.items() if is_one)}" '
        f'data-run="{run.name}">{shown}<figcaption>{bar}<b>{name}</b>'
        f'<span role="status">{line}</span>{buttons}<small>{device}</small></figcaption></figure>'
    )


def _choice(number: int, chosen: bool) -> str:
    """Return the button that chooses one of several pictures."""
    words = "Chosen" if chosen else "Choose"
    pressed = str(chosen).lower()
    return f'<button type="button" data-choose="{number}" aria-pressed="{pressed}">{words}</button>'


def _done(run: Run) -> str:
    """Return the attributes of a progress bar; without a value, it moves to and fro."""
    preview = run.preview
    if run.status != "running" or preview is None:
        return 'max="1"'
    return f'max="1" value="{preview.step / preview.steps:.3f}"'


def _source(run: Run) -> str:
    """Return a run's picture as a data URL, which needs no served file."""
    image = None if run.active else finished(run)
    if image is not None:
        return _embedded(image)
    if run.preview is None:
        return _embedded(photo(run, PHOTO))
    return f"data:image/jpeg;base64,{base64.b64encode(run.preview.picture).decode()}"


def _embedded(image: Image.Image) -> str:
    file = io.BytesIO()
    kind = "webp" if image.mode == "RGBA" else "jpeg"
    image.save(file, kind.upper(), quality=92)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
