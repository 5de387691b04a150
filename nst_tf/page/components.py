"""The components of the page and their layout."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from nst_tf.cli.help import PURPOSES
from nst_tf.page import render
from nst_tf.page.access import Choice, File, Files, Kind, Layers, Number, Places, Switch, Text
from nst_tf.page.faces import GROUP
from nst_tf.page.fields import advanced_fields
from nst_tf.page.limits import Limits
from nst_tf.page.mask_strokes import COLORS
from nst_tf.page.order import EVERYDAY_SETTINGS
from nst_tf.page.repaint import offered, repaint_fields
from nst_tf.recipes import recipe

TITLE = "nst_tf: a photo in the manner of a painting"
FIRST_RECIPE = "painting"
SAMPLES = Path(__file__).with_name("samples")
PHOTOS = ("temple", "cat", "astronaut", "coffee")
PAINTINGS = ("great_wave", "auvers", "composition_viii", "summertime")
MAX_FACES = 500  # that a visitor may leave out; few photos have as many
COLOR_CHOICES = {
    "of the painting": "none", "of the photo": "luminance", "painting matched to photo": "match",
}  # fmt: skip
"""The choices of `preserve_color`, in words."""


@dataclass
class Components:
    """The components with events or values, apart from headings and containers."""

    photo: gr.Image
    paintings: gr.Gallery
    add: gr.UploadButton
    photo_samples: gr.Gallery
    painting_samples: gr.Gallery
    recipe: gr.Dropdown
    everyday: dict[str, gr.components.Component]
    keep_faces: gr.Checkbox
    skip_faces: gr.CheckboxGroup
    advanced: dict[str, gr.components.Component]
    editor: gr.ImageEditor
    restore: gr.File
    paint: gr.Button
    stop: gr.Button
    resume: gr.Button
    grid: gr.Button
    notice: gr.HTML
    outlines: gr.HTML
    screen: gr.HTML
    compare: gr.ImageSlider
    curve: gr.LinePlot
    command: gr.Code
    masks: gr.File
    download: gr.DownloadButton
    history: gr.Gallery
    repaint_detail: gr.Slider
    patch_size: gr.Slider
    repaint: gr.Button
    print_size: gr.Radio
    enlarge: gr.Button

    @classmethod
    def make(cls, samples: Path, limits: Limits) -> "Components":
        """Create the page's layout: the form on the left, the pictures on the right.

        Args:
            samples: the folder of the sample pictures.
            limits: the limits of a run, which the page states.
        """
        gr.HTML(f"<h1>nst_tf</h1><p>{TITLE.partition(': ')[2].capitalize()}.</p>", elem_id="head")
        with gr.Row(elem_id="room", equal_height=False):
            with gr.Column(scale=4, min_width=340, elem_id="asked"):
                form = {
                    **_pictures(), **_samples(samples), **_settings(limits), **_buttons(limits),
                    **_faces(), **_mask_editor(), **_advanced(),
                }  # fmt: skip
                form["everyday"][GROUP] = form[GROUP]
            with gr.Column(scale=7, min_width=340, elem_id="made"):
                results = {**_tabs(), **_downloads(), **repaint_fields(limits)}
        return cls(**form, **results)

    def kinds(self, limits: Limits) -> dict[int, Kind]:
        """Return the kind of values that each input may send, by the component's number."""
        found: dict[gr.components.Component, Kind] = {
            self.photo: File(),
            self.paintings: Files(limits.paintings),
            self.add: Files(limits.paintings),
            self.restore: File(),
            self.editor: Layers(),
            self.recipe: Choice(_values(self.recipe)),
            self.repaint_detail: Number(0, 1),
            self.patch_size: Number(2, 9),
            self.print_size: Choice(tuple(offered(limits))),
        }
        for field in (*self.everyday.values(), *self.advanced.values()):
            if isinstance(field, gr.Dropdown):
                found[field] = Choice(_values(field))
            elif isinstance(field, gr.Checkbox):
                found[field] = Switch()
            elif isinstance(field, gr.CheckboxGroup):
                found[field] = Places(MAX_FACES)
            elif isinstance(field, gr.Textbox):
                found[field] = Text()
            else:
                found[field] = Number(0, 1e9)  # the settings have their own bounds
        return {component._id: kind for component, kind in found.items()}


