"""The declaration of a setting, for `Settings` and for the terms of other packages."""

from collections.abc import Callable
from dataclasses import field
from typing import Any

from nst_tf.validation import checked_ramp, checked_type


def setting(
    default: Any,
    group: str,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    check: Callable[[str, Any, Any], Any] = checked_type,
) -> Any:
    """Return a field of `Settings` with the metadata that flags and checks need.

    Args:
        help: what the value means, without default and bounds.
        check: converts a value, given the field's name, the value and the default.
    """
    limits = {"at least": low, "more than": above, "at most": high}
    return field(
        default=default,
        metadata={
            "group": group,
            "help": help,
            "limits": {words: limit for words, limit in limits.items() if limit is not None},
            "choices": choices,
            "check": check,
            "ramp": check is checked_ramp,
        },
    )
