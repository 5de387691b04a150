"""The flags of a run: declared from `Settings`, and parsed to a `Request`."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from absl import flags

from nst_tf.cli.arguments import UsageError, check_several, normalised, place_pictures, usage_error
from nst_tf.cli.places import locate
from nst_tf.cli.request import PICTURES, STDIO, Request, check_request
from nst_tf.extending.entry_points import check_extensions
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import STDOUT_PATH
from nst_tf.validation import checked_duration, checked_each, checked_ramp

INPUTS = (*PICTURES, "from_image", "init", "weights")
OUTPUTS = ("output", "history", "figure", "timelapse", "snapshot_dir", "tensorboard_dir",
           "network_picture")  # fmt: skip


INFORMATION = ("help", "helpfull", "version", "doctor")
"""The flags that print something in place of a run."""


@dataclass(frozen=True)
class Flag:
    """A flag that is not a setting.

    Attributes:
        group: heading of the help under which the flag is listed.
        kind: absl's name of the type: `string`, `multi_string`, `boolean`, `integer` or `float`.
    """

    group: str
    name: str
    kind: str
    default: Any
    help: str


OTHER_FLAGS = (
    Flag("Files", "content", "string", None,
         "the photo, which may also be named without a flag, before the paintings; without a photo "
         "a texture is made; - reads a picture from stdin, as it does for paintings and masks"),
    Flag("Files", "style", "multi_string", None,
         "a painting to imitate, which may also be named without a flag; repeat the flag to blend "
         "several; without a painting the photo is rebuilt from its features"),
    Flag("Files", "content_mask", "multi_string", None,
         "a picture that is white where the photo is painted, and black or transparent where it "
         "remains as it is; repeat the flag for several regions, which share one --style or have "
         "one each; or a picture with a colour for each region, together with a --style_mask in "
         "the same colours for each --style"),
    Flag("Files", "style_mask", "multi_string", None,
         "a picture for each --style that is white where the style is taken from; with a coloured "
         "--content_mask, it has the colour of each region that is painted like that place"),
    Flag("Files", "keep_mask", "multi_string", None,
         "a picture that is white where the photo's features are kept, for small things; grey "
         "keeps less; repeat the flag for several"),
    Flag("Files", "color_regions", "integer", 0,
         "paint each main colour of the photo with the parts of the paintings that have the "
         "corresponding colour of their palette: number of colours, from 2 to 8; 0: all with all"),
    Flag("Files", "from_image", "string", None,
         "reuse the settings and input files recorded in this result; other flags override them; "
         "files are searched beside the result and in this directory"),
    Flag("Files", "output", "string", None,
         "the result, .png, .jpg, .webp or .tiff, or - for stdout (default CONTENT-STYLE.png in "
         "this directory, or the next free name, CONTENT-STYLE-2.png and so on)"),
    Flag("Files", "format", "string", None,
         "png, jpg, webp or tiff: the format of an --output without an extension, such as - "
         "(default png for - and pipes)"),
    Flag("Files", "overwrite", "boolean", False,
         "replace existing results, histories, figures, time-lapses and snapshots, which is "
         "refused otherwise; the input pictures are never replaced"),
    Flag("Files", "bit_depth", "integer", 8,
         "bits per channel of the result, 8 or 16 (default 8); 16 needs .png or .tiff"),
    Flag("Files", "dpi", "integer", None,
         "pixels per inch recorded in the result's file (default those of the photo)"),
    Flag("Files", "history", "string", None, "write the losses of every step to this .csv"),
    Flag("Files", "history_layers", "boolean", False,
         "add the losses of each layer to --history"),
    Flag("Files", "figure", "string", None,
         "draw pictures and loss curves to this .png, .pdf or .svg"),
    Flag("Files", "snapshot_every", "integer", 0,
         "steps between saved snapshots of the picture; 0: none"),
    Flag("Files", "snapshot_dir", "string", None,
         "directory of the snapshots, created if missing (default OUTPUT-steps, beside the "
         "result)"),
    Flag("Files", "timelapse", "string", None,
         "write an animation of the run to this .gif, .webp or .mp4: frames evenly spaced in "
         "change, not in steps, of at most 512 pixels; .mp4 needs the extra `video`; with "
         "--resume, the animation begins where the run resumes"),
    Flag("Files", "tensorboard_dir", "string", None,
         "write losses, pictures, settings, memory and the time of each step for TensorBoard to "
         "this directory, one for each run, created if missing; the extra `tensorboard` shows "
         "them"),
    Flag("Files", "sheet", "multi_string", None,
         "make small pictures of several values of a setting on one figure, with the command for "
         "each, such as strength=0.6,1,1.5 or recipe=painting,fast; repeat the flag for all "
         "combinations with another setting; style: each painting, or each in a folder; --output "
         "ends in .png, .pdf or .svg"),
    Flag("Files", "resume", "boolean", False,
         "keep a checkpoint beside the result, and resume from it if it exists: repeat the same "
         "command after a run that did not finish"),
    Flag("Files", "resume_anyway", "boolean", False,
         "resume even if the pictures, settings or machine have changed"),
    Flag("Files", "checkpoint_every", "float", 60.0,
         "minimum seconds between checkpoints (default 60); checkpoints use at most a fiftieth of "
         "the time"),
    Flag("Files", "network_picture", "string", None,
         "keep the network's picture in this file, or, if the file exists, start from it and paint "
         "only the brushstrokes, which takes seconds: repeat the same command with another "
         "--repaint_detail, --patch_size or --max_dim"),
    Flag("Run", "recipe", "string", "tutorial",
         f"the settings that other flags change: {', '.join(RECIPES)}"),
    Flag("Run", "steps", "integer", None,
         "steps at the finest scale, in place of --epochs and --steps_per_epoch; --coarse_steps "
         "determines those of coarser scales"),
    Flag("Run", "device", "string", "auto", "auto, cpu, gpu, or gpu:1 for the second GPU"),
    Flag("Run", "deterministic", "boolean", False,
         "use only operations whose results repeat exactly, on a GPU too; slower there"),
    Flag("Run", "quiet", "boolean", False, "print only errors"),
    Flag("Run", "measure", "boolean", False,
         "measure the result against photo and painting, as nst-tf-measure does"),
    Flag("Run", "json", "boolean", False,
         "print one object of JSON to stdout at the end, with files, sizes, seconds, losses and "
         "settings, and everything else to stderr"),
    Flag("Run", "version", "boolean", False, "print the version and exit"),
    Flag("Run", "doctor", "boolean", False,
         "print versions, processor, memory, devices, extras, and the time of a step, and exit"),
    Flag("Run", "help", "boolean", False, "print how to start, on one screen, and exit"),
    Flag("Run", "helpfull", "boolean", False,
         "print all flags, with the defaults of --recipe, and exit"),
)  # fmt: skip
"""The flags that concern files and the run rather than the method."""


def define_others(others: Iterable[Flag]) -> flags.FlagValues:
    """Return flags to be parsed; pictures may stand between them."""
    values = flags.FlagValues()
    values.set_gnu_getopt(True)
    for flag in others:
        define = getattr(flags, f"DEFINE_{flag.kind}")
        define(flag.name, flag.default, flag.help, flag_values=values)
    return values


def define_flags(others: Iterable[Flag] = OTHER_FLAGS) -> flags.FlagValues:
    """Return the flags of a program, to be parsed: one for each field of `Settings`, and others.

    A UserError reports a term or recipe of another package that cannot be used.
    """
    values = define_others(others)
    kinds = {
        bool: "boolean", int: "integer", float: "float", str: "string", tuple: "list",
    }  # fmt: skip
    words = {checked_ramp: "string", checked_duration: "string", checked_each: "list"}
    check_extensions()
    for field in dataclasses.fields(Settings):
        if field.name in values:
            raise UserError(f"the setting {field.name} of an installed term is a flag already")
        kind = words.get(field.metadata["check"], kinds[type(field.default)])
        define = getattr(flags, f"DEFINE_{kind}")
        # The default is None: a flag that is not given leaves its value to the recipe.
        define(field.name, None, field.metadata["help"], flag_values=values)
    return values


def parse(argv: list[str]) -> Request:
    """Return the run that a command line asks for.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
        OSError: the picture that --from_image names cannot be read, or one of its files is missing.
        UserError: that picture carries no valid settings, or an input is an address.
    """
    values = define_flags()
    try:
        pictures = values([argv[0], *normalised(argv[1:], values)])[1:]
        if any(values[name].value for name in INFORMATION):
            return Request.of(values, recipe(values.recipe) if values.helpfull else Settings())
        place_pictures(values, pictures)
        check_several(values.style or ())
    except (flags.Error, UserError) as error:
        raise usage_error(error, values) from None
    locate(values, INPUTS, OUTPUTS)
    if values.output == STDIO:
        values["output"].value = STDOUT_PATH
    changes: dict[str, Any] = {}
    earlier = None
    if values.from_image:
        from nst_tf.cli.repeat import repeated

        changes, earlier = repeated(values)
    try:
        settings = _run_settings(values, changes, earlier)
    except UserError as error:
        raise usage_error(error, values) from None
    request = Request.of(values, settings, **changes)
    check_request(request, [name for name in values if values[name].present])
    return request


def _run_settings(
    values: flags.FlagValues, changes: Mapping[str, Any], earlier: Settings | None
) -> Settings:
    """Return the settings of a run: those of a repeated picture or a recipe, changed by flags."""
    if earlier is not None:
        return settings_of(values, earlier)
    content, style = (changes.get(name, values[name].value) for name in ("content", "style"))
    defaults: dict[str, Any] = {}
    if content is None and style:  # texture synthesis
        defaults = {"content_weight": 0, "init": "noise"}
    elif content and not style:  # content reconstruction
        defaults = {"style_weight": 0, "init": "noise"}
    return settings_of(values, recipe(values.recipe), defaults)


def settings_of(
    values: flags.FlagValues, base: Settings, defaults: Mapping[str, Any] | None = None
) -> Settings:
    """Return settings that are changed by flags; UserError if a value is not valid.

    Args:
        defaults: values in place of those of `base` for flags that are not given.
    """
    given = {
        field.name: _value(field, values[field.name].value)
        for field in dataclasses.fields(Settings)
        if values[field.name].present
    }
    settings = dataclasses.replace(base, **dict(defaults or {}) | given)
    if values.steps is None:
        return settings
    for name in ("epochs", "steps_per_epoch"):
        if name in given:
            raise UsageError(f"--steps and --{name} contradict each other: leave one out")
    return _with_steps(settings, values.steps)


def _with_steps(settings: Settings, steps: int) -> Settings:
    """Return settings that take a given number of steps at the finest scale.

    The epochs stay if they can share the steps; otherwise there is one, unless a ramp needs them.
    """
    if steps < 1:
        raise UsageError(f"--steps must be at least 1, not {steps}")
    epochs = settings.epochs
    if steps % epochs and settings.ramps:
        raise UsageError(
            f"--steps {steps} cannot be shared among the {epochs} epochs of the ramp of "
            f"{settings.ramps[0]}: use a multiple of {epochs}, or --epochs and --steps_per_epoch"
        )
    epochs = 1 if steps % epochs else epochs
    return dataclasses.replace(settings, epochs=epochs, steps_per_epoch=steps // epochs)


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
