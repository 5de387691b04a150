"""Values of the form's fields: from flags to fields, and back."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from nst_tf.page import faces, sizes
from nst_tf.page.components import Components
from nst_tf.page.fields import placeholders
from nst_tf.page.order import as_flags
from nst_tf.page.state import AppState
from nst_tf.recipes import recipe


def filled_fields(components: Components) -> list[gr.components.Component]:
    """Return the components that `filled` fills."""
    settings = components.settings.values()
    return [
        components.outlines, components.followed, components.recipe, components.size, *settings
    ]  # fmt: skip


def filled(
    state: AppState, components: Components, name: str, changed: Mapping[str, str],
    photo: Path | None, size: str | None = None,
) -> list[Any]:  # fmt: skip
    """Return the values of `filled_fields` that show a recipe and settings.

    Args:
        state: the shared state.
        components: the components of the page.
        name: the recipe.
        changed: texts of flags, by the names of settings; missing and empty ones are the recipe's.
        photo: the photo of the form.
        size: the choice of a size; `None`: the one that the long side in the settings is.
    """
    changed = {field: text.strip() for field, text in changed.items() if text.strip()}
    shown = as_flags(recipe(name)) | changed
    everyday = {field: field_value(shown[field]) for field in components.everyday}
    outlines, everyday[faces.GROUP] = _faces(
        state, photo if everyday["keep_faces"] else None, shown[faces.GROUP]
    )
    size = size or sizes.choice_of(everyday["max_dim"], name, state.limits.side)
    updates = placeholders(name, components.advanced)
    advanced = [
        update | {"value": changed.get(field, "")}
        for field, update in zip(components.advanced, updates, strict=True)
    ]
    return [outlines, name, name, size, *everyday.values(), *advanced]


def _faces(state: AppState, photo: Path | None, places: str) -> list[Any]:
    """Return the updates of the outlines and of the checkboxes, of which some are checked."""
    numbers = [f"{float(number):.3f}" for number in places.split(",") if number]
    skipped = [f"{x},{y}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    if photo is None:
        return ["", gr.update(value=skipped)]
    found = state.faces(photo)
    checked = found.nearest(skipped)
    outlines, group = faces.updates(found, checked)
    return [outlines, group | {"value": checked}]


def flags_of(names: Iterable[str], values: Iterable[Any]) -> dict[str, str]:
    """Return the texts of the flags of fields, by the names of settings."""
    return dict(zip(names, map(flag_text, values), strict=True))


def flag_text(value: Any) -> str:
    """Return a field's value as the text of a flag."""
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def field_value(text: str) -> Any:
    """Return the text of a flag as a field's value."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
