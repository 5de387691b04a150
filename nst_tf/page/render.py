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
from nst_tf.page.runs import Run

LONG_SIDE = 1600  # maximum pixels of a finished picture on the screen
THUMBNAIL = 256  # pixels

EMPTY = """\
<div class="screen empty" role="img" aria-label="No picture yet"><p>Choose a photo and a painting,
then press <b>Paint</b>.<br>The picture grows here.</p></div>"""


def alert(problem: object) -> str:
    """Return a sentence for the visitor as HTML."""
    return f'<p role="alert">{html.escape(str(problem))}.</p>'


def screen(runs: Sequence[Run], positions: Sequence[int]) -> str:
    """Return the pictures of runs side by side, each with its status.

    Args:
        runs: the runs.
        positions: the number of runs before each in the queue.
    """
    if not runs:
        return EMPTY
    figures = [_figure(run, position) for run, position in zip(runs, positions, strict=True)]
    return f'<div class="screen of-{len(runs)}">{"".join(figures)}</div>'


def title(run: Run) -> str:
    """Return a run's recipe and the settings that differ from it, in a few words."""
    flags = [flag for flag in run.order.arguments() if flag.startswith("--") and "=" in flag]
    changed = [flag.removeprefix("--") for flag in flags]
    named = [flag.replace("_", " ").replace("=", " ") for flag in changed if "mask" not in flag]
    masked = ["masked"] * bool(run.order.masks)
    return " · ".join([run.order.recipe, *named, *masked])


def status(run: Run, position: int) -> str:
    """Return the status of a run in a line, with the number of runs before it."""
    preview = run.preview
    if run.status == "waiting":
        before = "1 picture is" if position == 1 else f"{position} pictures are"
        return f"waiting: {before} before this one" if position else "waiting for its turn"
    if run.status != "running":
        return " · ".join([run.message, *run.warnings])
    if preview is None:
        return "starting"
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


def _figure(run: Run, position: int) -> str:
    line = html.escape(status(run, position))
    name = html.escape(title(run))
    picture, done = _source(run), 0.0
    if run.status == "running" and run.preview:
        done = run.preview.step / run.preview.steps
    elif run.picture:
        done = 1.0
    shown = (
        f'<img src="{picture}" alt="{name}: {line}">'
        if picture
        else '<div class="blank"><span class="wait"></span></div>'
    )
    device = html.escape(run.preview.headline) if run.preview and run.status == "running" else ""
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
    """Return a run's picture as a data URL, which needs no served file, or None."""
    image = None if run.active else finished(run)
    if image is not None:
        return _embedded(image)
    if run.preview is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(run.preview.picture).decode()}"


def _embedded(image: Image.Image) -> str:
    file = io.BytesIO()
    kind = "webp" if image.mode == "RGBA" else "jpeg"
    image.save(file, kind.upper(), quality=92)
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
