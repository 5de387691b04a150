"""The documentation of a dataclass of settings, from its fields."""

import re
import textwrap
from dataclasses import Field, fields
from typing import Any


def explained(settings: type) -> str:
    """Return the fields by group, each with its default, help, choices and bounds.

    Args:
        settings: a dataclass whose fields `settings.setting` made.
    """
    groups: dict[str, list[str]] = {}
    for entry in fields(settings):
        known, notes = entry.metadata, bounds(entry)
        # Flags are written with dashes; here they are names.
        text = re.sub(r"--(?=\w)", "", known["help"])
        text += f" ({', '.join(notes)})" if notes else ""
        wrapped = textwrap.fill(
            text, 88, initial_indent=" " * 8, subsequent_indent=" " * 8, break_on_hyphens=False
        )
        groups.setdefault(known["group"], []).append(
            f"    {entry.name} = {shown(entry.default)}\n{wrapped}"
        )
    return "\n\n".join(f"{group}:\n\n" + "\n".join(rows) for group, rows in groups.items())


def bounds(entry: Field) -> list[str]:
    """Return the limits and the choices of a setting in words."""
    known = entry.metadata
    notes = [f"{words} {shown(limit)}" for words, limit in known["limits"].items()]
    return [*notes, " or ".join(known["choices"])] if known["choices"] else notes


def shown(value: Any) -> str:
    """Return a value as it would be written in Python, numbers as short as they can be."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    return f"{value:g}" if isinstance(value, float) else repr(value)
