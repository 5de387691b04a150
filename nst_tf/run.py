"""The command line: flags to Settings, files to arrays, `stylize`, arrays to files."""

import dataclasses
import platform
import re
import signal
import sys
import tempfile
import textwrap
import warnings
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

import nst_tf
from nst_tf.callbacks import Console, History, Snapshots, duration
from nst_tf.files import check_outputs, check_writable
from nst_tf.images import fit_pictures, load_picture, output_format, save_image
from nst_tf.runtime import Stopper, start_tensorflow
from nst_tf.settings import INITS, RECIPES, Settings, recipe
from nst_tf.weights import load_weights

FIGURES = (".png", ".pdf", ".svg")
DEVICES = re.compile(r"auto|cpu|gpu(:\d+)?")

# name, kind, default, help; the flags that concern files and the machine.
FILE_FLAGS: tuple[tuple[str, str, Any, str], ...] = (
    ("content", "string", None, "the photo to paint (required)"),
    ("style", "multi_string", None, "the painting to paint it like (required); may be repeated"),
    ("output", "string", None, "result: .png, .jpg, .webp or .tiff (default CONTENT-STYLE.png)"),
    ("history", "string", None, "write the losses of every step to this .csv"),
    ("figure", "string", None, "draw pictures and loss curves to this .png, .pdf or .svg"),
    ("snapshot_every", "integer", 0, "save the picture every so many steps"),
    ("snapshot_dir", "string", None, "where snapshots go, made if missing (default OUTPUT-steps)"),
)
RUN_FLAGS: tuple[tuple[str, str, Any, str], ...] = (
    ("recipe", "string", "tutorial", f"settings to start from: {', '.join(RECIPES)}"),
    ("device", "string", "auto", "auto, cpu, gpu, or gpu:1 for the second one"),
    ("quiet", "boolean", False, "print nothing but errors"),
    ("version", "boolean", False, "print the version and stop"),
    ("help", "boolean", False, "print this and stop"),
)


class UsageError(ValueError):
    """The command line itself is wrong, whatever the files hold."""


def define_flags() -> flags.FlagValues:
    """Return the command line's flags: one for each field of Settings, and those for files."""
    values = flags.FlagValues()
    for name, kind, default, text in FILE_FLAGS + RUN_FLAGS:
        getattr(flags, f"DEFINE_{kind}")(name, default, text, flag_values=values)
    for knob in dataclasses.fields(Settings):
        kind = {int: "integer", float: "float", str: "string", tuple: "list"}[type(knob.default)]
        # None tells a flag that was given from one that was not, which leaves it to the recipe.
        getattr(flags, f"DEFINE_{kind}")(
            knob.name, None, knob.metadata["help"], flag_values=values
        )
    return values


def parse(argv: list[str]) -> tuple[flags.FlagValues, Settings]:
    """Return the parsed flags and the settings they amount to.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
    """
    values = define_flags()
    try:
        rest = values(argv)[1:]
        if values.help or values.version:
            return values, Settings()
        if rest:
            raise UsageError(f"{rest[0]!r} belongs to no flag: write --content {rest[0]}")
        for name in ("content", "style"):
            if not values[name].value:
                raise UsageError(f"--{name} is missing: name a picture")
        if not DEVICES.fullmatch(values.device):
            raise UsageError(f"--device {values.device!r} is not auto, cpu, gpu or gpu:NUMBER")
        if values.snapshot_every < 0:
            raise UsageError(f"--snapshot_every must be at least 0, not {values.snapshot_every}")
        if values.snapshot_dir and not values.snapshot_every:
            raise UsageError("--snapshot_dir needs --snapshot_every")
        settings = dataclasses.replace(
            recipe(values.recipe),
            **{
                knob.name: _value(knob, values[knob.name].value)
                for knob in dataclasses.fields(Settings)
                if values[knob.name].present
            },
        )
        if settings.style_blend and len(settings.style_blend) != len(values.style):
            raise UsageError(
                f"--style_blend has {len(settings.style_blend)} shares "
                f"for {len(values.style)} styles"
            )
    except UsageError:
        raise
    except (flags.Error, ValueError) as error:
        raise UsageError(" ".join(str(error).split())) from None
    return values, settings


