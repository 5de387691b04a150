"""The flags of `nst-tf-video`: definition, parsing and help."""

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

from absl import flags

from nst_tf.cli.arguments import UsageError, check_several, normalised, usage_error
from nst_tf.cli.flags import OTHER_FLAGS, Flag, define_flags, settings_of
from nst_tf.cli.places import locate, located
from nst_tf.cli.worker_flags import WORKER_FLAGS, check_workers
from nst_tf.compute.device import DEVICES
from nst_tf.inputs.blend import check_styles
from nst_tf.recipes import RECIPES, film_recipe
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.validation import parse_duration
from nst_tf.video.pipes import FILES, check_pipes

TEMPORAL_WEIGHT = {"relative": 300.0, "absolute": 3e9}
"""Default for each kind of loss. The second is larger by the ratio of the losses of `tutorial` and
`fast`."""

MAX_RATE = 1000  # frames per second

_SHARED = ("steps", "device", "deterministic", "quiet", "json", "version", "help", "helpfull")

VIDEO_FLAGS = (
    Flag("Files", "content", "string", None,
     "the film to paint, or the pattern of an image sequence such as frame_%05d.png, or - for "
     "stdin; it may also be named without a flag, before the paintings"),
    Flag("Files", "style", "multi_string", None,
     "a painting to imitate, which may also be named without a flag; repeat the flag to blend "
     "several"),
    Flag("Files", "content_mask", "multi_string", None,
     "a film, an image sequence or a picture: white where the film is to be painted, black where "
     "it is to remain; repeat the flag for several regions, which share one --style or have one "
     "each"),
    Flag("Files", "keyframe", "multi_string", None,
     "a painted frame that is taken as it is, as NUMBER=PICTURE, such as 120=painted.png; the "
     "number counts the painted frames from 1, as the files of unfinished films do; the frames "
     "around follow it; repeat the flag for several"),
    Flag("Files", "output", "string", None,
     "the result, .mp4, .mov, .m4v, .mkv, .webm, .gif or a pattern such as styled_%05d.png, or - "
     "for stdout (default CONTENT-STYLE.mp4 in this directory, or the next free name)"),
    Flag("Files", "format", "string", None,
     "format of an --output -: mp4, which is the default, mov, m4v, mkv, webm or gif"),
    Flag("Files", "overwrite", "boolean", False,
     "replace an existing film, and the stored frames of an unfinished one"),
    Flag("Files", "resume", "boolean", False,
     "continue from the stored frames of an unfinished film, if there are any"),
    Flag("Video", "preview", "string", "",
     "paint only the first seconds, such as 2 or 1min30s"),
    Flag("Video", "every", "integer", 1, "paint one of this many frames (default 1)"),
    Flag("Video", "rate", "string", "25",
     "frames per second of an image sequence, such as 24 or 30000/1001"),
    Flag("Video", "codec", "string", "",
     "FFmpeg's name of the codec (default libx264, for .webm libvpx-vp9)"),
    Flag("Video", "quality", "integer", None,
     "constant quality of the codec; lower is better (default 16 for libx264)"),
    Flag("Video", "pixel_format", "string", "",
     "FFmpeg's name of the pixel format (default yuv420p, or yuv444p for odd sizes, or yuva420p "
     "for transparent films in .webm)"),
    Flag("Video", "sound", "boolean", True,
     "keep the sound, copied, or encoded where the output format requires it (default on)"),
    Flag("Video", "key_every", "integer", 12,
     "maximum distance of the keys, which the network paints; the frames between follow the keys "
     "around them; 1: the network paints all frames (default 12)"),
    Flag("Video", "frame_steps", "integer", 0,
     "steps of each key except the first of a scene, twice as many where much of it is new; 0: 0.4 "
     "of the finest scale's steps"),
    Flag("Video", "long_term", "boolean", False,
     "let a key also follow the keys 2 and 4 before it, where the key before does not show the "
     "same things; slower"),
    Flag("Run", "recipe", "string", "fast",
     f"the settings that other flags change: {', '.join(RECIPES)}"),
    *(flag for flag in OTHER_FLAGS if flag.name in _SHARED),
    *WORKER_FLAGS,
)  # fmt: skip

VIDEO_USAGE = """\
Paint a film in the manner of a painting.

  python -m nst_tf.video FILM PAINTING [PAINTING ...] [-o RESULT] [FLAGS]"""

_WEIGHT = f"{TEMPORAL_WEIGHT['relative']:<6g}"

