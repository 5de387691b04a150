"""The order of a picture, as arguments of the command `nst-tf`."""

import dataclasses
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst_tf.cli.flags import parse
from nst_tf.cli.help import flag_value
from nst_tf.page.drawings import Drawing
from nst_tf.page.limits import Limits
from nst_tf.recipes import recipe
from nst_tf.settings import INITS, Settings
from nst_tf.utils.errors import UserError

EVERYDAY_SETTINGS = (
    "strength", "detail", "max_dim", "preserve_color", "time_limit", "keep_faces", "skip_faces",
)  # fmt: skip
"""Settings with a prominent field on the page."""

SERVER_SETTINGS = ("weights", "memory_budget")
"""Settings of the server, which visitors cannot change."""

NAMED_SETTINGS = {
    "strength": "strength-{}", "detail": "detail-{}", "max_dim": "{}px", "preserve_color": "{}",
}  # fmt: skip
"""Settings that a picture's file name contains if they differ from the recipe's, and how."""

UNSAFE = re.compile(r"[^\w.+()-]+")


@dataclass(frozen=True)
class Order:
    """A visitor's order of a picture.

    Attributes:
        photo: file name of the photo.
        paintings: file names of the paintings.
        recipe: name of the recipe.
        settings: texts of flags, by the names of settings, such as `{"strength": "0.7"}`; an empty
            text stands for the recipe's value.
        masks: file names of the masks: one, or one for each painting or region.
        style_masks: file names of the masks of the paintings, for regions by colour.
        colors: number of colours of regions by colour; 0: there are none.
    """

    photo: str
    paintings: tuple[str, ...]
    recipe: str = "painting"
    settings: Mapping[str, str] = field(default_factory=dict)
    masks: tuple[str, ...] = ()
    style_masks: tuple[str, ...] = ()
    colors: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all files that the command reads."""
        return (self.photo, *self.paintings, *self.masks, *self.style_masks)

    def arguments(self, folder: Path | None = None) -> list[str]:
        """Return the command's arguments, without settings that equal the recipe's.

        Args:
            folder: the folder of the files; None for a command that is run in that folder.
        """

        def path(name: str) -> str:
            return str(folder / name) if folder else name

        arguments = [path(self.photo), *map(path, self.paintings)]
        arguments += ["--recipe", self.recipe]
        usual = as_flags(recipe(self.recipe))
        for name, value in self.settings.items():
            if value.strip() and not _same(value.strip(), usual[name]):
                arguments.append(f"--{name}={value.strip()}")
        arguments += [f"--content_mask={path(mask)}" for mask in self.masks]
        arguments += [f"--style_mask={path(mask)}" for mask in self.style_masks]
        return [*arguments, "--output", path(self.output)]

    @property
    def output(self) -> str:
        """The file name of the picture, with the recipe and the named settings that differ."""
        usual = as_flags(recipe(self.recipe))
        changed = [
            UNSAFE.sub("_", words.format(value))
            for name, words in NAMED_SETTINGS.items()
            if (value := self.settings.get(name, "").strip()) and not _same(value, usual[name])
        ]
        stems = [Path(name).stem for name in (self.photo, *self.paintings)]
        return "-".join([*stems, self.recipe, *changed]) + ".png"

    def command(self) -> str:
        """Return the command to copy."""
        return shlex.join(["nst-tf", *self.arguments()])

    def check(self, limits: Limits | None = None) -> Settings:
        """Return the settings of the order.

        Args:
            limits: the limits of a run; None for the defaults.

        Raises:
            UserError: a value is not valid, or visitors may not choose it; the message names the
                value and the remedy.
        """
        settings = parse(["nst-tf", *self.arguments()]).settings
        (limits or Limits()).check(settings)
        if settings.init not in INITS:
            raise UserError(f"init must be one of {', '.join(INITS)} here, not {settings.init!r}")
        for name in SERVER_SETTINGS:
            if getattr(settings, name) != getattr(Settings(), name):
                raise UserError(f"{name} cannot be chosen here: the server sets it")
        return settings

    def variants(self, strengths: Iterable[float]) -> Iterator["Order"]:
        """Yield the same order at several strengths."""
        for strength in strengths:
            settings = {**self.settings, "strength": f"{strength:g}"}
            yield dataclasses.replace(self, settings=settings)


@dataclass(frozen=True, eq=False)
class OrderForm:
    """The form that a visitor has filled in.

    Attributes:
        photo: path of one of the visitor's files, or None.
        paintings: paths of the visitor's files.
        recipe: name of the recipe.
        settings: texts of flags, by the names of settings.
        drawing: the painted regions, or None.
    """

    photo: Path | None = None
    paintings: Sequence[Path] = ()
    recipe: str = "painting"
    settings: Mapping[str, str] = field(default_factory=dict)
    drawing: Drawing | None = None


def as_flags(settings: Settings) -> dict[str, str]:
    """Return all settings as texts of flags, by name."""
    return {
        entry.name: flag_value(getattr(settings, entry.name), entry.metadata["ramp"])
        for entry in dataclasses.fields(Settings)
    }


def settings_from_metadata(record: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the recipe recorded in a picture, and the settings that differ from it.

    Args:
        record: the picture's metadata, from `read_metadata`.

    Returns:
        The recipe's name, and texts of flags by the names of settings.

    Raises:
        ValueError: the record contains no valid settings.
    """
    known = {entry.name for entry in dataclasses.fields(Settings)}
    recorded = record.get("settings")
    if not isinstance(recorded, dict):
        raise UserError("the picture contains no settings of nst_tf")
    try:
        settings = as_flags(Settings(**{name: recorded[name] for name in known & recorded.keys()}))
        name = str(record.get("recipe") or "tutorial")
        usual = as_flags(recipe(name))
    except ValueError as error:
        raise UserError(f"the picture's settings are not valid: {error}") from None
    # Precision and paths belong to the machine that made the picture.
    left_out = {"precision", "init" if settings["init"] not in INITS else "", *SERVER_SETTINGS}
    changed = {key: value for key, value in settings.items() if value != usual[key]}
    return name, {key: value for key, value in changed.items() if key not in left_out}


def safe_names(names: Iterable[str]) -> list[str]:
    """Return unique file names without characters that are unsafe in files or commands.

    The result's name, `Order.output`, joins them, so it differs from each of them.
    """
    safe: list[str] = []
    for name in names:
        path = Path(UNSAFE.sub("_", Path(name).name).lstrip("-.") or "picture")
        stem, suffix = path.stem[:60], path.suffix[:10]
        unique, number = f"{stem}{suffix}", 1
        while unique.casefold() in map(str.casefold, safe):
            number += 1
            unique = f"{stem}-{number}{suffix}"
        safe.append(unique)
    return safe


def _same(value: str, usual: str) -> bool:
    """Return whether two texts of a flag have the same value, such as `1` and `1.0`."""
    try:
        return float(value) == float(usual)
    except ValueError:
        return value == usual
