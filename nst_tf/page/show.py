"""What visitors see of their runs, as HTML and as rows of a curve."""

import base64
import functools
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from nst_tf.callbacks.pace import duration
from nst_tf.page.runs import Run

LONG_SIDE = 1600  # pixels of a finished picture on the screen, at most
THUMBNAIL = 256

EMPTY = """\
<div class="screen empty" role="img" aria-label="No picture yet"><p>Choose a photo and a painting,
then press <b>Paint</b>.<br>The picture grows here.</p></div>"""


def told(problem: object) -> str:
    """Return a sentence to a visitor as HTML."""
    return f'<p role="alert">{html.escape(str(problem))}.</p>'


def screen(runs: Sequence[Run], places: Sequence[int]) -> str:
    """Return the pictures of some runs side by side, each with what it has come to.

    Args:
        runs: to be shown.
        places: how many runs are before each in the line.
    """
    if not runs:
        return EMPTY
    figures = [_figure(run, place) for run, place in zip(runs, places, strict=True)]
    return f'<div class="screen of-{len(runs)}">{"".join(figures)}</div>'


def title(run: Run) -> str:
    """Return a run's recipe and what differs from it, in few words."""
    words = run.order.words()
    changed = [word.removeprefix("--") for word in words if word.startswith("--") and "=" in word]
    named = [word.replace("_", " ").replace("=", " ") for word in changed if "mask" not in word]
    masked = ["masked"] * bool(run.order.masks)
    return " · ".join([run.order.recipe, *named, *masked])


def status(run: Run, place: int) -> str:
    """Return in a line what a run is doing."""
    sight = run.sight
    if run.status == "waiting":
        before = "1 picture is" if place == 1 else f"{place} pictures are"
        return f"waiting: {before} before this one" if place else "waiting for its turn"
    if run.status != "running":
        return " · ".join([run.words, *run.notes])
    if sight is None:
        return "starting"
    where = f"step {sight.step} of {sight.steps} · size {sight.scale} of {sight.scales}"
    return where if sight.left is None else f"{where} · {duration(sight.left)} left"


def curve(run: Run | None) -> dict[str, list[Any]]:
    """Return the columns of a table of losses: step, loss as a share of the first, and its name.

    Shares let losses be compared whose weights differ by powers of ten.
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


def thumbnail(run: Run) -> Image.Image | None:
    """Return the picture of a run in small, or None."""
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


def _figure(run: Run, place: int) -> str:
    line = html.escape(status(run, place))
    name = html.escape(title(run))
    picture, done = _source(run), 0.0
    if run.status == "running" and run.sight:
        done = run.sight.step / run.sight.steps
    elif run.picture:
        done = 1.0
    shown = (
        f'<img src="{picture}" alt="{name}: {line}">'
        if picture
        else '<div class="blank"><span class="wait"></span></div>'
    )
    device = html.escape(run.sight.headline) if run.sight and run.status == "running" else ""
    bar = (
        f'<progress max="1" value="{done:.3f}" aria-label="progress of {name}"></progress>'
        if run.active
        else ""
    )
    kind = "failed" if run.status == "failed" else ""
    return (
        f'<figure class="{kind}" data-run="{run.name}">{shown}<figcaption>{bar}<b>{name}</b>'
        f'<span role="status">{line}</span><small>{device}</small></figcaption></figure>'
    )


def _source(run: Run) -> str | None:
    """Return a picture as the source of an image: inside the page, so that no file is served."""
    image = None if run.active else finished(run)
    if image is not None:
        return _embedded(image)
    if run.sight is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(run.sight.picture).decode()}"


def _embedded(image: Image.Image) -> str:
    file = io.BytesIO()
    kind = "webp" if image.mode == "RGBA" else "jpeg"
    image.save(file, kind.upper(), quality=92)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
