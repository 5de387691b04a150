"""The left column of the page: pictures, settings and buttons."""

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageOps

from nst_tf.cli.help import PURPOSES
from nst_tf.page import sizes
from nst_tf.page.blocks import EVENT
from nst_tf.page.faces import GROUP
from nst_tf.page.fields import advanced_fields
from nst_tf.page.limits import Limits
from nst_tf.page.order import EVERYDAY_SETTINGS
from nst_tf.page.region_editor import OPEN
from nst_tf.page.sample_names import PAINTINGS, PAIRS, PHOTOS
from nst_tf.recipes import recipe

FIRST_RECIPE = "painting"
COLOR_CHOICES = {
    "of the painting": "none", "of the photo": "luminance", "painting matched to photo": "match",
}  # fmt: skip
"""The choices of `preserve_color`, in words."""

CHANGED = '<p role="status">No settings are changed</p>'
COUNT = """
(...values) => {
  const count = values.filter((value) => value).length;
  const words = count === 1 ? '1 setting is' : `${count || 'No'} settings are`;
  return `<p role="status">${words} changed</p>`;
}
"""

TILE = (72, 96)  # width and height of each picture of a sample pair, pixels
CENTER = (0.3, 0.4)  # of its part that shows, as shares of width and height


def make_form(samples: Path, limits: Limits) -> dict[str, Any]:
    """Create the form, and return its components by their names in `Components`.

    Args:
        samples: the folder of the sample pictures.
        limits: the limits of a run, which the page states.
    """
    form = {
        **_pairs(samples), **_pictures(samples), **_settings(limits), **_faces(), **_advanced(),
        **_bar(),
    }  # fmt: skip
    form["everyday"][GROUP] = form[GROUP]
    return form


def recipe_card(name: str, time: str = "") -> str:
    """Return the lines of a recipe's card: its name, its purpose, and the time that it takes."""
    return "\n".join(filter(None, (name, PURPOSES[name], time)))


def _notice(where: str) -> gr.HTML:
    """Create a place for sentences about what is beside it."""
    return gr.HTML("", elem_id=where, elem_classes="notice")


def _gallery(rows: list[tuple[Any, str]], label: str, height: int) -> gr.Gallery:
    """Create a gallery of pictures to choose from."""
    return gr.Gallery(
        rows, label=label, show_label=False, columns=len(rows), rows=1, height=height,
        allow_preview=False, interactive=False, elem_id=label.replace(" ", "-"), min_width=150,
        elem_classes="samples", buttons=[], object_fit="cover",
    )  # fmt: skip


def _pairs(folder: Path) -> dict[str, Any]:
    """Create the gallery of sample pairs, each a photo beside a painting."""
    rows = []
    for names in PAIRS:
        both = Image.new("RGB", (2 * TILE[0], TILE[1]))
        for place, name in enumerate(names):
            with Image.open(folder / f"{name}.jpg") as picture:
                tile = ImageOps.fit(picture.convert("RGB"), TILE, centering=CENTER)
            both.paste(tile, (place * TILE[0], 0))
        rows.append((both, " with ".join(names).replace("_", " ")))
    return {"pairs": _gallery(rows, "sample pairs", 72)}


def _pictures(folder: Path) -> dict[str, Any]:
    """Create the fields for the photo and the paintings, with samples of each."""
    photos, paintings = [
        [(str(folder / f"{name}.jpg"), name.replace("_", " ")) for name in names]
        for names in (PHOTOS, PAINTINGS)
    ]
    with gr.Row(elem_id="pictures", equal_height=False):
        with gr.Column(min_width=150):
            photo = gr.Image(
                type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Photo",
                height=230, min_width=150, elem_id="photo", buttons=[],
                placeholder="Drop a photo here",
            )  # fmt: skip
            photo_notice = _notice("photo-notice")
            photo_samples = _gallery(photos, "sample photos", 60)
        with gr.Column(min_width=150):
            gallery = gr.Gallery(
                type="filepath", file_types=["image"], label="Paintings", columns=1, height=196,
                interactive=True, elem_id="paintings", object_fit="contain",
                allow_preview=False, buttons=[], sources=["upload"],
            )  # fmt: skip
            add = gr.UploadButton(
                "Add a painting", file_types=["image"], file_count="multiple", size="sm",
                elem_id="add",
            )  # fmt: skip
            paintings_notice = _notice("paintings-notice")
            painting_samples = _gallery(paintings, "sample paintings", 60)
    return {
        "photo": photo, "paintings": gallery, "add": add, "photo_notice": photo_notice,
        "paintings_notice": paintings_notice, "photo_samples": photo_samples,
        "painting_samples": painting_samples,
    }  # fmt: skip


