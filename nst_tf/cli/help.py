"""Help texts: `--help`, how to start on one screen, and `--helpfull`, all flags by group."""

import dataclasses
import textwrap
from collections.abc import Iterable
from typing import Any

from nst_tf.cli.flags import OTHER_FLAGS, Flag
from nst_tf.settings import Settings
from nst_tf.utils.describe import bounds, counted

PURPOSES = {
    "painting": "strokes, motifs and palette of the painting; the one to start with",
    "fast": "nearly the same look in two thirds of the time",
    "quality": "the same with more of the photo: up to 1024 pixels",
    "tutorial": "the TensorFlow tutorial's method, the default: 1000 steps",
    "gatys": "the original paper's method, from noise",
    "two-phase": "the photo appears on white, then the painting takes over",
    "lbfgs-256": "a small picture from shallow layers, with L-BFGS",
}
"""Purpose of each recipe, in the order of the README's table."""

USAGE = """\
Paint a photo in the manner of a painting.

  nst-tf PHOTO PAINTING [PAINTING ...] [-o RESULT] [--recipe NAME] [FLAGS]"""

SCREEN = """\
{usage}

Pictures
  -o, --output RESULT     .png, .jpg, .webp or .tiff (PHOTO-PAINTING.png)
  --max-dim 1024          longest side in pixels; 0 keeps the photo's
  --content-mask MASK     white where the photo is painted
Look
  --strength 1.5          strength of the style; 0: the photo, 1: the recipe
  --detail 2              finer strokes; 0.5 gives larger ones
  --preserve-color KIND   the photo's colours: luminance or match
Run
  --time-limit 2min       end after about this time
  --steps 200             steps at the largest size
  --resume                keep a checkpoint; the same command resumes from it
Recipes and their purposes
{recipes}
--helpfull lists all flags, with the defaults of --recipe.
"""


def advice(steps: int) -> str:
    """Return the first line of a run whose recipe is not chosen, with its number of steps."""
    return (
        f"The recipe tutorial takes {counted(steps, 'step')}: --recipe painting looks better, in "
        "about a minute"
    )


def help_screen() -> str:
    """Return the help on one screen of 25 lines of at most 79 characters."""
    recipes = "\n".join(f"  {name:<11}{purpose}" for name, purpose in PURPOSES.items())
    return SCREEN.format(usage=USAGE, recipes=recipes).rstrip()


def help_text(settings: Settings, others: Iterable[Flag] = OTHER_FLAGS, usage: str = USAGE) -> str:
    """Return all flags by group, each with its help, bounds and default."""
    groups: dict[str, list[str]] = {}
    for flag in others:
        shown = f" (default {flag.default})" if flag.kind == "string" and flag.default else ""
        groups.setdefault(flag.group, []).append(_entry(flag.name, flag.help + shown))
    for field in dataclasses.fields(Settings):
        notes = bounds(field)
        default = getattr(settings, field.name)
        if default != ():
            notes.append(f"default {flag_value(default, field.metadata['ramp'])}")
        entry = _entry(field.name, f"{field.metadata['help']} ({'; '.join(notes)})")
        groups.setdefault(field.metadata["group"], []).append(entry)
    return "\n\n".join([usage, *("\n".join([f"{g}:", *e]) for g, e in groups.items())])


def _entry(name: str, text: str) -> str:
    return textwrap.fill(
        f"--{name:<24}{text}", 96, initial_indent="  ", subsequent_indent=" " * 28,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip


def flag_value(value: Any, ramp: bool = False) -> str:
    """Return a setting's value in the syntax of its flag: 1,0.5 for numbers, 100:1 for a ramp."""
    if isinstance(value, tuple):
        return (":" if ramp else ",").join(map(flag_value, value))
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)
