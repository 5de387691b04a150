"""A run as the command line asks for it: one frozen value, made once after parsing."""

import dataclasses
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from absl import flags

from nst_tf.cli.arguments import UsageError
from nst_tf.compute.device import DEVICES
from nst_tf.inputs.blend import check_styles
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import STDOUT_PATH, is_stream
from nst_tf.utils.stdout import result_descriptor
from nst_tf.validation import BIT_DEPTHS, FORMATS

MOST_DPI = 65535  # the maximum of JPEG files

MOST_COLORS = 8  # of --color_regions

STDIO = "-"
"""The path that stands for stdin among the inputs, and for stdout as the output."""

PICTURES = ("content", "style", "content_mask", "style_mask", "keep_mask")
"""The flags that name pictures to read."""

OF_STEPS = ("history", "figure", "timelapse", "snapshot_every", "tensorboard_dir")
"""The flags whose outputs show the steps of a network."""


@dataclass(frozen=True)
class Request:
    """A run as the command line asks for it. Every field but two is a flag of that name.

    Attributes:
        settings: what the flags, the recipe and a repeated picture amount to.
        recipe_given: whether `--recipe` is on the command line.
        content: path of the photo; `None` for a texture.
        style: paths of the paintings; empty for a reconstruction.
    """

    settings: Settings
    recipe: str | None
    recipe_given: bool
    # inputs
    content: str | None
    style: tuple[str, ...]
    content_mask: tuple[str, ...]
    style_mask: tuple[str, ...]
    keep_mask: tuple[str, ...]
    color_regions: int
    from_image: str | None
    # outputs
    output: str | None
    format: str | None
    overwrite: bool
    bit_depth: int
    dpi: int | None
    history: str | None
    history_layers: bool
    figure: str | None
    snapshot_every: int
    snapshot_dir: str | None
    timelapse: str | None
    tensorboard_dir: str | None
    sheet: tuple[str, ...]
    # the run
    resume: bool
    resume_anyway: bool
    checkpoint_every: float
    network_picture: str | None
    device: str
    deterministic: bool
    quiet: bool
    measure: bool
    json: bool
    # information in place of a run
    version: bool
    doctor: bool
    help: bool
    helpfull: bool

    @classmethod
    def of(cls, values: flags.FlagValues, settings: Settings, **changes: Any) -> "Request":
        """Return the request that parsed flags make, with `changes` in place of flags."""
        named: dict[str, Any] = {
            field.name: values[field.name].value
            for field in dataclasses.fields(cls)
            if field.name in values
        } | changes
        for name in (*PICTURES[1:], "sheet"):
            named[name] = tuple(named[name] or ())
        named["resume"] = named["resume"] or named["resume_anyway"]
        return cls(settings=settings, recipe_given=bool(values["recipe"].present), **named)

    def paths(self, name: str) -> tuple[str, ...]:
        """Return the pictures that a flag of `PICTURES` names."""
        named = getattr(self, name)
        return named if isinstance(named, tuple) else (named,) if named else ()

    def with_pictures(self, place: Callable[[str], str]) -> "Request":
        """Return the request with `place(path)` for the path of each picture."""
        named: dict[str, Any] = {name: tuple(map(place, self.paths(name))) for name in PICTURES}
        return dataclasses.replace(
            self, **named | {"content": self.content and place(self.content)}
        )


def check_request(request: Request, given: Collection[str]) -> None:
    """Refuse values that are out of bounds or contradict each other, with a UsageError.

    Args:
        given: names of the flags on the command line.
    """
    _check_inputs(request)
    _check_outputs(request)
    settings = request.settings
    if not DEVICES.fullmatch(request.device):
        raise UsageError(f"--device {request.device!r} is not auto, cpu, gpu or gpu:NUMBER")
    for name in ("min_dim", "scale_factor", "coarse_steps"):
        if settings.scales == 1 and name in given:
            raise UsageError(f"--{name} needs --scales of at least 2")
    if request.checkpoint_every < 0:
        raise UsageError(f"--checkpoint_every must be at least 0, not {request.checkpoint_every}")
    if "checkpoint_every" in given and not request.resume:
        raise UsageError("--checkpoint_every needs --resume")
    if request.network_picture and not settings.repaints:
        raise UsageError("--network_picture needs brushstrokes: add --repaint")
    try:
        check_styles(settings, len(request.style) or 1)
    except UserError as error:
        raise UsageError(f"--{error}") from None


