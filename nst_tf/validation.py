"""Checks of settings: single values, and combinations of values."""

import difflib
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from nst_tf.network.layers import LAYERS, keras_name
from nst_tf.utils.describe import shown
from nst_tf.utils.errors import UserError

Weight = float | tuple[float, float]
"""A weight of the objective, or the start and end of its ramp over the epochs."""

_WITHIN = {
    "at least": lambda value, limit: value >= limit,
    "more than": lambda value, limit: value > limit,
    "at most": lambda value, limit: value <= limit,
}


def unknown(kind: str, value: str, known: Iterable[str]) -> ValueError:
    """Return the error for a name that is not in `known`; its text suggests the closest name."""
    known = tuple(known)
    close = difflib.get_close_matches(value, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
    return UserError(f"unknown {kind} {value!r}: {hint}")


def checked_type(name: str, value: Any, default: Any) -> Any:
    """Return `value` in the type of the field's default; an int is accepted for a float.

    Raises:
        UserError: it has another type.
    """
    if isinstance(default, tuple):
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise UserError(f"{name} must be a sequence, not {value!r}")
        items = tuple(value)
        if name.endswith("_layers"):
            if not all(isinstance(item, str) for item in items):
                raise UserError(f"{name} must hold layer names, not {items!r}")
            return tuple(map(keras_name, items))
        return tuple(checked_type(name, item, 1.0) for item in items)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise UserError(f"{name} must be True or False, not {value!r}")
        return value
    if isinstance(default, str):
        if not isinstance(value, str):
            raise UserError(f"{name} must be a string, not {value!r}")
        return value
    try:
        if isinstance(value, (bool, str)):
            raise TypeError
        number = type(default)(value)
        if number != value and not math.isnan(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise UserError(f"{name} must be {kind}, not {value!r}") from None
    return number


def checked_ramp(name: str, value: Any, default: Any) -> Weight:
    """Return a number, or the two ends of a ramp: a pair, or a string `start:end`."""
    parts = value.split(":") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        return checked_type(name, value, default)
    try:
        ends = [checked_type(name, float(part), default) for part in parts]
    except (TypeError, ValueError):
        ends = []
    if len(ends) not in (1, 2) or (len(ends) == 2 and not min(ends) > 0):
        raise UserError(f"{name} must be a number or a ramp such as 100:1, not {value!r}")
    return ends[0] if len(ends) == 1 else (ends[0], ends[1])


def checked_each(name: str, value: Any, default: Any) -> Any:
    """Return a number, or a tuple of numbers: one for each style."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return checked_type(name, value, default)
    numbers = tuple(checked_type(name, item, default) for item in value)
    if not numbers:
        raise UserError(f"{name} must hold a number")
    return numbers if len(numbers) > 1 else numbers[0]


def checked_places(name: str, value: Any, default: Any) -> tuple[float, ...]:
    """Return numbers of which each two are a place."""
    numbers = checked_type(name, value, default)
    if len(numbers) % 2:
        raise UserError(f"{name} must hold x and y of each place, not {shown(numbers)}")
    return numbers


def checked_auto(name: str, value: Any, _: Any) -> Any:
    """Return `auto`, or a whole number, also from a string of digits."""
    if value == "auto":
        return value
    digits = isinstance(value, str) and re.fullmatch(r"-?\d+", value.strip())
    try:
        return checked_type(name, int(value) if digits else value, 0)
    except ValueError:
        raise UserError(f"{name} must be auto or a whole number, not {value!r}") from None


def parse_bytes(size: str) -> int:
    """Return a size such as 3.5GiB, 800MiB or 4GB in bytes.

    Raises:
        UserError: it is not such a size, or it is 0.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([KMGT])(i?)B?\s*", size, re.IGNORECASE)
    number = 0
    if match:
        power = "KMGT".index(match[2].upper()) + 1
        number = round(float(match[1]) * (1024 if match[3] else 1000) ** power)
    if not number:
        raise UserError(f"memory_budget must be auto or a size such as 3.5GiB, not {size!r}")
    return number


def checked_duration(name: str, value: Any, default: Any) -> float:
    """Return seconds, also from a string such as `60`, `90s`, `2min` or `1h30min`."""
    return (
        parse_duration(name, value)
        if isinstance(value, str)
        else checked_type(name, value, default)
    )


def parse_duration(name: str, text: str) -> float:
    """Return a duration such as 60, 90s, 2min or 1h30min in seconds.

    Raises:
        UserError: it is not such a duration; the text names it `name`.
    """
    with suppress(ValueError):
        return float(text)
    number = r"(\d+(?:\.\d*)?|\.\d+)"
    match = re.fullmatch(
        rf"\s*(?:{number}\s*h)?\s*(?:{number}\s*min)?\s*(?:{number}\s*s)?\s*", text, re.IGNORECASE
    )
    if not match or not any(match.groups()):
        raise UserError(f"{name} must be a duration such as 60, 90s, 2min or 1h30min, not {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def check_number(name: str, value: Any, limits: dict[str, float]) -> None:
    """Refuse a number that is not finite or not within `limits`; accept any string."""
    if isinstance(value, str):
        return
    if not math.isfinite(value):
        raise UserError(f"{name} must be finite, not {value}")
    if not all(_WITHIN[words](value, limit) for words, limit in limits.items()):
        expected = " and ".join(f"{words} {limit:g}" for words, limit in limits.items())
        raise UserError(f"{name} must be {expected}, not {value:g}")


def check_combination(settings: Any, kinds: Iterable[str]) -> None:
    """Refuse valid values that contradict each other.

    Args:
        settings: a `Settings` whose single values are valid.
        kinds: names of the terms that read layers.

    Raises:
        UserError: they do.
    """
    for kind in kinds:
        factors = getattr(settings, f"{kind}_layer_weights", ())
        _check_layers(kind, getattr(settings, f"{kind}_layers"), factors)
        if factors and not sum(factors):
            raise UserError(f"{kind}_layer_weights are all 0: set {kind}_weight to 0 instead")
    if settings.style_blend and not sum(settings.style_blend):
        raise UserError("style_blend must have a share above 0")
    if not settings.content_weight and not settings.style_weight:
        raise UserError("content_weight and style_weight are both 0: nothing to optimise")
    if not settings.content_weight and not settings.strength:
        raise UserError("strength is 0, but there is no content to keep: nothing to optimise")
    if settings.recolor and settings.preserve_color != "none":
        raise UserError("recolor and preserve_color contradict each other: set one of them")
    if settings.ramps and settings.epochs == 1:
        raise UserError(f"{settings.ramps[0]} is a ramp, but epochs is 1: it needs 2 or more")
    if settings.precision == "bfloat16" and settings.convolution == "winograd":
        raise UserError("convolution=winograd needs precision=float32")
    if settings.memory_budget != "auto":
        parse_bytes(settings.memory_budget)
    for name in ("init", "weights"):
        if not getattr(settings, name):
            raise UserError(f"{name} must not be empty")


def _check_layers(kind: str, names: tuple[str, ...], factors: tuple[float, ...]) -> None:
    if not names:
        raise UserError(
            f"{kind}_layers must name a layer; to omit the term, set {kind}_weight to 0"
        )
    for name in names:
        if name not in LAYERS:
            raise unknown(f"{kind} layer", name, LAYERS)
        if names.count(name) > 1:
            raise UserError(f"{kind}_layers names {name!r} twice")
    rest = len(factors) % len(names) if kind == "style" else len(factors) - len(names)
    if factors and rest:
        raise UserError(
            f"{kind}_layer_weights has {len(factors)} values for {len(names)} {kind} layers"
        )


FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Pillow's names of the formats that can be written, by extension."""

BIT_DEPTHS = (8, 16)
"""Bits a channel of the files that can be written."""