VIDEO_SCREEN = f"""\
{VIDEO_USAGE}

Video
  -o, --output RESULT     .mp4, .mov, .mkv, .webm, .gif, styled_%05d.png or -
  --preview 2             paint only the first two seconds
  --every 2               paint only every second frame
  --resume                continue from the frames of an unfinished film
  --content-mask MASK     a film that is white where the film is to be painted
  --jobs 2                paint two scenes at a time; --ray: on a cluster
  --codec, --quality      encoding of the result (libx264, 16)
Look
  --recipe painting       more steps than the default, fast
  --max-dim 768           maximum long side in pixels (512); 0: the film's
  --strength 1.5          how much of the painting; 0: the film, 1: the recipe
  --temporal-weight {_WEIGHT}similarity of frames; larger flickers less
  --key-every 1           paint each frame, not one of twelve; much slower
  --keyframe 120=X.png    take X.png as frame 120, and let others follow it
The network paints keys, each starting from the key before, moved along with
its contents; frames between follow both. Cuts start the style again. Ctrl-C
saves a film of the painted frames.
--helpfull lists all flags, with the defaults of the given --recipe.
"""


def parse_video(argv: Sequence[str]) -> tuple[flags.FlagValues, Settings]:
    """Return the parsed flags, and the settings that follow from them.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
    """
    values = define_flags(VIDEO_FLAGS)
    try:
        named = values([argv[0], *normalised(argv[1:], values)])[1:]
        if values.help or values.helpfull or values.version:
            return values, _in_films(values, film_recipe(values.recipe))
        _place(values, named)
        settings = _in_films(values, settings_of(values, film_recipe(values.recipe)))
        check_styles(settings, len(values.style))
        for name, given in (
            ("recolor", settings.recolor),
            ("tileable", settings.tileable != "none"),
        ):
            if given:
                raise UsageError(f"--{name} is for pictures, not for films: leave it out")
    except (flags.Error, UserError) as error:
        raise usage_error(error, values) from None
    locate(values, FILES, ("output",))
    _check(values)
    check_pipes(values)
    return values, settings


def _place(values: flags.FlagValues, named: Sequence[str]) -> None:
    """Set --content and --style to the paths without a flag, of which the film is first."""
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


def _in_films(values: flags.FlagValues, settings: Settings) -> Settings:
    """Return settings with the default temporal weight of films, unless a weight is given.

    With --no_repaint, the network works at the size of the frames.
    """
    if values["repaint"].present and not values.repaint:
        settings = dataclasses.replace(settings, network_dim=0)
    if values["temporal_weight"].present:
        return settings
    return dataclasses.replace(settings, temporal_weight=TEMPORAL_WEIGHT[settings.loss])


def _check(values: flags.FlagValues) -> None:
    """Refuse values of flags that are out of bounds."""
    if not DEVICES.fullmatch(values.device):
        raise UsageError(f"--device {values.device!r} is not auto, cpu, gpu or gpu:NUMBER")
    for name, least in (("every", 1), ("key_every", 1), ("frame_steps", 0), ("quality", 0)):
        value = values[name].value
        if value is not None and value < least:
            raise UsageError(f"--{name} must be at least {least}, not {value}")
    check_workers(values)
    preview_seconds(values)
    sequence_rate(values)
    keyframe_paths(values)
    if "" in (values.content_mask or ()):
        raise UsageError("--content_mask must not be empty: name a film or a picture")


def preview_seconds(values: flags.FlagValues) -> float:
    """Return the duration of the part to paint, seconds; 0: the whole film."""
    try:
        seconds = parse_duration("preview", values.preview) if values.preview else 0.0
    except UserError as error:
        raise UsageError(f"--{error}") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise UsageError(f"--preview must be at least 0 seconds, not {values.preview}")
    return seconds


def keyframe_paths(values: flags.FlagValues) -> dict[int, str]:
    """Return the paths of the user's keyframes by the numbers of their frames, from 1."""
    paths: dict[int, str] = {}
    for word in values.keyframe or ():
        number, _, path = word.partition("=")
        if not (number.isdecimal() and int(number) and path):
            raise UsageError(f"--keyframe must be like 120=painted.png, not {word!r}")
        if int(number) in paths:
            raise UsageError(f"--keyframe names frame {number} twice: name one picture")
        paths[int(number)] = located(path)
    return paths


def sequence_rate(values: flags.FlagValues) -> Fraction:
    """Return the frames per second of image sequences."""
    try:
        rate = Fraction(values.rate)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MAX_RATE:
        raise UsageError(f"--rate must be a number such as 24 or 30000/1001, not {values.rate!r}")
    return rate


NOTHING = "stopped before the first frame: there is nothing to save"
