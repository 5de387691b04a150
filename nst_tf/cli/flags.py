"""The flags: declared from `Settings`, parsed, explained."""

import dataclasses
import re
import textwrap
from typing import Any

from absl import flags

from nst_tf.checks import checked_each, checked_ramp
from nst_tf.images.depth import BIT_DEPTHS
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings
from nst_tf.styles import check_styles

DEVICES = re.compile(r"auto|cpu|gpu(:\d+)?")

# The flags that concern files and the run rather than the method: group, name, kind, default, help.
OTHER_FLAGS: tuple[tuple[str, str, str, Any, str], ...] = (
    ("Files", "content", "string", None, "the photo to paint; without it, a texture is made"),
    ("Files", "style", "multi_string", None,
     "a painting to imitate; repeat the flag to blend several; without it, the photo is rebuilt "
     "from its features"),
    ("Files", "content_mask", "multi_string", None,
     "a picture that is white where the photo is to be painted, and black or transparent where it "
     "stays as it is; repeat the flag for several regions, which share one --style or have one "
     "each; or a picture with a colour for each region and, for each --style, a --style_mask in "
     "the same colours"),
    ("Files", "style_mask", "multi_string", None,
     "a picture for each --style that is white where the style is to be used; with a coloured "
     "--content_mask, it has the colour of each region where the style is to be used for it"),
    ("Files", "keep_mask", "multi_string", None,
     "a picture that is white where the photo's features are kept, for small things; grey keeps "
     "less; repeat the flag for several"),
    ("Files", "keep_faces", "boolean", False,
     "keep the features of the photo's faces, and start at a size at which the largest has 64 "
     "pixels; needs the extra `faces`"),
    ("Files", "output", "string", None,
     "the result, .png, .jpg, .webp or .tiff (default CONTENT-STYLE.png in this directory)"),
    ("Files", "bit_depth", "integer", 8,
     "bits a channel of the result, 8 or 16 (default 8); 16 needs .png or .tiff"),
    ("Files", "history", "string", None, "write the losses of every step to this .csv"),
    ("Files", "figure", "string", None, "draw pictures and loss curves to this .png, .pdf or .svg"),
    ("Files", "snapshot_every", "integer", 0,
     "steps between saved snapshots of the picture; 0: none"),
    ("Files", "snapshot_dir", "string", None,
     "where snapshots go, made if missing (default OUTPUT-steps, beside the result)"),
    ("Run", "recipe", "string", "tutorial",
     f"the settings that other flags change: {', '.join(RECIPES)}"),
    ("Run", "device", "string", "auto", "auto, cpu, gpu, or gpu:1 for the second one"),
    ("Run", "deterministic", "boolean", False,
     "use only operations whose results repeat exactly, on a GPU too; slower there"),
    ("Run", "quiet", "boolean", False, "print nothing but errors"),
    ("Run", "version", "boolean", False, "print the version and stop"),
    ("Run", "help", "boolean", False, "print this and stop"),
)  # fmt: skip


class UsageError(ValueError):
    """The command line itself is wrong, whatever is in the files."""


def define_flags() -> flags.FlagValues:
    """Define the flags of the command line: one for each field of Settings, and the others."""
    values = flags.FlagValues()
    for _, name, kind, default, text in OTHER_FLAGS:
        getattr(flags, f"DEFINE_{kind}")(name, default, text, flag_values=values)
    kinds = {
        bool: "boolean", int: "integer", float: "float", str: "string", tuple: "list",
    }  # fmt: skip
    words = {checked_ramp: "string", checked_each: "list"}
    for field in dataclasses.fields(Settings):
        kind = words.get(field.metadata["check"], kinds[type(field.default)])
        define = getattr(flags, f"DEFINE_{kind}")
        # Not the default: a flag that is not given leaves its value to the recipe.
        define(field.name, None, field.metadata["help"], flag_values=values)
    return values


