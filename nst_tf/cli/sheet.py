"""The plan of a sheet: small pictures of all combinations of values, each with its command."""

import dataclasses
import itertools
import os
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nst_tf.cli.arguments import UsageError, normalised
from nst_tf.cli.flags import define_flags, parse
from nst_tf.cli.output_paths import FIGURES
from nst_tf.cli.pictures import find_pictures
from nst_tf.cli.request import OF_STEPS, Request
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import check_outputs, free_name, joined_name
from nst_tf.validation import unknown

STYLE = "style"
VARIED = ("recipe", STYLE, "steps", *(field.name for field in dataclasses.fields(Settings)))
"""What a sheet may vary."""

RECIPE = "fast"
"""The recipe of a sheet whose recipe is not chosen: others take minutes for each picture."""

MAX_DIM = "256"
"""Long side of the pictures of a sheet whose size is not chosen, pixels."""

MOST_CELLS = 100  # pictures

OF_THE_SHEET = ("sheet", "output", "overwrite", "time_limit", "quiet", "device", "deterministic")
"""Flags that concern the sheet and not its pictures."""


@dataclass(frozen=True)
class Axis:
    """A setting that varies, and its values as the texts of a flag."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Cell:
    """A picture of a sheet.

    Attributes:
        labels: its value on each axis.
        request: the run that makes it small.
        command: what makes it at full size.
    """

    labels: tuple[str, ...]
    request: Request
    command: str


@dataclass(frozen=True)
class Sheet:
    """A sheet before any work.

    Attributes:
        axes: one, or that of the columns and that of the rows.
        cells: in the order of reading.
        output: the file to write.
        time_limit: for all pictures together, seconds; 0: none.
        title: names photo, paintings and recipe.
        defaults: reports what the sheet has chosen; empty if it has chosen nothing.
    """

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    output: Path
    time_limit: float
    title: str
    defaults: str


def plan_sheet(argv: Sequence[str], request: Request) -> Sheet:
    """Return the sheet that a command line asks for.

    Args:
        argv: the command line.
        request: what it parses to.

    Raises:
        UsageError: an axis or one of its values is not valid, or flags contradict each other.
        OSError: a folder of paintings, or the output's, cannot be used, or the output exists.
        UserError: a folder has no paintings, or the output is an input or has another ending.
    """
    _check(request)
    own = [*_flags(argv)]
    given = {name for name, _ in own}
    axes = _axes(request, given)
    names = {axis.name for axis in axes}
    recipe = not ({"recipe", "from_image"} & (given | names) or request.settings.recolor)
    size = "max_dim" not in given | names
    kept = [
        word
        for name, words in own
        if name not in (*OF_THE_SHEET, "content", STYLE)
        for word in words
    ] + [f"--recipe={RECIPE}"] * recipe
    small = [f"--max_dim={MAX_DIM}"] * size
    cells = tuple(_cells(request, axes, kept, small))
    output = _output(request, axes)
    if output.suffix.lower() not in FIGURES:
        raise UserError(f"--output {output}: a sheet must end in one of {' '.join(FIGURES)}")
    paintings = [path for axis in axes if axis.name == STYLE for path in axis.values]
    check_outputs([output], [*filter(None, [request.content]), *request.style, *paintings])
    if output.exists() and not request.overwrite:
        raise FileExistsError(f"{output} exists: choose another name or add --overwrite")
    title = _title(request, names, RECIPE if recipe else request.recipe or "")
    defaults = _defaults(len(cells), recipe, size)
    return Sheet(axes, cells, output, request.settings.time_limit, title, defaults)


def _check(request: Request) -> None:
    """Refuse flags that a sheet has no use for, with a UsageError."""
    for name in (*OF_STEPS, "resume"):
        if getattr(request, name):
            raise UsageError(f"--{name} is for one picture, and --sheet makes several")


def _flags(argv: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the names of the flags on a command line, and the words of each."""
    values = define_flags()
    words = iter(normalised(argv[1:], values))
    for word in words:
        if word == "--":
            return
        if not word.startswith("--"):
            continue
        name, equals, _ = word[2:].partition("=")
        name = name if name in values else name.removeprefix("no")
        takes = not values[name].boolean and not equals
        yield name, (word, next(words)) if takes else (word,)


