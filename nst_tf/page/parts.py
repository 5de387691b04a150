"""The page's components, and where they are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from nst_tf.cli.help import PURPOSES
from nst_tf.page import show
from nst_tf.page.access import Choice, File, Files, Kind, Layers, Number, Switch, Text
from nst_tf.page.fields import advanced_fields
from nst_tf.page.limits import Limits
from nst_tf.page.order import EVERYDAY
from nst_tf.page.strokes import COLORS
from nst_tf.recipes import recipe

TITLE = "nst_tf: a photo in the manner of a painting"
FIRST_RECIPE = "painting"
SAMPLES = Path(__file__).with_name("samples")
PHOTOS = ("temple", "cat", "astronaut", "coffee")
PAINTINGS = ("great_wave", "auvers", "composition_viii", "summertime")
COLOURS = {
    "of the painting": "none", "of the photo": "luminance", "painting in the photo's": "match",
}  # fmt: skip
"""Choices of `preserve_color` in words."""


@dataclass
class Parts:
    """The components that have something to do."""

    photo: gr.Image
    paintings: gr.Gallery
    add: gr.UploadButton
    photo_samples: gr.Gallery
    painting_samples: gr.Gallery
    recipe: gr.Dropdown
    everyday: dict[str, gr.components.Component]
    keep_faces: gr.Checkbox
    advanced: dict[str, gr.components.Component]
    editor: gr.ImageEditor
    restore: gr.File
    paint: gr.Button
    stop: gr.Button
    go_on: gr.Button
    grid: gr.Button
    notice: gr.HTML
    screen: gr.HTML
    compare: gr.ImageSlider
    curve: gr.LinePlot
    command: gr.Code
    masks: gr.File
    download: gr.DownloadButton
    history: gr.Gallery

    @classmethod
    def make(cls, samples: Path, limits: Limits) -> "Parts":
        """Lay the page out: what is asked for on the left, what comes of it on the right.

        Args:
            samples: folder of the sample pictures.
            limits: of a run, which the page names.
        """
        gr.HTML(f"<h1>nst_tf</h1><p>{TITLE.partition(': ')[2].capitalize()}.</p>", elem_id="head")
        with gr.Row(elem_id="room", equal_height=False):
            with gr.Column(scale=4, min_width=340, elem_id="asked"):
                left = cls._asked(samples, limits)
            with gr.Column(scale=7, min_width=340, elem_id="made"):
                right = cls._made()
        return cls(**left, **right)

    def kinds(self, limits: Limits) -> dict[int, Kind]:
        """Return what each component that is filled in may send, by its number."""
        found: dict[gr.components.Component, Kind] = {
            self.photo: File(),
            self.paintings: Files(limits.paintings),
            self.add: Files(limits.paintings),
            self.restore: File(),
            self.editor: Layers(),
            self.keep_faces: Switch(),
            self.recipe: Choice(_values(self.recipe)),
        }
        for field in (*self.everyday.values(), *self.advanced.values()):
            if isinstance(field, gr.Dropdown):
                found[field] = Choice(_values(field))
            elif isinstance(field, gr.Textbox):
                found[field] = Text()
            else:
                found[field] = Number(0, 1e9)  # the settings have bounds of their own
        return {component._id: kind for component, kind in found.items()}

    @staticmethod
    def _asked(samples: Path, limits: Limits) -> dict[str, Any]:
        usual = recipe(FIRST_RECIPE)
        with gr.Row():
            photo = gr.Image(
                type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Photo",
                height=150, min_width=150, elem_id="photo", buttons=[],
                placeholder="Drop a photo here",
            )  # fmt: skip
            with gr.Column(min_width=150):
                paintings = gr.Gallery(
                    type="filepath", file_types=["image"], label="Paintings", columns=2, height=116,
                    interactive=True, elem_id="paintings", object_fit="contain",
                    allow_preview=False, buttons=[], sources=["upload"],
                )  # fmt: skip
                add = gr.UploadButton(
                    "Add a painting", file_types=["image"], file_count="multiple", size="sm",
                    elem_id="add",
                )  # fmt: skip
        with gr.Row():
            rows = [
                gr.Gallery(
                    [(str(samples / f"{name}.jpg"), name.replace("_", " ")) for name in names],
                    label=label,
                    show_label=False,
                    columns=4,
                    rows=1,
                    height=76,
                    allow_preview=False,
                    interactive=False,
                    elem_id=label.replace(" ", "-"),
                    min_width=150,
                    elem_classes="samples",
                    buttons=[],
                    object_fit="cover",
                )
                for names, label in ((PHOTOS, "sample photos"), (PAINTINGS, "sample paintings"))
            ]
        chosen = gr.Dropdown(
            [*PURPOSES], value=FIRST_RECIPE, label="Recipe", info=PURPOSES[FIRST_RECIPE],
            elem_id="recipe",
        )  # fmt: skip
        with gr.Row():
            strength = gr.Slider(
                0, 2, value=1, step=0.05, label="Strength", info="0: the photo, 1: the recipe",
                min_width=140, elem_id="strength",
            )  # fmt: skip
            detail = gr.Slider(
                0.25, 4, value=1, step=0.05, label="Detail", info="greater: finer strokes",
                min_width=140, elem_id="detail",
            )  # fmt: skip
        with gr.Row():
            max_dim = gr.Slider(
                128, limits.side, value=min(usual.max_dim, limits.side), step=32, label="Size",
                min_width=140, info="long side in pixels", elem_id="max_dim",
            )  # fmt: skip
            longest = limits.run_seconds or None
            time_limit = gr.Number(
                0, label="Seconds", min_width=140, minimum=0, maximum=longest, elem_id="time_limit",
                info=f"at most {longest:g}" if longest else "at most about; 0: no limit",
            )  # fmt: skip
        with gr.Row():
            color = gr.Dropdown(
                [*COLOURS.items()], value="none", label="Colours", min_width=140,
                elem_id="preserve_color",
            )  # fmt: skip
            faces = gr.Checkbox(
                False, label="Keep faces", info="draw them closer to the photo", min_width=140,
                elem_id="keep_faces",
            )  # fmt: skip
        with gr.Row(elem_id="buttons"):
            sized: dict[str, Any] = {"size": "md", "min_width": 80}
            paint = gr.Button("Paint", variant="primary", elem_id="paint", **sized)
            stop = gr.Button("Stop", interactive=False, elem_id="stop", **sized)
            go_on = gr.Button("Continue", interactive=False, elem_id="continue", **sized)
            grid = gr.Button("× 3 strengths", elem_id="grid", **sized)
        notice = gr.HTML("", elem_id="notice")
        gr.HTML(f"<p>{limits.describe()}</p>", elem_id="limits")
        with gr.Accordion("Paint a part of the photo only", open=False, elem_id="regions"):
            names = [*COLORS]
            gr.Markdown(
                f"Brush over what is to be painted; the rest stays the photo. With several "
                f"paintings, {names[0]} is for the first one, {names[1]} for the second, and so on."
            )
            editor = gr.ImageEditor(
                type="numpy", image_mode="RGBA", format="png", sources=(), transforms=(),
                label="Regions", show_label=False, height=420, elem_id="editor", buttons=[],
                brush=gr.Brush(
                    default_size=40, color_mode="fixed",
                    colors=[f"rgb({red}, {green}, {blue})" for red, green, blue in COLORS.values()],
                ),
                eraser=gr.Eraser(default_size=40),
                layers=gr.LayerOptions(allow_additional_layers=False),
            )  # fmt: skip
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            restore = gr.File(
                label="Drop a picture made earlier to bring its settings back",
                file_types=["image"], height=90, elem_id="restore",
            )  # fmt: skip
            advanced = advanced_fields(FIRST_RECIPE)
        everyday = dict(zip(EVERYDAY, (strength, detail, max_dim, color, time_limit), strict=True))
        return {
            "photo": photo, "paintings": paintings, "add": add, "photo_samples": rows[0],
            "painting_samples": rows[1], "recipe": chosen, "everyday": everyday,
            "keep_faces": faces, "advanced": advanced, "editor": editor, "restore": restore,
            "paint": paint, "stop": stop, "go_on": go_on, "grid": grid,
            "notice": notice,
        }  # fmt: skip

    @staticmethod
    def _made() -> dict[str, Any]:
        with gr.Tabs():
            with gr.Tab("Picture"):
                screen = gr.HTML(show.EMPTY, elem_id="screen")
            with gr.Tab("Compare"):
                compare = gr.ImageSlider(
                    label="Photo and picture", show_label=False, max_height=620, height=560,
                    elem_id="compare", interactive=False, buttons=["fullscreen"],
                )  # fmt: skip
            with gr.Tab("Losses"):
                curve = gr.LinePlot(
                    pd.DataFrame(show.curve(None)), x="step", y="loss", color="term", height=480,
                    x_title="step", y_title="share of the first loss", elem_id="curve",
                )  # fmt: skip
            with gr.Tab("Command"):
                command = gr.Code(
                    language="shell", label="makes the same picture", wrap_lines=True,
                    interactive=False, elem_id="command", lines=3,
                )  # fmt: skip
                masks = gr.File(label="Its masks", visible=False, file_count="multiple")
        with gr.Row():
            download = gr.DownloadButton(
                "Download", interactive=False, elem_id="download", min_width=120, scale=0, size="md"
            )
            history = gr.Gallery(
                label="Your pictures", columns=8, rows=1, height=120,
                allow_preview=False, interactive=False, elem_id="history", buttons=[],
                elem_classes="samples", object_fit="cover", scale=1, fit_columns=False,
                visible=False,
            )  # fmt: skip
        return {
            "screen": screen, "compare": compare, "curve": curve, "command": command,
            "masks": masks, "download": download, "history": history,
        }  # fmt: skip


def _values(field: gr.Dropdown) -> tuple[str, ...]:
    """Return the values that a list of choices offers, without their labels."""
    return tuple(str(value) for _, value in field.choices)
