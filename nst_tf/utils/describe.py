"""Settings and other values in words."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any


def settings_doc(settings: type) -> str:
    """Return a text of the fields by group, each with its default, help, choices and bounds.

    Args:
        settings: a dataclass whose fields come from `settings.setting`.
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
    """Return a value as Python source, with floats as short as possible."""
    if isinstance(value, tuple):
        return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
    return f"{value:g}" if isinstance(value, float) else repr(value)


def brief(value: Any) -> str:
    """Return the repr of a dataclass, without functions, and with types and shapes of arrays.

    Fields with `repr=False` are omitted.
    """
    named = {entry.name: getattr(value, entry.name) for entry in fields(value) if entry.repr}
    return _call(value, {name: part for name, part in named.items() if not callable(part)})


def changed(settings: Any) -> str:
    """Return the repr of settings, with only the fields that differ from their defaults."""
    named = ((entry, getattr(settings, entry.name)) for entry in fields(settings))
    return _call(settings, {entry.name: own for entry, own in named if own != entry.default})


def _call(value: Any, named: Mapping[str, Any]) -> str:
    words = ", ".join(f"{name}={_part(part)}" for name, part in named.items())
    return f"{type(value).__name__}({words})"


def _part(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        dtype = getattr(value.dtype, "name", value.dtype)
        return f"<{dtype} {list(value.shape)}>"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_part(part)}' for key, part in value.items())}}}"
    if hasattr(value, "_asdict"):
        return _call(value, value._asdict())
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_part, value))}]"
    return repr(value)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun in the singular or plural: `1 style`, `2 styles`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