def _axes(request: Request, given: Collection[str]) -> tuple[Axis, ...]:
    axes = tuple(_axis(text, request) for text in request.sheet)
    names = [axis.name for axis in axes]
    if len(axes) > 2 or len({*names}) < len(names):
        raise UsageError("--sheet can be repeated once, with another setting")
    for name in names:
        if name in given and name != STYLE:
            raise UsageError(f"--{name} and --sheet {name} contradict each other: leave one out")
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST_CELLS:
        raise UsageError(
            f"a sheet has at most {MOST_CELLS} pictures, not {count}: use fewer values"
        )
    return axes


def _axis(text: str, request: Request) -> Axis:
    """Return what `--sheet` names: a setting with its values, or the paintings."""
    name, equals, listed = text.partition("=")
    name = name.strip().lstrip("-").replace("-", "_")
    if name not in VARIED:
        raise UsageError(f"--sheet {text}: {unknown('setting', name, VARIED)}")
    if name == STYLE:
        if equals:
            raise UsageError("--sheet style takes no values: name the paintings after the photo")
        return Axis(name, tuple(_paintings(request)))
    values = tuple(value.strip() for value in listed.split(";" if ";" in listed else ","))
    if not all(values):
        raise UsageError(f"--sheet {text} lacks a value: write it as in --sheet strength=0.6,1,1.5")
    if len({*values}) < len(values):
        raise UsageError(f"--sheet {text} has a value twice")
    return Axis(name, values)


def _paintings(request: Request) -> Iterator[str]:
    for place in request.style:
        yield from find_pictures(STYLE, place) if os.path.isdir(place) else [place]


def _cells(
    request: Request, axes: Sequence[Axis], kept: Sequence[str], small: Sequence[str]
) -> Iterator[Cell]:
    """Yield the cells, with the values of the first axis from left to right.

    Args:
        kept: flags of all cells.
        small: a flag that is not part of the command.
    """
    for reversed_values in itertools.product(*(axis.values for axis in reversed(axes))):
        values = reversed_values[::-1]
        pairs = [(axis.name, value) for axis, value in zip(axes, values, strict=True)]
        styles = [value for name, value in pairs if name == STYLE] or request.style
        words = [*_pictures(request.content, styles), *kept]
        words += [f"--{name}={value}" for name, value in pairs if name != STYLE]
        labels = tuple(Path(v).stem if name == STYLE else v for name, v in pairs)
        yield Cell(labels, parse(["nst-tf", *words, *small]), shlex.join(["nst-tf", *words]))


def _pictures(photo: str | None, paintings: Sequence[str]) -> list[str]:
    """Return the words that name photo and paintings."""
    if photo and paintings:
        return [photo, *paintings]
    return [f"--content={photo}"] if photo else [f"--style={path}" for path in paintings]


def _output(request: Request, axes: Sequence[Axis]) -> Path:
    if request.output:
        return Path(request.output)
    varied = any(axis.name == STYLE for axis in axes)
    paths = [request.content, *(() if varied else request.style)]
    path = Path(joined_name([*(Path(p).stem for p in paths if p), "sheet"], ".png"))
    return path if request.overwrite else free_name(path)


def _title(request: Request, varied: Collection[str], recipe: str) -> str:
    """Return the names of the pictures and of the recipe, without what varies."""
    paths = [request.content, *(() if STYLE in varied else request.style)]
    parts = [Path(path).name for path in paths if path]
    if "recipe" not in varied and not request.settings.recolor:
        parts.append(recipe)
    return " · ".join(filter(None, parts))


def _defaults(count: int, recipe: bool, size: bool) -> str:
    """Return how many pictures a sheet has, and what it has chosen: recipe, size."""
    what = f" by the recipe {RECIPE}" * recipe + f" of at most {MAX_DIM} pixels" * size
    flags = " or ".join(["--recipe"] * recipe + ["--max_dim"] * size)
    return f"{count} pictures{what}" + f"; set {flags} for others" * bool(flags)
