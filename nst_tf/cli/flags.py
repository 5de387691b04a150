"""The flags: declared from `Settings`, parsed, explained."""

import dataclasses
from typing import Any

from absl import flags

from nst_tf.cli.arguments import UsageError, check_several, normalised, place_pictures, usage_error
from nst_tf.cli.places import locate
from nst_tf.compute.device import DEVICES
from nst_tf.inputs.blend import check_styles
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.validation import BIT_DEPTHS, checked_duration, checked_each, checked_ramp

MOST_DPI = 65535  # the most that JPEG files hold

PICTURES = ("content", "style", "content_mask", "style_mask", "keep_mask")
"""The flags that name pictures that are read."""

INPUTS = (*PICTURES, "from_image", "init", "weights")
OUTPUTS = ("output", "history", "figure", "timelapse", "snapshot_dir", "tensorboard_dir")

Row = tuple[str, str, str, Any, str]
"""A flag that is no setting: group, name, kind, default, help."""

Rows = tuple[Row, ...]

# The flags that concern files and the run rather than the method.
OTHER_FLAGS: Rows = (
    ("Files", "content", "string", None,
     "the photo to paint, which may be named without a flag too, before the paintings; without it, "
     "a texture is made"),
    ("Files", "style", "multi_string", None,
     "a painting to imitate, which may be named without a flag too; repeat the flag to blend "
     "several; without it, the photo is rebuilt from its features"),
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
     "keep the features of the photo's faces; needs the extra `faces`"),
    ("Files", "from_image", "string", None,
     "a picture made earlier, whose settings and files are used again, save for those that other "
     "flags give; its files are looked for beside it and in this directory"),
    ("Files", "output", "string", None,
     "the result, .png, .jpg, .webp or .tiff (default CONTENT-STYLE.png in this directory, or the "
     "next free name, CONTENT-STYLE-2.png and so on)"),
    ("Files", "overwrite", "boolean", False,
     "replace results, histories, figures, films and snapshots that exist, which is refused "
     "otherwise; the pictures that the run is made from are never replaced"),
    ("Files", "bit_depth", "integer", 8,
     "bits a channel of the result, 8 or 16 (default 8); 16 needs .png or .tiff"),
    ("Files", "dpi", "integer", None,
     "pixels per inch that the result's file states (default those of the photo)"),
    ("Files", "history", "string", None, "write the losses of every step to this .csv"),
    ("Files", "history_layers", "boolean", False,
     "write what each layer adds to the losses to --history too"),
    ("Files", "figure", "string", None, "draw pictures and loss curves to this .png, .pdf or .svg"),
    ("Files", "snapshot_every", "integer", 0,
     "steps between saved snapshots of the picture; 0: none"),
    ("Files", "snapshot_dir", "string", None,
     "where snapshots go, made if missing (default OUTPUT-steps, beside the result)"),
    ("Files", "timelapse", "string", None,
     "write the run as a film to this .gif, .webp or .mp4: frames evenly spaced in change, not in "
     "steps, of at most 512 pixels; .mp4 needs the extra `video`; with --resume, the film begins "
     "where the run goes on"),
    ("Files", "tensorboard_dir", "string", None,
     "write losses, pictures, settings, memory and the time of each step for TensorBoard to this "
     "directory, one for each run, made if missing; the extra `tensorboard` shows them"),
    ("Files", "resume", "boolean", False,
     "keep a checkpoint beside the result while the run goes on, and go on from it if there is "
     "one: repeat the same command after whatever has ended it"),
    ("Files", "resume_anyway", "boolean", False,
     "go on from a checkpoint even if pictures, settings or machine are others than then"),
    ("Files", "checkpoint_every", "float", 60.0,
     "seconds between checkpoints, at least (default 60); they take a fiftieth of the time at "
     "most"),
    ("Run", "recipe", "string", "tutorial",
     f"the settings that other flags change: {', '.join(RECIPES)}"),
    ("Run", "steps", "integer", None,
     "steps at the finest scale, instead of --epochs and --steps_per_epoch; others follow by "
     "--coarse_steps"),
    ("Run", "device", "string", "auto", "auto, cpu, gpu, or gpu:1 for the second one"),
    ("Run", "deterministic", "boolean", False,
     "use only operations whose results repeat exactly, on a GPU too; slower there"),
    ("Run", "quiet", "boolean", False, "print nothing but errors"),
    ("Run", "version", "boolean", False, "print the version and stop"),
    ("Run", "help", "boolean", False, "print how to start, on one screen, and stop"),
    ("Run", "helpfull", "boolean", False,
     "print all flags, with the defaults of --recipe, and stop"),
)  # fmt: skip