def _settings(limits: Limits) -> dict[str, Any]:
    """Create the prominent fields: the recipe and everyday settings."""
    usual = recipe(FIRST_RECIPE)
    chosen = gr.Radio(
        [(recipe_card(name), name) for name in PURPOSES], value=FIRST_RECIPE, label="Recipe",
        elem_id="recipe",
    )  # fmt: skip
    with gr.Row(elem_id="changes", equal_height=True):
        gr.Checkbox(False, label="More recipes", elem_id="more", container=False, min_width=120)
        small: dict[str, Any] = {"size": "sm", "min_width": 60, "scale": 0, "interactive": False}
        undo = gr.Button("Undo", elem_id="undo", **small)
        redo = gr.Button("Redo", elem_id="redo", **small)
    with gr.Row(elem_id="sizes"):
        size = gr.Radio(
            sizes.choices(limits.side), value=sizes.SCREEN, label="Size", elem_id="size",
            info=limits.describe(), min_width=280, scale=3,
        )  # fmt: skip
        max_dim = gr.Slider(
            128, limits.side, value=min(usual.max_dim, limits.side), step=32, label="Own size",
            min_width=140, info="long side in pixels", elem_id="max_dim", scale=2,
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
        color = gr.Dropdown(
            [*COLOR_CHOICES.items()], value="none", label="Colours", min_width=120,
            elem_id="preserve_color",
        )  # fmt: skip
        longest = limits.run_seconds or None
        time_limit = gr.Number(
            0, label="Seconds", min_width=120, minimum=0, maximum=longest, elem_id="time_limit",
            info=f"at most {longest:g}" if longest else "approximate limit; 0: none",
        )  # fmt: skip
        faces = gr.Checkbox(
            usual.keep_faces, label="Keep faces", info="so that they can be recognised",
            min_width=120, elem_id="keep_faces",
        )  # fmt: skip
    fields = (strength, detail, max_dim, color, time_limit, faces)
    named = (name for name in EVERYDAY_SETTINGS if name != GROUP)
    everyday = dict(zip(named, fields, strict=True))
    return {
        "recipe": chosen, "undo": undo, "redo": redo, "size": size, "everyday": everyday,
        "keep_faces": faces,
    }  # fmt: skip


def _faces() -> dict[str, Any]:
    """Create the outlines of the photo's faces: checkboxes on a picture, which a style places."""
    fields = {
        GROUP: gr.CheckboxGroup([], value=[], label="Faces", visible=False, elem_id=GROUP),
        "outlines": gr.HTML("", elem_id="outlines"),
    }
    gr.HTML(OPEN, elem_id="open-regions")
    return fields


def _advanced() -> dict[str, Any]:
    """Create the field that restores settings, and the fields of all other settings."""
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        restore = gr.File(
            label="Drop an earlier picture to restore its settings", file_types=["image"],
            height=90, elem_id="restore",
        )  # fmt: skip
        with gr.Row(elem_id="finding"):
            gr.Textbox(
                label="Search", placeholder="a word of a setting or its help", max_lines=1,
                elem_id="search", min_width=120,
            )  # fmt: skip
            changed = gr.HTML(CHANGED, elem_id="changed")
            reset = gr.Button("Reset", size="md", min_width=80, scale=0, elem_id="reset")
        fields = advanced_fields(FIRST_RECIPE)
    # The count needs no server.
    inputs: list[Any] = [*fields.values()]
    changes = [field.change for field in inputs]
    gr.on(changes, None, inputs, [changed], js=COUNT, **EVENT)
    return {"restore": restore, "reset": reset, "advanced": fields}


def _bar() -> dict[str, Any]:
    """Create the bar that stays in view: progress, notice, estimate and buttons."""
    sized: dict[str, Any] = {"size": "md", "min_width": 80}
    with gr.Column(elem_id="bar"):
        progress = gr.HTML("", elem_id="progress")
        notice = _notice("notice")
        estimate = gr.HTML("", elem_id="estimate")
        due = gr.HTML("", elem_id="estimate-due", visible="hidden")
        with gr.Row(elem_id="buttons"):
            paint = gr.Button("Paint", variant="primary", elem_id="paint", **sized)
            stop = gr.Button("Stop", interactive=False, elem_id="stop", **sized)
            resume = gr.Button("Continue", interactive=False, elem_id="continue", **sized)
            grid = gr.Button("× 3 strengths", elem_id="grid", **sized)
    return {
        "progress": progress, "notice": notice, "estimate": estimate,
        "estimate_due": due, "paint": paint, "stop": stop, "resume": resume, "grid": grid,
    }  # fmt: skip
