"""What a visitor asks for, as the words of a command of `nst_tf.run`."""

import dataclasses
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst_tf.cli.flags import parse
from nst_tf.cli.help import flag_value
from nst_tf.page.limits import Limits
from nst_tf.recipes import recipe
from nst_tf.settings import INITS, Settings
from nst_tf.utils.errors import UserError

EVERYDAY = ("strength", "detail", "max_dim", "preserve_color", "time_limit")
"""Settings that have a place of their own on the page."""

SERVERS = ("weights", "memory_budget")
"""Settings that are the server's: a path of its own, and its memory."""

NAME = re.compile(r"[^\w.+()-]+")


@dataclass(frozen=True)
class Order:
    """A picture that a visitor asks for.

    Attributes:
        photo: name of its file.
        paintings: names of their files.
        recipe: name of the recipe.
        settings: values by the names of settings as flags have them, such as `{"strength": "0.7"}`;
            an empty one leaves the value to the recipe.
        keep_faces: whether the photo's faces are kept.
        masks: names of the files of the masks: one, or one for each painting.
    """

    photo: str
    paintings: tuple[str, ...]
    recipe: str = "painting"
    settings: Mapping[str, str] = field(default_factory=dict)
    keep_faces: bool = False
    masks: tuple[str, ...] = ()

    def words(self, folder: Path | None = None) -> list[str]:
        """Return the words of the command, without settings that are as the recipe has them.

        Args:
            folder: of the files; None for a command that is run there.
        """

        def place(name: str) -> str:
            return str(folder / name) if folder else name

        words = [place(self.photo), *map(place, self.paintings)]
        words += ["--recipe", self.recipe]
        usual = as_flags(recipe(self.recipe))
        for name, value in self.settings.items():
            if value.strip() and not _same(value.strip(), usual[name]):
                words.append(f"--{name}={value.strip()}")
        words += [f"--content_mask={place(mask)}" for mask in self.masks]
        words += ["--keep_faces"] * self.keep_faces
        return [*words, "--output", place(self.output)]

    @property
    def output(self) -> str:
        """The name of the picture."""
        return "-".join(Path(name).stem for name in (self.photo, *self.paintings)) + ".png"

    def command(self) -> str:
        """Return the command to copy."""
        return shlex.join(["nst-tf", *self.words()])

    def check(self, limits: Limits | None = None) -> Settings:
        """Return the settings that the order amounts to.

        Args:
            limits: of what a run may take; None for the usual ones.

        Raises:
            UserError: a value is not valid, or not one that visitors may choose; the text names it
                and the remedy.
        """
        settings = parse(["nst-tf", *self.words()]).settings
        (limits or Limits()).check(settings)
        if settings.init not in INITS:
            raise UserError(f"init must be one of {', '.join(INITS)} here, not {settings.init!r}")
        for name in SERVERS:
            if getattr(settings, name) != getattr(Settings(), name):
                raise UserError(f"{name} cannot be chosen here: it is the server's")
        return settings

    def variants(self, strengths: Iterable[float]) -> Iterator["Order"]:
        """Yield the same order at several strengths."""
        for strength in strengths:
            settings = {**self.settings, "strength": f"{strength:g}"}
            yield dataclasses.replace(self, settings=settings)


def as_flags(settings: Settings) -> dict[str, str]:
    """Return all settings by name, as flags have their values."""
    return {
        entry.name: flag_value(getattr(settings, entry.name), entry.metadata["ramp"])
        for entry in dataclasses.fields(Settings)
    }


def restored(record: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the recipe of a picture that nst_tf made, and what differs from it, as flags have it.

    Args:
        record: from `read_metadata`.

    Raises:
        ValueError: it holds no valid settings.
    """
    known = {entry.name for entry in dataclasses.fields(Settings)}
    recorded = record.get("settings")
    if not isinstance(recorded, dict):
        raise UserError("the picture carries no settings of nst_tf")
    try:
        settings = as_flags(Settings(**{name: recorded[name] for name in known & recorded.keys()}))
        name = str(record.get("recipe") or "tutorial")
        usual = as_flags(recipe(name))
    except ValueError as error:
        raise UserError(f"the picture's settings are not valid: {error}") from None
    # The precision is recorded as it came out on that machine; files stay on it.
    left_out = {"precision", "init" if settings["init"] not in INITS else "", *SERVERS}
    changed = {key: value for key, value in settings.items() if value != usual[key]}
    return name, {key: value for key, value in changed.items() if key not in left_out}


def safe_names(names: Iterable[str]) -> list[str]:
    """Return names of uploads without characters that files or commands may not take to.

    No two of them are the same, and none is that of the picture to come.
    """
    found: list[str] = []
    for name in names:
        path = Path(NAME.sub("_", Path(name).name).lstrip("-.") or "picture")
        stem, suffix = path.stem[:60], path.suffix[:10]
        unique, number = f"{stem}{suffix}", 1
        while unique.casefold() in map(str.casefold, found):
            number += 1
            unique = f"{stem}-{number}{suffix}"
        found.append(unique)
    return found


def _same(value: str, usual: str) -> bool:
    """Return whether two values of a flag are the same, `1` and `1.0` too."""
    try:
        return float(value) == float(usual)
    except ValueError:
        return value == usual
