"""The components of the page and the kinds of their values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.cli.request import MOST_COLORS
from nst_tf.page.access import Choice, Drawn, File, Files, Kind, Number, Places, Switch, Text
from nst_tf.page.form import make_form
from nst_tf.page.limits import Limits
from nst_tf.page.repaint import offered, repaint_fields
from nst_tf.page.results import make_results

TITLE = "nst_tf: a photo in the manner of a painting"
MAX_FACES = 500  # that a visitor may leave out; few photos have as many


@dataclass
class Components:
    """The components with events or values, apart from headings and containers.

    Attributes:
        accepted: the photo that was last accepted.
        followed: the recipe whose usual settings the form followed last; None: the first one.
        changes: the history of the form's settings, for undo and redo.
        estimate_due: changes when the estimates of this server do.
    """

    accepted: gr.State
    followed: gr.State
    changes: gr.State
    pairs: gr.Gallery
    photo: gr.Image
    photo_notice: gr.HTML
    photo_samples: gr.Gallery
    paintings: gr.Gallery
    add: gr.UploadButton
    paintings_notice: gr.HTML
    painting_samples: gr.Gallery
    recipe: gr.Radio
    undo: gr.Button
    redo: gr.Button
    size: gr.Radio
    everyday: dict[str, gr.components.Component]
    keep_faces: gr.Checkbox
    skip_faces: gr.CheckboxGroup
    advanced: dict[str, gr.components.Component]
    drawing: gr.Textbox
    regions_photo: gr.HTML
    regions_drawing: gr.HTML
    regions_notice: gr.HTML
    region_colors: gr.Number
    color_regions: gr.Button
    load_mask: gr.UploadButton
    restore: gr.File
    reset: gr.Button
    progress: gr.HTML
    notice: gr.HTML
    estimate: gr.HTML
    estimate_due: gr.HTML
    paint: gr.Button
    stop: gr.Button
    resume: gr.Button
    grid: gr.Button
    outlines: gr.HTML
    screen: gr.HTML
    compare: gr.ImageSlider
    curve: gr.LinePlot
    command: gr.Code
    masks: gr.File
    download: gr.DownloadButton
    reuse: gr.Button
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
        states: dict[str, Any] = {
            name: gr.State(None) for name in ("accepted", "followed", "changes")
        }
        with gr.Row(elem_id="room", equal_height=False):
            with gr.Column(scale=4, min_width=340, elem_id="asked"):
                form = make_form(samples, limits)
            with gr.Column(scale=7, min_width=340, elem_id="made"):
                results = {**make_results(), **repaint_fields(limits)}
        return cls(**states, **form, **results)

    @property
    def settings(self) -> dict[str, gr.components.Component]:
        """The fields of settings by name, those of every day first."""
        return self.everyday | self.advanced

    def kinds(self, limits: Limits) -> dict[int, Kind]:
        """Return the kind of values that each input may send, by the component's number."""
        found: dict[gr.components.Component, Kind] = {
            self.photo: File(),
            self.paintings: Files(limits.paintings),
            self.add: Files(limits.paintings),
            self.restore: File(),
            self.drawing: Drawn(),
            self.region_colors: Number(2, MOST_COLORS),
            self.load_mask: File(),
            self.repaint_detail: Number(0, 1),
            self.patch_size: Number(2, 9),
            self.print_size: Choice(tuple(offered(limits))),
        }
        for field in (self.recipe, self.size, *self.settings.values()):
            if isinstance(field, (gr.Dropdown, gr.Radio)):
                found[field] = Choice(tuple(str(value) for _, value in field.choices))
            elif isinstance(field, gr.Checkbox):
                found[field] = Switch()
            elif isinstance(field, gr.CheckboxGroup):
                found[field] = Places(MAX_FACES)
            elif isinstance(field, gr.Textbox):
                found[field] = Text()
            else:
                found[field] = Number(0, 1e9)  # the settings have their own bounds
        return {component._id: kind for component, kind in found.items()}