def define_flags(others: Rows = OTHER_FLAGS) -> flags.FlagValues:
    """Define the flags of a program: one for each field of Settings, and its others."""
    values = flags.FlagValues()
    values.set_gnu_getopt(True)  # pictures may stand between flags
    for _, name, kind, default, text in others:
        getattr(flags, f"DEFINE_{kind}")(name, default, text, flag_values=values)
    kinds = {
        bool: "boolean", int: "integer", float: "float", str: "string", tuple: "list",
    }  # fmt: skip
    words = {checked_ramp: "string", checked_duration: "string", checked_each: "list"}
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
        OSError: the picture that --from_image names cannot be read, or a file of its is missing.
        ValueError: that picture carries no valid settings.
    """
    values = define_flags()
    try:
        pictures = values([argv[0], *normalised(argv[1:], values)])[1:]
        if values.help or values.helpfull or values.version:
            return values, recipe(values.recipe) if values.helpfull else Settings()
        place_pictures(values, pictures)
        check_several(values.style or ())
        values["resume"].value = values.resume or values.resume_anyway
    except (flags.Error, UserError) as error:
        raise usage_error(error, values) from None
    locate(values, INPUTS, OUTPUTS)
    earlier = None
    if values.from_image:
        from nst_tf.cli.repeat import repeated

        earlier = repeated(values)
    try:
        settings = settings_of(values, earlier)
    except UserError as error:
        raise usage_error(error, values) from None
    _check(values, settings)
    return values, settings


def settings_of(values: flags.FlagValues, earlier: Settings | None = None) -> Settings:
    """Return the settings that flags amount to.

    Args:
        values: the flags.
        earlier: settings of a picture that is repeated, in place of the recipe's.

    Raises:
        ValueError: they are not valid.
    """
    given = {
        field.name: _value(field, values[field.name].value)
        for field in dataclasses.fields(Settings)
        if values[field.name].present
    }
    if earlier is None and values.content is None and values.style:  # texture synthesis
        given = {"content_weight": 0, "init": "noise"} | given
    elif earlier is None and values.content and not values.style:  # content reconstruction
        given = {"style_weight": 0, "init": "noise"} | given
    settings = dataclasses.replace(earlier or recipe(values.recipe), **given)
    if values.steps is not None:
        for name in ("epochs", "steps_per_epoch"):
            if name in given:
                raise UsageError(f"--steps and --{name} contradict each other: leave one out")
        settings = _with_steps(settings, values.steps)
    return settings


def _with_steps(settings: Settings, steps: int) -> Settings:
    """Return settings that take a given number of steps at the finest scale.

    The epochs stay if they can share the steps; otherwise there is one, unless a ramp needs them.

    Raises:
        UsageError: the steps are no share of a ramp's epochs, or below 1.
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


def _check(values: flags.FlagValues, settings: Settings) -> None:
    if values.content is None and not values.style:
        raise UsageError(
            "a photo and a painting are missing: name them, as in nst-tf photo.jpg painting.jpg"
        )
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
    if values.dpi is not None and not 1 <= values.dpi <= MOST_DPI:
        raise UsageError(f"--dpi must be at least 1 and at most {MOST_DPI}, not {values.dpi}")
    if values.history_layers and not values.history:
        raise UsageError("--history_layers needs --history to say where to write")
    if values.snapshot_every < 0:
        raise UsageError(f"--snapshot_every must be at least 0, not {values.snapshot_every}")
    if values.checkpoint_every < 0:
        raise UsageError(f"--checkpoint_every must be at least 0, not {values.checkpoint_every}")
    if values["checkpoint_every"].present and not values.resume:
        raise UsageError("--checkpoint_every needs --resume")
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
    except UserError as error:
        raise UsageError(f"--{error}") from None