def _check_inputs(request: Request) -> None:
    if request.content is None and not request.style:
        raise UsageError(
            "a photo and a painting are missing: name them, as in nst-tf photo.jpg painting.jpg"
        )
    if "" in (request.content, *request.style):
        raise UsageError("--content and --style must not be empty: name a photo and a painting")
    settings, both = request.settings, bool(request.content and request.style)
    for kind in ("content", "style"):
        if not request.paths(kind) and (
            settings.init == kind or getattr(settings, f"{kind}_weight")
        ):
            raise UsageError(f"--{kind} is missing, but --init or --{kind}_weight asks for it")
    if settings.preserve_color != "none" and not both:
        raise UsageError("--preserve_color needs --content and --style")
    if settings.recolor and not both:
        raise UsageError("--recolor needs --content and --style")
    if request.content_mask and not both:
        raise UsageError("--content_mask needs --content and --style")
    if request.style_mask and not request.style:
        raise UsageError("--style_mask needs --style")
    if request.keep_mask and not both:
        raise UsageError("--keep_mask needs --content and --style")
    if colors := request.color_regions:
        if not both:
            raise UsageError("--color_regions needs --content and --style")
        if request.content_mask or request.style_mask:
            raise UsageError("--color_regions finds the regions itself: leave masks out")
        if not 2 <= colors <= MOST_COLORS:
            raise UsageError(f"--color_regions must be from 2 to {MOST_COLORS}, not {colors}")
    for name in ("content_mask", "style_mask", "keep_mask"):
        if "" in request.paths(name):
            raise UsageError(f"--{name} must not be empty: name a picture")
    check_stdin([name for name in PICTURES for path in request.paths(name) if path == STDIO])


def check_stdin(reading: Sequence[str]) -> None:
    """Refuse several flags that read stdin, given by their names."""
    if len(reading) > 1:
        raise UsageError(
            f"--{reading[0]} and --{reading[1]} both read stdin, which can be read once: name a "
            "file for one of them"
        )


def _check_outputs(request: Request) -> None:
    if request.bit_depth not in BIT_DEPTHS:
        raise UsageError(f"--bit_depth must be 8 or 16, not {request.bit_depth}")
    if request.dpi is not None and not 1 <= request.dpi <= MOST_DPI:
        raise UsageError(f"--dpi must be at least 1 and at most {MOST_DPI}, not {request.dpi}")
    if request.settings.recolor:
        for name in OF_STEPS:
            if getattr(request, name):
                raise UsageError(f"--{name} shows steps, and --recolor takes none: leave one out")
    if request.history_layers and not request.history:
        raise UsageError("--history_layers needs --history to say where to write")
    if request.snapshot_every < 0:
        raise UsageError(f"--snapshot_every must be at least 0, not {request.snapshot_every}")
    if request.snapshot_dir and not request.snapshot_every:
        raise UsageError("--snapshot_dir needs --snapshot_every to say how often")
    if request.format:
        _check_format(request)
    if request.measure and not (request.content and len(request.style) == 1):
        raise UsageError("--measure needs one photo and one painting")
    if request.measure and _goes_to_stream(request):
        raise UsageError("--measure needs a file: name one by --output")
    if request.output == STDOUT_PATH:
        if request.json:
            raise UsageError("--json and --output - both write to stdout: name a file by --output")
        if os.isatty(result_descriptor()):
            raise UsageError("--output - is a terminal: redirect it, as in -o - > picture.png")
    if _goes_to_stream(request):
        if request.resume:
            raise UsageError("--resume keeps its checkpoint beside a file: name one by --output")
        if request.snapshot_every and not request.snapshot_dir:
            raise UsageError("--snapshot_every needs --snapshot_dir if the result is not a file")


def _goes_to_stream(request: Request) -> bool:
    """Return whether the result is a device or a pipe, not a file."""
    with suppress(OSError):  # a path that is not valid is refused with the other outputs
        return bool(request.output) and is_stream(request.output or "")
    return False


def _check_format(request: Request) -> None:
    known = [suffix.lstrip(".") for suffix in FORMATS]
    if request.format not in known:
        raise UsageError(f"--format {request.format!r} is not one of {', '.join(known)}")
    if not request.output or os.path.splitext(request.output)[1]:
        raise UsageError(
            f"--format {request.format} is for an --output without an extension, such as -: name "
            f"the result with the ending .{request.format} instead"
        )
