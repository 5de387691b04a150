"""The right column of the page: the pictures, and what can be done with them."""

from typing import Any

import gradio as gr
import pandas as pd

from nst_tf.page import render
from nst_tf.page.region_editor import make_editor

# A click on a button of a picture; Gradio calls an event with such data `select`.
ACT = """
element.addEventListener('click', (click) => {
  const button = click.target.closest('[data-act]');
  const run = button?.closest('figure').dataset.run;
  if (button) trigger('select', {index: run, value: button.dataset.act});
});
"""


def make_results() -> dict[str, Any]:
    """Create the results, and return their components by their names in `Components`."""
    return {**_tabs(), **_downloads()}


def _tabs() -> dict[str, Any]:
    """Create the tabs of the chosen picture."""
    with gr.Tabs():
        with gr.Tab("Picture", elem_id="picture-tab"):
            screen = gr.HTML(render.EMPTY, elem_id="screen", js_on_load=ACT)
        with gr.Tab("Regions", elem_id="regions-tab", render_children=True):
            regions = make_editor()
        with gr.Tab("Compare"):
            compare = gr.ImageSlider(
                label="Photo and picture", show_label=False, max_height=620, height=560,
                elem_id="compare", interactive=False, buttons=["fullscreen"],
            )  # fmt: skip
        with gr.Tab("Losses"):
            curve = gr.LinePlot(
                pd.DataFrame(render.curve(None)), x="step", y="loss", color="term", height=480,
                x_title="step", y_title="loss relative to the first total", elem_id="curve",
            )  # fmt: skip
        with gr.Tab("Command"):
            command = gr.Code(
                language="shell", label="Command for the same picture", wrap_lines=True,
                interactive=False, elem_id="command", lines=3,
            )  # fmt: skip
            masks = gr.File(label="Masks of the command", visible=False, file_count="multiple")
    return {
        "screen": screen, "compare": compare, "curve": curve, "command": command, "masks": masks,
        **regions,
    }  # fmt: skip


def _downloads() -> dict[str, Any]:
    """Create the buttons of the chosen picture, and the gallery of earlier pictures."""
    with gr.Row(elem_id="downloads"):
        download = gr.DownloadButton(
            "Download", interactive=False, elem_id="download", min_width=120, scale=0, size="md"
        )
        reuse = gr.Button(
            "Use these settings", interactive=False, elem_id="reuse", min_width=160, scale=0,
            size="md",
        )  # fmt: skip
        history = gr.Gallery(
            label="Your pictures", columns=8, rows=1, height=120,
            allow_preview=False, interactive=False, elem_id="history", buttons=[],
            elem_classes="samples", object_fit="cover", scale=1, fit_columns=False,
            visible=False,
        )  # fmt: skip
    return {"download": download, "reuse": reuse, "history": history}
