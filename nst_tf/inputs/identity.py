"""The identity of a result: the inputs and settings that determine it."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from nst_tf.settings import Settings

Identity = dict[str, Any]
"""What a result is made from, by name, as JSON represents it."""


def identity(inputs: Mapping[str, Any], settings: Settings) -> Identity:
    """Return what must be equal for two results to be equal.

    Args:
        inputs: checksums of the inputs, and values that are not settings, by name. They replace
            settings of the same name, because a file counts and not its path.
    """
    others = dataclasses.asdict(settings)
    del others["memory_budget"]  # which does not change the picture
    others = {name: value for name, value in others.items() if name not in inputs}
    return json.loads(json.dumps(dict(inputs) | others))


def identity_digest(identity: Identity) -> str:
    """Return a SHA-256 that only equal identities share, in hexadecimal."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def differences(ours: Identity, theirs: Identity) -> list[str]:
    """Return in words what two results do not share: entries of `ours` first, then of `theirs`."""
    names = [*ours, *(name for name in theirs if name not in ours)]
    return [_difference(name, ours, theirs) for name in names if ours.get(name) != theirs.get(name)]


def _difference(name: str, ours: Identity, theirs: Identity) -> str:
    values = (ours.get(name), theirs.get(name))
    if any(isinstance(value, str) and len(value) == 64 for value in values):  # digests
        return name
    return f"{name} is {values[0]}, was {values[1]}"
