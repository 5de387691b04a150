"""Brushstrokes again on a finished picture, and its enlargement for prints: the network is done."""

from typing import Any

import gradio as gr

from nst_tf.page.limits import Limits
from nst_tf.page.runs import Run
from nst_tf.page.state import AppState
from nst_tf.page.variants import vary
from nst_tf.page.visitor import Visitor
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

PRINTS = {"A4": 3508, "A3": 4961}
"""Long sides at 300 dots per inch, pixels."""

NOT_PAINTED = "paint a picture with brushstrokes first"


def repaint_fields(limits: Limits) -> dict[str, Any]:
    """Create the sliders and buttons below the pictures.

    Args:
        limits: the limits of a run: larger prints are not offered.
    """
    usual = Settings()
    sized: dict[str, Any] = {"size": "md", "min_width": 120}
    prints = [(f"{name}, {side} pixels", name) for name, side in offered(limits).items()]
    with gr.Accordion("Brushstrokes again, in seconds", open=False, elem_id="again"):
        with gr.Row():
            detail = gr.Slider(
                0, 1, value=usual.repaint_detail, step=0.05, label="Structure", min_width=140,
                info="0: bold, 1: close to the photo", elem_id="again-detail",
            )  # fmt: skip
            patch = gr.Slider(
                2, 9, value=usual.patch_size, step=1, label="Patch size", min_width=140,
                info="larger: bolder", elem_id="again-patch",
            )  # fmt: skip
            again = gr.Button("Repaint", interactive=False, elem_id="repaint", **sized)
        with gr.Row(visible=bool(prints)):
            paper = gr.Radio(
                prints, value=prints[0][1] if prints else None, label="Print size",
                info="300 dots per inch, at most the photo's pixels", elem_id="print-size",
            )  # fmt: skip
            enlarge = gr.Button("Enlarge", interactive=False, elem_id="enlarge", **sized)
    return {
        "repaint_detail": detail, "patch_size": patch, "repaint": again, "print_size": paper,
        "enlarge": enlarge,
    }  # fmt: skip


def offered(limits: Limits) -> dict[str, int]:
    """Return the prints within the limits, with their long sides in pixels."""
    return {name: side for name, side in PRINTS.items() if side <= limits.side}


def repaint_updates(run: Run | None) -> dict[str, Any]:
    """Return updates of the buttons for the run that they concern."""
    ready = gr.update(interactive=run is not None and not run.active and run.kept is not None)
    return {"repaint": ready, "enlarge": ready}


def repaint(
    state: AppState, visitor: Visitor, detail: float | None, patch_size: float | None
) -> None:
    """Order the chosen picture with other brushstrokes; errors are those of `_again`."""
    chosen = {"repaint_detail": detail, "patch_size": patch_size}
    changes = {name: f"{value:g}" for name, value in chosen.items() if value is not None}
    _again(state, visitor, changes)


def enlarge(state: AppState, visitor: Visitor, paper: str) -> None:
    """Order the chosen picture in the size of a print.

    Raises:
        UserError: as for `_again`, or the photo is too small.
    """
    run, side = _chosen(visitor), PRINTS[paper]
    pixels = max(state.check(run.folder / run.order.photo).size)
    settings = run.order.check(state.limits)
    if pixels <= settings.max_dim:
        raise UserError(
            f"the photo has {pixels} pixels on its long side, and so has the picture: use a larger "
            "photo"
        )
    _again(state, visitor, {"max_dim": str(side), "network_dim": str(settings.network_limit)})


def _chosen(visitor: Visitor) -> Run:
    """Return the run that the buttons concern; UserError if it keeps no network's picture."""
    run = visitor.main
    if run is None or run.active or run.kept is None:
        raise UserError(NOT_PAINTED)
    return run


def _again(state: AppState, visitor: Visitor, changes: dict[str, str]) -> None:
    """Add a run to the queue that starts from the network's picture of the chosen one.

    Raises:
        UserError: there is no such picture, a value is not valid, or too many runs wait.
    """
    vary(state, visitor, _chosen(visitor), [changes])