def _value(knob: dataclasses.Field, value: Any) -> Any:
    """Turn the words of a list flag of numbers into numbers."""
    if not isinstance(value, list) or knob.name.endswith("_layers"):
        return value
    try:
        return tuple(float(word) for word in value)
    except ValueError:
        raise UsageError(f"--{knob.name} must be numbers such as 0.7,0.3, not {value}") from None


def help_text() -> str:
    """Return the flags by group, each with its help, bounds and default."""
    groups: dict[str, list[tuple[str, str]]] = {"Files": [], "Run": []}
    for group, rows in (("Files", FILE_FLAGS), ("Run", RUN_FLAGS)):
        for name, kind, default, text in rows:
            shown = f" (default {default})" if kind != "boolean" and default else ""
            groups[group].append((name, text + shown))
    for knob in dataclasses.fields(Settings):
        notes = [f"{words} {limit:g}" for words, limit in knob.metadata["limits"].items()]
        notes += [" or ".join(knob.metadata["choices"])] if knob.metadata["choices"] else []
        default = knob.default
        if isinstance(default, tuple):
            default = ",".join(default)
        notes += [f"default {default}"] if default != "" else []
        text = knob.metadata["help"] + (f" ({'; '.join(notes)})" if notes else "")
        groups.setdefault(knob.metadata["group"], []).append((knob.name, text))
    lines = [
        "Paint a photo in the manner of a painting.",
        "",
        "  python -m nst_tf.run --content photo.jpg --style painting.jpg [--output picture.png]",
    ]
    for group, entries in groups.items():
        lines += ["", f"{group}:"]
        for name, text in entries:
            lines += textwrap.wrap(
                f"--{name:<24}{text}", 96, initial_indent="  ", subsequent_indent=" " * 28,
                break_on_hyphens=False, break_long_words=False,
            )  # fmt: skip
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished picture, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    run that was stopped, whose picture is saved all the same.
    """
    try:
        values, settings = parse(argv)
        if values.help:
            print(help_text())
            return 0
        if values.version:
            print(f"nst_tf {nst_tf.__version__}")
            return 0
        return run(values, settings)
    except UsageError as error:
        return _fail(f"{error} (--help lists the flags)", 2)
    except KeyboardInterrupt:
        return _fail("stopped before there was anything to save", 128 + signal.SIGINT)


def run(values: flags.FlagValues, settings: Settings) -> int:
    """Check everything that can be checked, then make the picture; returns the exit status."""
    quiet = values.quiet
    output = Path(values.output or _default_output(values))
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            _check_files(values, settings, output)
            content = load_picture(values.content, settings.max_dim)
            side = round(max(content.pixels.shape[1:3]) * settings.style_scale)
            styles = [load_picture(path, side).pixels for path in values.style]
            initial = None if settings.init in INITS else load_picture(settings.init).pixels
            fitted, styles = fit_pictures(
                content.pixels,
                styles,
                max_dim=settings.max_dim,
                style_scale=settings.style_scale,
                smallest_side=settings.smallest_side,
            )
            if settings.weights != "imagenet":  # which may need a download, by way of TensorFlow
                load_weights(settings.weights)
        device = start_tensorflow(values.device)
        weights = load_weights(settings.weights)
    except (OSError, ValueError) as error:
        return _fail(str(error), 1)

    from nst_tf.transfer import NonFiniteLossError, Progress, stylize, tf

    history, last = History(), []

    def record(steps: int) -> dict[str, Any]:
        return {
            "nst_tf": nst_tf.__version__,
            "settings": dataclasses.asdict(settings),
            "steps": steps,
            "content": Path(values.content).name,
            "styles": [Path(path).name for path in values.style],
            "weights": {"name": weights.name, "sha256": weights.sha256},
            "versions": {
                "python": platform.python_version(),
                **{name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")},
            },
        }

    def save(path: Path, image: np.ndarray) -> None:
        save_image(
            path,
            image,
            alpha=content.alpha,
            tagged=content.tagged,
            metadata=record(len(history.rows)),
        )

    def remember(progress: Progress) -> None:
        last[:] = [progress]

    callbacks = [history, remember]
    if values.snapshot_every:
        directory = _snapshot_dir(values, output)
        directory.mkdir(exist_ok=True)
        callbacks.append(Snapshots(values.snapshot_every, directory, save))
    if not quiet:
        height, width = fitted.shape[1:3]
        headline = f"{device} · {width}x{height} pixels · {weights.name} weights"
        callbacks.append(Console(headline, settings.steps_per_epoch, sys.stdout))

    failure = ""
    with Stopper() as stopper:
        try:
            image = stylize(
                fitted, styles, settings, initial=initial, callbacks=[*callbacks, stopper]
            )
        except NonFiniteLossError as error:
            failure, image = str(error), error.image
        except tf.errors.ResourceExhaustedError:
            failure = "memory ran out: lower --max_dim"
            if not last:
                return _fail(failure, 1)
            image = last[0].image()
    try:
        _save_or_rescue(save, output, image)
        if values.history:
            history.save(values.history)
        if values.figure:
            from nst_tf.figures import save_run_figure

            save_run_figure(values.figure, fitted, styles, image, history.rows)
    except OSError as error:
        return _fail(str(error), 1)
    if failure:
        return _fail(f"{failure}; the last good picture is saved as {output}", 1)
    if stopper.signal:
        return _fail(
            f"stopped after step {len(history.rows)} of {settings.steps}: saved {output}",
            128 + stopper.signal,
        )
    if not quiet:
        print(f"Saved {output} after {duration(last[0].seconds)}")
    return 0


def _default_output(values: flags.FlagValues) -> str:
    return "-".join(Path(path).stem for path in (values.content, *values.style)) + ".png"


def _snapshot_dir(values: flags.FlagValues, output: Path) -> Path:
    return Path(values.snapshot_dir or output.with_name(f"{output.stem}-steps"))


def _check_files(values: flags.FlagValues, settings: Settings, output: Path) -> None:
    output_format(output)
    if values.figure and Path(values.figure).suffix.lower() not in FIGURES:
        raise ValueError(f"--figure {values.figure} must end in one of {' '.join(FIGURES)}")
    inputs = [values.content, *values.style]
    inputs += [settings.init] if settings.init not in INITS else []
    inputs += [settings.weights] if settings.weights not in ("bundled", "imagenet") else []
    outputs = [output, *(path for path in (values.history, values.figure) if path)]
    if values.snapshot_every:
        directory = _snapshot_dir(values, output)
        if directory.exists():
            check_writable(directory)
        else:
            check_writable(directory.parent)
    check_outputs(outputs, inputs)


def _save_or_rescue(save, output: Path, image: np.ndarray) -> None:
    """Save the picture; if the place has become unusable, save it where files can still go."""
    try:
        save(output, image)
    except OSError as error:
        rescued = Path(tempfile.mkdtemp(prefix="nst_tf-")) / f"{output.stem}.png"
        save(rescued, image)
        raise OSError(f"{error}; the picture is saved as {rescued}") from None


def _show_warning(message: Warning | str, *_: Any) -> None:
    print(f"nst_tf: {message}", file=sys.stderr)


def _fail(message: str, status: int) -> int:
    print(f"nst_tf: {message}", file=sys.stderr)
    return status


def console() -> None:
    """Entry point of `nst-tf`."""
    sys.exit(main(sys.argv))


if __name__ == "__main__":
    console()
