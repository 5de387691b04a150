"""Rendering of runs: HTML, and the table of the loss curve."""

import html
from collections.abc import Sequence
from typing import Any

from nst_tf.callbacks.pace import duration
from nst_tf.images.resize import Size, fit_size
from nst_tf.page.estimates import in_words
from nst_tf.page.figures import done, figure
from nst_tf.page.runs import Run
from nst_tf.settings import Settings

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
    figures = []
    for run, position in zip(runs, positions, strict=True):
        is_chosen = run.name == chosen if several else None
        figures.append(figure(run, title(run), status(run, position, preparation), is_chosen))
    return f'<div class="screen of-{len(runs)}">{"".join(figures)}</div>'


def progress(runs: Sequence[Run]) -> str:
    """Return the progress of the first run that is being painted, or of the first that waits."""
    active = sorted((run for run in runs if run.active), key=lambda run: run.status != "running")
    if not active:
        return ""
    return f"<progress {done(active[0])} aria-label='progress'></progress>"


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


def caption(run: Run) -> str:
    """Return the title of a run in the history."""
    doing = {"waiting": " · waiting", "running": " · being painted"}
    return f"{title(run)}{doing.get(run.status, '')}"


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
