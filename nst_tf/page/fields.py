"""Fields of the page for all settings, generated from `Settings`."""

import dataclasses
from typing import Any

import gradio as gr

from nst_tf.page.order import EVERYDAY_SETTINGS, SERVER_SETTINGS, as_flags
from nst_tf.recipes import recipe
from nst_tf.settings import INITS, Settings
from nst_tf.utils.describe import bounds

AS_THE_RECIPE = "as the recipe"


def advanced_fields(chosen: str) -> dict[str, gr.components.Component]:
    """Create the fields of all settings without a prominent field, by name.

    An empty field stands for the recipe's value, which it shows in grey.

    Args:
        chosen: name of the initial recipe.
    """
    groups: dict[str, list[dataclasses.Field]] = {}
    for entry in dataclasses.fields(Settings):
        if entry.name not in (*EVERYDAY_SETTINGS, *SERVER_SETTINGS):
            groups.setdefault(entry.metadata["group"], []).append(entry)
    usual = as_flags(recipe(chosen))
    fields = {}
    for group, entries in groups.items():
        with gr.Column(elem_classes="group"):
            gr.HTML(f"<h3>{group}</h3>")
            with gr.Row(elem_classes="fields"):
                for entry in entries:
                    fields[entry.name] = _field(entry, usual[entry.name])
    return fields


def placeholders(chosen: str, fields: dict[str, gr.components.Component]) -> list[Any]:
    """Return updates that show the values of a recipe in grey."""
    usual = as_flags(recipe(chosen))
    return [_update(field, usual[name]) for name, field in fields.items()]


def _field(entry: dataclasses.Field, usual: str) -> gr.components.Component:
    label, where = entry.name.replace("_", " "), f"field-{entry.name}"
    notes = [note for note in bounds(entry) if not entry.metadata["choices"]]
    text = entry.metadata["help"].replace("--", "") + (f" ({', '.join(notes)})" if notes else "")
    choices = _choices(entry)
    if choices:
        return gr.Dropdown(
            _options(choices, usual), value="", label=label, info=text, elem_id=where, min_width=120
        )
    return gr.Textbox(
        value="", placeholder=usual or "none", label=label, info=text, elem_id=where, max_lines=1,
        min_width=120,
    )  # fmt: skip


def _choices(entry: dataclasses.Field) -> tuple[str, ...]:
    if entry.name == "init":
        return INITS  # a path would be a file of the server
    return ("true", "false") if isinstance(entry.default, bool) else entry.metadata["choices"] or ()


def _options(choices: tuple[str, ...], usual: str) -> list[tuple[str, str]]:
    return [(f"{AS_THE_RECIPE} ({usual.lower()})", ""), *((word, word) for word in choices)]


def _update(field: gr.components.Component, usual: str) -> Any:
    if isinstance(field, gr.Dropdown):
        choices = tuple(str(value) for _, value in field.choices if value)
        return gr.update(choices=_options(choices, usual))
    return gr.update(placeholder=usual or "none")