def _pictures() -> dict[str, Any]:
    """Create the fields for the photo and the paintings."""
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
    return {"photo": photo, "paintings": paintings, "add": add}


def _samples(folder: Path) -> dict[str, Any]:
    """Create the galleries of sample pictures."""
    with gr.Row():
        photos, paintings = [
            gr.Gallery(
                [(str(folder / f"{name}.jpg"), name.replace("_", " ")) for name in names],
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
        ]  # fmt: skip
    return {"photo_samples": photos, "painting_samples": paintings}


def _settings(limits: Limits) -> dict[str, Any]:
    """Create the prominent fields: the recipe and everyday settings."""
    usual = recipe(FIRST_RECIPE)
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
            0.25, 4, value=1, step=0.05, label="Detail", info="larger: finer strokes",
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
            info=f"at most {longest:g}" if longest else "approximate limit; 0: none",
        )  # fmt: skip
    with gr.Row():
        color = gr.Dropdown(
            [*COLOR_CHOICES.items()], value="none", label="Colours", min_width=140,
            elem_id="preserve_color",
        )  # fmt: skip
        faces = gr.Checkbox(
            usual.keep_faces, label="Keep faces", info="so that they can be recognised",
            min_width=140, elem_id="keep_faces",
        )  # fmt: skip
    fields = (strength, detail, max_dim, color, time_limit, faces)
    named = (name for name in EVERYDAY_SETTINGS if name != GROUP)
    everyday = dict(zip(named, fields, strict=True))
    return {"recipe": chosen, "everyday": everyday, "keep_faces": faces}


def _buttons(limits: Limits) -> dict[str, Any]:
    """Create the buttons, and below them the notice and the limits of a run."""
    with gr.Row(elem_id="buttons"):
        sized: dict[str, Any] = {"size": "md", "min_width": 80}
        paint = gr.Button("Paint", variant="primary", elem_id="paint", **sized)
        stop = gr.Button("Stop", interactive=False, elem_id="stop", **sized)
        resume = gr.Button("Continue", interactive=False, elem_id="continue", **sized)
        grid = gr.Button("× 3 strengths", elem_id="grid", **sized)
    notice = gr.HTML("", elem_id="notice")
    gr.HTML(f"<p>{limits.describe()}</p>", elem_id="limits")
    return {"paint": paint, "stop": stop, "resume": resume, "grid": grid, "notice": notice}


def _faces() -> dict[str, Any]:
    """Create the outlines of the photo's faces: checkboxes on a picture, which a style places."""
    return {
        GROUP: gr.CheckboxGroup([], value=[], label="Faces", visible=False, elem_id=GROUP),
        "outlines": gr.HTML("", elem_id="outlines"),
    }


def _mask_editor() -> dict[str, Any]:
    """Create the editor of the regions to paint."""
    first, second, *_ = COLORS
    with gr.Accordion("Paint only a part of the photo", open=False, elem_id="regions"):
        gr.Markdown(
            "Brush over the region to paint; the rest remains the photo. With several paintings, "
            f"{first} is for the first one, {second} for the second, and so on."
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
    return {"editor": editor}


def _advanced() -> dict[str, Any]:
    """Create the field that restores settings, and the fields of all other settings."""
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        restore = gr.File(
            label="Drop an earlier picture to restore its settings", file_types=["image"],
            height=90, elem_id="restore",
        )  # fmt: skip
        fields = advanced_fields(FIRST_RECIPE)
    return {"restore": restore, "advanced": fields}


def _tabs() -> dict[str, Any]:
    """Create the tabs of the current picture."""
    with gr.Tabs():
        with gr.Tab("Picture"):
            screen = gr.HTML(render.EMPTY, elem_id="screen")
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
    }  # fmt: skip


def _downloads() -> dict[str, Any]:
    """Create the download button and the gallery of earlier pictures."""
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
    return {"download": download, "history": history}


def _values(field: gr.Dropdown) -> tuple[str, ...]:
    """Return the values of a dropdown's choices."""
    return tuple(str(value) for _, value in field.choices)