def parse(argv: list[str]) -> tuple[flags.FlagValues, Settings]:
    """Return the parsed flags and the settings that follow from them.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
    """
    values = define_flags()
    try:
        rest = values(argv)[1:]
        if values.help or values.version:
            return values, Settings()
        if rest:
            raise UsageError(f"{rest[0]!r} is not a flag: put --content or --style before it")
        given = {
            field.name: _value(field, values[field.name].value)
            for field in dataclasses.fields(Settings)
            if values[field.name].present
        }
        if values.content is None and values.style:  # texture synthesis
            given = {"content_weight": 0, "init": "noise"} | given
        elif values.content and not values.style:  # content reconstruction
            given = {"style_weight": 0, "init": "noise"} | given
        settings = dataclasses.replace(recipe(values.recipe), **given)
    except UsageError:
        raise
    except (flags.Error, ValueError) as error:
        raise UsageError(" ".join(str(error).split())) from None
    _check(values, settings)
    return values, settings


def _value(field: dataclasses.Field, value: Any) -> Any:
    """Return the value of a flag, with numbers for the words of a list of numbers."""
    if not isinstance(value, list) or field.name.endswith("_layers"):
        return value
    try:
        return tuple(float(word) for word in value)
    except ValueError:
        raise UsageError(
            f"--{field.name} must be numbers such as 0.7,0.3, not {','.join(value)!r}"
        ) from None


def _check(values: flags.FlagValues, settings: Settings) -> None:
    if values.content is None and not values.style:
        raise UsageError("--content and --style are missing: name a photo and a painting")
    if "" in (values.content, *(values.style or ())):
        raise UsageError("--content and --style must not be empty: name a photo and a painting")
    for kind in ("content", "style"):
        if not values[kind].value and (
            settings.init == kind or getattr(settings, f"{kind}_weight")
        ):
            raise UsageError(f"--{kind} is missing, but --init or --{kind}_weight asks for it")
    if settings.preserve_color != "none" and not (values.content and values.style):
        raise UsageError("--preserve_color needs --content and --style")
    if not DEVICES.fullmatch(values.device):
        raise UsageError(f"--device {values.device!r} is not auto, cpu, gpu or gpu:NUMBER")
    if values.bit_depth not in BIT_DEPTHS:
        raise UsageError(f"--bit_depth must be 8 or 16, not {values.bit_depth}")
    for name in ("min_dim", "scale_factor", "coarse_steps"):
        if settings.scales == 1 and values[name].present:
            raise UsageError(f"--{name} needs --scales of at least 2")
    if values.snapshot_every < 0:
        raise UsageError(f"--snapshot_every must be at least 0, not {values.snapshot_every}")
    if values.snapshot_dir and not values.snapshot_every:
        raise UsageError("--snapshot_dir needs --snapshot_every to say how often")
    if values.content_mask and not (values.content and values.style):
        raise UsageError("--content_mask needs --content and --style")
    if values.style_mask and not values.style:
        raise UsageError("--style_mask needs --style")
    if (values.keep_mask or values.keep_faces) and not (values.content and values.style):
        raise UsageError("--keep_mask and --keep_faces need --content and --style")
    for name in ("content_mask", "style_mask", "keep_mask"):
        if "" in (values[name].value or ()):
            raise UsageError(f"--{name} must not be empty: name a picture")
    try:
        check_styles(settings, len(values.style or [values.content]))
    except ValueError as error:
        raise UsageError(f"--{error}") from None


def help_text() -> str:
    """Return the flags by group, each with its help, bounds and default."""
    groups: dict[str, list[str]] = {}
    for group, name, kind, default, text in OTHER_FLAGS:
        shown = f" (default {default})" if kind == "string" and default else ""
        groups.setdefault(group, []).append(_entry(name, text + shown))
    for field in dataclasses.fields(Settings):
        notes = [f"{words} {_shown(limit)}" for words, limit in field.metadata["limits"].items()]
        if field.metadata["choices"]:
            notes.append(" or ".join(field.metadata["choices"]))
        if field.default != ():
            notes.append(f"default {_shown(field.default)}")
        entry = _entry(field.name, f"{field.metadata['help']} ({'; '.join(notes)})")
        groups.setdefault(field.metadata["group"], []).append(entry)
    usage = (
        "Paint a photo in the manner of a painting.\n\n"
        "  python -m nst_tf.run --content photo.jpg --style painting.jpg [--output picture.png]\n"
    )
    return "\n\n".join([usage.rstrip(), *("\n".join([f"{g}:", *e]) for g, e in groups.items())])


def _entry(name: str, text: str) -> str:
    return textwrap.fill(
        f"--{name:<24}{text}", 96, initial_indent="  ", subsequent_indent=" " * 28,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_shown, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
