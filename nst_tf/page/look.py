"""What has changed on a visitor's screen."""

from typing import Any

import gradio as gr
import pandas as pd
from PIL import Image

from nst_tf.page import show
from nst_tf.page.house import House
from nst_tf.page.runs import Run
from nst_tf.page.visitors import Visitor

CURVE_STEP = 20  # points by which a curve grows before it is drawn again

Key = dict[str, list[Any]]
"""What a screen shows, by its parts: compared to tell what has changed."""


def look(house: House, visitor: Visitor, before: Key | None) -> tuple[Key, dict[str, Any]]:
    """Return what a visitor's screen shows now, and the values of the components that change.

    Args:
        house: where the runs are.
        visitor: whose screen it is.
        before: what it has shown; None: nothing.
    """
    runs = visitor.shown
    places = [house.line.place(run) for run in runs]
    made = pictures(visitor)
    now: Key = {
        "screen": [(run.name, run.changes, place) for run, place in zip(runs, places, strict=True)],
        "states": [(run.name, run.status) for run in runs],
        "curve": [(run.name, run.status, len(run.curve) // CURVE_STEP) for run in runs[-1:]],
        "made": [(run.name, run.changes) for run in made],
    }
    changed = {part for part in now if before is None or before[part] != now[part]}
    main = runs[-1] if runs else None
    values: dict[str, Any] = {}
    if "screen" in changed:
        values["screen"] = show.screen(runs, places)
    if "states" in changed:
        values["stop"] = gr.update(interactive=any(run.active for run in runs))
        values["go_on"] = gr.update(interactive=any(run.resumable for run in runs))
        values["compare"] = _compared(house, main)
        values |= _downloads(main)
    if "curve" in changed:
        values["curve"] = pd.DataFrame(show.curve(main))
    if "made" in changed:
        rows = [(show.thumbnail(run), show.title(run)) for run in made]
        values["history"] = gr.update(value=rows, visible=bool(rows))
    return now, values


def pictures(visitor: Visitor) -> list[Run]:
    """Return the runs of which there is a picture, latest first."""
    return [run for run in reversed(visitor.runs) if not run.active and run.picture]


def _downloads(run: Run | None) -> dict[str, Any]:
    masks = [str(run.folder / name) for name in run.order.masks] if run else []
    picture = None if run is None or run.active else run.picture
    return {
        "command": run.order.command() if run else "",
        "masks": gr.update(value=masks or None, visible=bool(masks)),
        "download": gr.update(
            value=str(picture) if picture else None, interactive=picture is not None
        ),
    }


def _compared(house: House, run: Run | None) -> tuple[Image.Image, Image.Image] | None:
    picture = None if run is None or run.active else show.finished(run)
    if run is None or picture is None:
        return None
    photo = Image.fromarray(house.check(run.folder / run.order.photo).preview)
    return photo.resize(picture.size, Image.Resampling.LANCZOS), picture.convert("RGB")
