"""Updates of the components that show a visitor's runs."""

from typing import Any

import gradio as gr
import pandas as pd
from PIL import Image

from nst_tf.page import pictures, render
from nst_tf.page.repaint import repaint_updates
from nst_tf.page.runs import Run
from nst_tf.page.state import AppState
from nst_tf.page.visitor import Visitor

CURVE_STEP = 20  # new points after which a curve is drawn again

UPDATED = (
    "screen", "progress", "stop", "resume", "reuse", "compare", "curve", "command", "masks",
    "download", "history", "estimate_due", "repaint", "enlarge",
)  # fmt: skip
"""Names of the components that change with a visitor's runs."""

Snapshot = dict[str, list[Any]]
"""What each part of a screen shows, to be compared with the next snapshot."""


def screen_updates(
    state: AppState, visitor: Visitor, before: Snapshot | None
) -> tuple[Snapshot, dict[str, Any]]:
    """Return the snapshot of a visitor's screen, and the new values of changed components.

    Args:
        state: the shared state.
        visitor: the visitor.
        before: the previous snapshot; None: there is none.
    """
    runs, main = visitor.shown, visitor.main
    positions = [state.queue.position(run) for run in runs]
    earlier = earlier_runs(visitor)
    chosen = main.name if main else ""
    now: Snapshot = {
        "screen": [
            chosen,
            *((run.name, run.changes, place) for run, place in zip(runs, positions, strict=True)),
        ],
        "states": [chosen, *((run.name, run.status) for run in runs)],
        "curve": [(main.name, main.status, len(main.curve) // CURVE_STEP)] if main else [],
        "history": [(run.name, run.status if run.active else run.changes) for run in earlier],
        "estimates": [state.estimates.changes],
    }
    changed = {part for part in now if before is None or before[part] != now[part]}
    values: dict[str, Any] = {}
    if "screen" in changed:
        values["screen"] = render.screen(runs, positions, chosen, state.estimates.preparation)
        values["progress"] = render.progress(runs)
    if "states" in changed:
        values["stop"] = gr.update(interactive=any(run.active for run in runs))
        values["resume"] = gr.update(interactive=any(run.resumable for run in runs))
        values["reuse"] = gr.update(interactive=main is not None)
        values["compare"] = _comparison(main)
        values |= _downloads(main) | repaint_updates(main)
    if "curve" in changed:
        values["curve"] = pd.DataFrame(render.curve(main))
    if "history" in changed:
        rows = [(pictures.thumbnail(run), render.caption(run)) for run in earlier]
        values["history"] = gr.update(value=rows, visible=bool(rows))
    if "estimates" in changed:
        values["estimate_due"] = str(state.estimates.changes)
    return now, values


def earlier_runs(visitor: Visitor) -> list[Run]:
    """Return the runs of the history.

    Active ones that are not on the screen come first, so that they can be seen and stopped; then
    inactive ones that have a picture, favourites and the latest first.
    """
    hidden = [run for run in visitor.active if run not in visitor.shown]
    ended = [run for run in reversed(visitor.runs) if not run.active and run.picture]
    return hidden + sorted(ended, key=lambda run: not run.favourite)


def _downloads(run: Run | None) -> dict[str, Any]:
    names = (*run.order.masks, *run.order.style_masks) if run else ()
    masks = [str(run.folder / name) for name in names] if run else []
    picture = None if run is None or run.active else run.picture
    return {
        "command": run.order.command() if run else "",
        "masks": gr.update(value=masks or None, visible=bool(masks)),
        "download": gr.update(
            value=str(picture) if picture else None, interactive=picture is not None
        ),
    }


def _comparison(run: Run | None) -> tuple[Image.Image, Image.Image] | None:
    picture = None if run is None or run.active else pictures.finished(run)
    if run is None or picture is None:
        return None
    photo = pictures.photo(run, pictures.LONG_SIDE)
    return photo.resize(picture.size, Image.Resampling.LANCZOS), picture.convert("RGB")
