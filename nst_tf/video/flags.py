"""The flags of films: declared, parsed, explained."""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

from absl import flags

from nst_tf.cli.arguments import UsageError, check_several, normalised, usage_error
from nst_tf.cli.flags import OTHER_FLAGS, Flag, define_flags, settings_of
from nst_tf.cli.places import locate
from nst_tf.cli.worker_flags import WORKER_FLAGS, check_workers
from nst_tf.compute.device import DEVICES
from nst_tf.inputs.blend import check_styles
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.validation import parse_duration

TEMPORAL_WEIGHT = {"relative": 300.0, "absolute": 3e9}
"""By default, for each kind of loss. The first is measured, by `scripts/benchmark_video.py`; the
second is as much larger as the losses of `tutorial` are than those of `fast`."""

MOST_RATE = 1000  # frames a second

_SHARED = ("steps", "device", "deterministic", "quiet", "version", "help", "helpfull")

FILM_FLAGS = (
    Flag("Files", "content", "string", None,
     "the film to paint, or the pattern of an image sequence such as frame_%05d.png; it may be "
     "named without a flag too, before the paintings"),
    Flag("Files", "style", "multi_string", None,
     "a painting to imitate, which may be named without a flag too; repeat the flag to blend "
     "several"),
    Flag("Files", "content_mask", "multi_string", None,
     "a film, an image sequence or a picture that is white where the film is to be painted, and "
     "black where it stays as it is; repeat the flag for several regions, which share one --style "
     "or have one each"),
    Flag("Files", "output", "string", None,
     "the result, .mp4, .mov, .m4v, .mkv, .webm, .gif or a pattern such as styled_%05d.png "
     "(default CONTENT-STYLE.mp4 in this directory, or the next free name)"),
    Flag("Files", "overwrite", "boolean", False,
     "replace a film that exists, and frames of another one that are kept beside it"),
    Flag("Files", "resume", "boolean", False,
     "go on from the frames that an unfinished film has left, if there are any"),
    Flag("Film", "preview", "string", "",
     "paint the first seconds alone, such as 2 or 1min30s"),
    Flag("Film", "every", "integer", 1, "paint each of this many frames alone (default 1)"),
    Flag("Film", "rate", "string", "25",
     "frames a second of an image sequence, such as 24 or 30000/1001"),
    Flag("Film", "codec", "string", "",
     "FFmpeg's name of the codec (default libx264, for .webm libvpx-vp9)"),
    Flag("Film", "quality", "integer", None,
     "constant quality of the codec, less is better (default 16 for libx264)"),
    Flag("Film", "pixel_format", "string", "",
     "FFmpeg's name of the pixel format (default yuv420p, or yuv444p for odd sizes, or yuva420p "
     "for transparent films in .webm)"),
    Flag("Film", "sound", "boolean", True,
     "keep the sound: copied, or encoded where the output cannot hold it (default on)"),
    Flag("Film", "frame_steps", "integer", 0,
     "steps that each frame takes but the first of a scene; 0: 0.4 of the finest scale's"),
    Flag("Film", "long_term", "boolean", False,
     "let frames follow those 2 and 4 before, too, where the one before does not show what is "
     "there; takes longer"),
    Flag("Run", "recipe", "string", "fast",
     f"the settings that other flags change: {', '.join(RECIPES)}"),
    *(flag for flag in OTHER_FLAGS if flag.name in _SHARED),
    *WORKER_FLAGS,
)  # fmt: skip

FILM_USAGE = """\
Paint a film in the manner of a painting.

  python -m nst_tf.video FILM PAINTING [PAINTING ...] [-o RESULT] [FLAGS]"""

_WEIGHT = f"{TEMPORAL_WEIGHT['relative']:<6g}"

FILM_SCREEN = f"""\
{FILM_USAGE}

Film
  -o, --output RESULT     .mp4, .mov, .mkv, .webm, .gif or styled_%05d.png
  --preview 2             paint the first two seconds alone
  --every 2               paint every second frame alone
  --resume                go on from the frames of an unfinished film
  --content-mask MASK     a film that is white where the film is to be painted
  --jobs 2                paint scenes at the same time; --ray: on machines
  --codec, --quality      how it is encoded (libx264, 16)
Look
  --recipe painting       more steps than fast, which is the default
  --max-dim 768           long side in pixels, at most (512); 0: the film's
  --strength 1.5          how much of the painting; 0: the film, 1: the recipe
  --temporal-weight {_WEIGHT}holds frames together; larger flickers less
  --frame-steps 8         steps of each frame but the first of a scene
  --long-term             look further back than one frame
Each frame starts from the one before, moved along with what it shows. Cuts
start the style again. Ctrl-C leaves a film of what there is.
--helpfull lists all flags, with the defaults of the --recipe that is given.
"""


def parse_film(argv: Sequence[str]) -> tuple[flags.FlagValues, Settings]:
    """Return the parsed flags and the settings that follow from them.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
    """
    values = define_flags(FILM_FLAGS)
    try:
        named = values([argv[0], *normalised(argv[1:], values)])[1:]
        if values.help or values.helpfull or values.version:
            return values, _held_together(values, recipe(values.recipe))
        _place(values, named)
        settings = _held_together(values, settings_of(values, recipe(values.recipe)))
        check_styles(settings, len(values.style))
    except (flags.Error, UserError) as error:
        raise usage_error(error, values) from None
    locate(values, ("content", "style", "content_mask"), ("output",))
    _check(values)
    return values, settings


def _place(values: flags.FlagValues, named: Sequence[str]) -> None:
    """Set --content and --style to what is named without a flag, the film first."""
    if named and values.content is None:
        values["content"].value, *named = named
    if named and values.style:
        raise UsageError(f"{named[0]!r} and --style {values.style[0]!r} both name paintings")
    values["style"].value = values.style or list(named)
    check_several(values.style)
    if not values.content or not values.style or "" in values.style:
        raise UsageError(
            "a film and a painting are missing: name them, as in "
            "python -m nst_tf.video clip.mp4 painting.jpg"
        )


def _held_together(values: flags.FlagValues, settings: Settings) -> Settings:
    """Return settings with the temporal weight of films, unless one is given."""
    if values["temporal_weight"].present:
        return settings
    return dataclasses.replace(settings, temporal_weight=TEMPORAL_WEIGHT[settings.loss])


def _check(values: flags.FlagValues) -> None:
    if not DEVICES.fullmatch(values.device):
        raise UsageError(f"--device {values.device!r} is not auto, cpu, gpu or gpu:NUMBER")
    for name, least in (("every", 1), ("frame_steps", 0), ("quality", 0)):
        value = values[name].value
        if value is not None and value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")
    check_workers(values)
    preview_seconds(values)
    sequence_rate(values)
    if "" in (values.content_mask or ()):
        raise UsageError("--content_mask must not be empty: name a film or a picture")


def preview_seconds(values: flags.FlagValues) -> float:
    """Return the seconds that are painted; 0: all of them."""
    try:
        seconds = parse_duration("preview", values.preview) if values.preview else 0.0
    except UserError as error:
        raise UsageError(f"--{error}") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise UsageError(f"--preview must be at least 0 seconds, not {values.preview}")
    return seconds


def sequence_rate(values: flags.FlagValues) -> Fraction:
    """Return the frames a second of image sequences."""
    try:
        rate = Fraction(values.rate)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MOST_RATE:
        raise UsageError(f"--rate must be a number such as 24 or 30000/1001, not {values.rate!r}")
    return rate


NOTHING = "stopped before the first frame: there is nothing to save"
