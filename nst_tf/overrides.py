"""Settings as callers of the library give them: a recipe's name and what differs from it."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from nst_tf.checks import unknown
from nst_tf.recipes import recipe
from nst_tf.settings import Settings


def chosen(settings: Settings | str | None, overrides: Mapping[str, Any]) -> Settings:
    """Return settings with some fields changed.

    Args:
        settings: settings, or the name of a recipe; None: the recipe `tutorial`.
        overrides: values by the names of fields of `Settings`.

    Raises:
        ValueError: there is no such recipe, or a value is not valid.
        TypeError: there is no such field; the text offers the closest one.
    """
    if isinstance(settings, str):
        settings = recipe(settings)
    elif settings is None:
        settings = Settings()
    elif not isinstance(settings, Settings):
        kind = type(settings).__name__
        raise TypeError(f"settings must be a Settings or the name of a recipe, not of type {kind}")
    names = [entry.name for entry in fields(settings)]
    for name in overrides:
        if name not in names:
            raise TypeError(str(unknown("setting", name, names)))
    return replace(settings, **overrides) if overrides else settings
