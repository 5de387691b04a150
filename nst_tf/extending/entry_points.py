"""Loss terms and recipes of other installed packages, found by their entry points.

An entry point of the group `nst_tf.terms` has the term's name and leads to a module with `SETTINGS`
and `make_term`; one of `nst_tf.recipes` has the recipe's name and leads to a function from the
known recipes to `Settings`. What cannot be used is left out here, and refused when a run asks for
its settings. Nothing here may import `nst_tf.settings`, which is being made.
"""

import functools
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NamedTuple, TypeVar

from nst_tf.utils.errors import UserError

TERMS, RECIPES = "nst_tf.terms", "nst_tf.recipes"
"""The groups of entry points."""

Class = TypeVar("Class", bound=type)


class OutsideTerm(NamedTuple):
    """A loss term of another package.

    Attributes:
        name: of the term.
        settings: its fields of `Settings` by name, from `setting`; one is `NAME_weight`.
        make: returns the `Term` of a run from its `Settings`; called only if the weight is not 0.
            It may import TensorFlow, which the module must not do when it is imported.
    """

    name: str
    settings: Mapping[str, Any]
    make: Callable[[Any], Any]


_terms: list[OutsideTerm] = []
_refusals: list[str] = []


def with_outside_settings(settings: Class) -> Class:
    """Add the settings of the terms of other packages to a class that becomes a dataclass."""
    owners = dict.fromkeys(settings.__annotations__, "nst_tf")
    for entry in _sorted(TERMS):
        try:
            module = entry.load()
            term = OutsideTerm(entry.name, dict(module.SETTINGS), module.make_term)
            _check(term, owners)
        except Exception as error:  # of code that is not ours
            _refuse("term", entry, error)
            continue
        _terms.append(term)
        for name, value in term.settings.items():
            owners[name] = _package(entry)
            settings.__annotations__[name] = type(value.default)
            setattr(settings, name, value)
    return settings


def outside_terms() -> tuple[OutsideTerm, ...]:
    """Return the terms of other packages, without those that cannot be used."""
    return tuple(_terms)


def outside_recipes(recipes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipes of other packages by name, without those that cannot be used.

    Args:
        recipes: the package's own, which are `Settings`, like all recipes.
    """
    found: dict[str, Any] = {}
    for entry in _sorted(RECIPES):
        try:
            if entry.name in recipes or entry.name in found:
                raise UserError("another recipe has this name")
            made = entry.load()(dict(recipes))
            if not hasattr(made, "finest_steps"):
                raise UserError("its function must return a Settings")
            found[entry.name] = made
        except Exception as error:  # of code that is not ours
            _refuse("recipe", entry, error)
    return found


def check_extensions() -> None:
    """Refuse a term or recipe of another package that cannot be used, with a UserError."""
    if _refusals:
        raise UserError(_refusals[0])


def _sorted(group: str) -> list[EntryPoint]:
    """Return the entry points of a group in an order that does not depend on the file system."""
    found = _entry_points().select(group=group)
    return sorted(found, key=lambda entry: (_package(entry), entry.name))


@functools.cache
def _entry_points() -> Any:  # whose type differs between versions of Python
    """Return all entry points, for which a file of every installed package is read."""
    return entry_points()


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else entry.module


def _check(term: OutsideTerm, owners: Mapping[str, str]) -> None:
    weight = f"{term.name}_weight"
    for name, value in term.settings.items():
        known = getattr(value, "metadata", {})
        if "check" not in known:
            raise UserError(f"its setting {name} must come from nst_tf.extending.setting")
        known["check"](name, value.default, value.default)
        if name in owners:
            raise UserError(f"its setting {name} is a setting of {owners[name]} already")
        if not name.startswith(f"{term.name}_"):
            raise UserError(f"its setting {name} must begin with {term.name}_")
    if weight not in term.settings:
        raise UserError(f"its settings lack {weight}")


def _refuse(kind: str, entry: EntryPoint, error: Exception) -> None:
    text = " ".join(str(error).split())
    reason = text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
    _refusals.append(
        f"the {kind} {entry.name} of the package {_package(entry)} cannot be used: {reason}; "
        "change it there, or uninstall the package"
    )
