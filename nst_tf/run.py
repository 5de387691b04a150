"""The command line: flags to Settings, files to arrays, `stylize`, arrays to files."""

import io
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

import nst_tf
from nst_tf.callbacks.console import Console, History, Snapshots, duration
from nst_tf.cli.flags import UsageError, help_text, parse
from nst_tf.cli.inputs import input_paths, load_inputs
from nst_tf.cli.provenance import record
from nst_tf.cli.runtime import Stopper, start_tensorflow
from nst_tf.files import check_outputs, check_writable
from nst_tf.images.io import check_output_size, output_format, save_image
from nst_tf.images.masks import count_masks, coverage
from nst_tf.images.resize import resize
from nst_tf.network.weights import load_weights
from nst_tf.schedule import plan_scales
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.memory.plan import Plan
    from nst_tf.progress import Callback, Progress

FIGURES = (".png", ".pdf", ".svg")


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished picture, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    run that was stopped, whose picture is saved all the same.
    """
    try:
        values, settings = parse(argv)
        if values.help:
            print(help_text())
        elif values.version:
            print(f"nst_tf {nst_tf.__version__}")
        else:
            with _warnings_on_stderr():
                return Run(values, settings).run()
        return 0
    except UsageError as error:
        return _fail(f"{error} (--help lists the flags)", 2)
    except KeyboardInterrupt:
        return _fail("interrupted before the first step: there is nothing to save", 130)


class Run:
    """One invocation: what the flags ask for, and what has been made of it so far."""

    def __init__(self, values: flags.FlagValues, settings: Settings) -> None:
        self.values = values
        self.settings = settings
        self.style_paths: list[str] = values.style or []
        self.output = Path(values.output or self.default_name())
        self.snapshots = Path(
            values.snapshot_dir or self.output.parent / f"{self.output.stem}-steps"
        )
        self.history = History()
        self.closing = ExitStack()
        self.latest: Progress | None = None

    def default_name(self) -> str:
        """Return the name of a result for which none is given."""
        given = [path for path in (self.values.content, *self.style_paths) if path]
        stems = [Path(path).stem for path in given]
        if not self.values.content:
            stems.append("texture")
        elif not self.style_paths:
            stems.append("reconstruction")
        return "-".join(stems) + ".png"

    def run(self) -> int:
        """Check all that can be checked, make the picture and save it; returns the status."""
        try:
            self.check_files()
            self.inputs = load_inputs(self.values, self.settings)
            check_output_size(self.output, *self.inputs.size)
            if self.settings.weights != "imagenet":  # which TensorFlow may have to download
                load_weights(self.settings.weights)
            self.device = start_tensorflow(self.values.device, self.values.deterministic)
            from nst_tf.network.model import check_keras

            check_keras()
            self.weights = load_weights(self.settings.weights)
            self.plan = self.plan_memory()
            if self.values.snapshot_every:
                self.snapshots.mkdir(exist_ok=True)
        except (OSError, ValueError, RuntimeError) as error:
            return _fail(str(error), 1)

        with Stopper() as stopper:
            with self.closing:
                image, problem = self.stylize(stopper)
            if self.latest is None:
                return _fail(problem, 1)
            problems = [problem] if problem else []
            saved = self.save_all(image, problems)
        if stopper.signal is not None:
            problems.append(f"stopped after step {self.latest.step} of {self.latest.steps}")
        if problems:
            status = 128 + stopper.signal if stopper.signal is not None else 1
            return _fail(f"{'; '.join(problems)}; the picture is saved as {saved}", status)
        if not self.values.quiet:
            with suppress(OSError):  # a closed pipe
                print(f"Saved {saved} after {self.ending()}", flush=True)
        return 0

    def ending(self) -> str:
        """Return in words how long the run took and why it ended before its last step, if so."""
        latest, settings = self.latest, self.settings
        assert latest
        words = duration(latest.seconds)
        if latest.scale_step == latest.scale.steps:
            return words
        if 0 < settings.time_limit <= latest.seconds:
            return f"{words}, the time limit, at step {latest.step}"
        improves = "pays" if settings.min_gain else "improves it"
        return f"{words}, at step {latest.step}: no further step {improves}"

    def check_files(self) -> None:
        """Refuse outputs that cannot be written or would destroy an input."""
        values, settings = self.values, self.settings
        output_format(self.output)
        if values.figure and Path(values.figure).suffix.lower() not in FIGURES:
            raise ValueError(f"--figure {values.figure} must end in one of {' '.join(FIGURES)}")
        inputs = input_paths(values, settings)
        check_outputs([self.output, *filter(None, (values.history, values.figure))], inputs)
        if values.snapshot_every:
            if self.snapshots.exists() and not self.snapshots.is_dir():
                raise NotADirectoryError(f"{self.snapshots} is a file: name another --snapshot_dir")
            check_writable(self.snapshots if self.snapshots.exists() else self.snapshots.parent)
            for path in (self.output, *map(Path, inputs)):
                if Snapshots.NAME.fullmatch(path.name) and (
                    path.parent.resolve() == self.snapshots.resolve()
                ):
                    raise ValueError(
                        f"a snapshot may overwrite {path}: name another --snapshot_dir"
                    )

    def stylize(self, stopper: Stopper) -> tuple[np.ndarray, str]:
        """Return the picture, or the last good one and what went wrong."""
        from nst_tf.progress import NonFiniteLossError
        from nst_tf.transfer import stylize, tf

        try:
            image = stylize(
                self.inputs.content.pixels,
                self.inputs.styles,
                self.settings,
                initial=self.inputs.initial,
                regions=self.inputs.regions,
                callbacks=[*self.callbacks(), stopper],
            )
        except NonFiniteLossError as error:
            return error.image, str(error)
        except tf.errors.ResourceExhaustedError:
            image = self.latest.image() if self.latest else self.inputs.content.pixels
            other = " or set --optimizer=adam" if self.settings.optimizer == "lbfgs" else ""
            return image, f"memory ran out: lower --max_dim or --style_scale{other}"
        except BaseException as error:
            if isinstance(error, ValueError) and not self.latest:  # less memory than at the check
                return self.inputs.content.pixels, str(error)
            # A bug: its traceback follows, but what has been made is kept.
            if self.latest:
                saved = self.save_all(self.latest.image(), [])
                _fail(f"an error ended the run; the picture is saved as {saved}", 1)
            raise
        return image, ""

    def callbacks(self) -> "Iterator[Callback]":
        """Yield what is to see every step."""
        yield self.history
        yield self.remember
        if self.values.snapshot_every:
            yield Snapshots(self.values.snapshot_every, self.snapshots, self.save_snapshot)
        if not self.values.quiet:
            height, width = self.inputs.size
            headline = (
                f"{self.device} · {width}x{height} pixels · {self.weights.name} weights · "
                f"{self.plan.words(self.settings)}"
            )
            settings = self.settings
            console = Console(
                headline,
                settings.steps_per_epoch,
                sys.stdout,
                settings.time_limit,
                may_end=settings.min_gain > 0,
            )
            self.closing.callback(console.close)
            yield console

    def plan_memory(self) -> "Plan":
        """Choose how to run at the finest scale; errors as for `memory.plan_memory`."""
        from nst_tf.memory.plan import plan_memory

        inputs = self.inputs
        scales = plan_scales(self.settings, inputs.size, inputs.style_sizes)
        plans = plan_memory(self.settings, scales, inputs.style_sizes, count_masks(inputs.regions))
        return plans[-1]._replace(peak=max(plan.peak for plan in plans))

    def remember(self, progress: "Progress") -> None:
        """Keep the latest step at hand."""
        self.latest = progress

    def save(self, path: Path, image: np.ndarray) -> None:
        """Write a picture, of any scale, at the size of the result, with what it was made from."""
        photo = self.inputs.content.pixels
        if image.shape != photo.shape:
            image = resize(image, self.inputs.size)
            covered = coverage(self.inputs.regions)
            if covered is not None:  # what stays has not been enlarged
                image = np.where(covered[None, :, :, None] > 0, image, photo)
        save_image(
            path,
            image,
            alpha=self.inputs.content.alpha,
            tagged=self.inputs.content.tagged,
            metadata=record(
                self.values, self.settings, self.weights, self.plan, len(self.history.rows)
            ),
        )

    def save_snapshot(self, path: Path, image: np.ndarray) -> None:
        """Write a snapshot; a run does not end because one cannot be written."""
        try:
            self.save(path, image)
        except OSError as error:
            warnings.warn(str(error))

    def save_all(self, image: np.ndarray, problems: list[str]) -> Path:
        """Write every output that can be written, add to `problems`, return where the picture is.

        If its place has become unusable, the picture goes to the directory for temporary files.
        """
        saved = self.output
        try:
            self.save(saved, image)
        except (OSError, ValueError) as error:
            problems.append(str(error))
            saved = Path(tempfile.mkdtemp(prefix="nst_tf-")) / "picture.png"
            self.save(saved, image)
        for path, write in (
            (self.values.history, self.history.save),
            (self.values.figure, lambda path: self.save_figure(path, image)),
        ):
            try:
                if path:
                    write(path)
            except (OSError, ValueError) as error:
                problems.append(str(error))
        return saved

    def save_figure(self, path: str, image: np.ndarray) -> None:
        """Draw the pictures that were given, the result and the losses."""
        from nst_tf.callbacks.figures import save_run_figure

        content = [self.inputs.content.pixels] if self.values.content else []
        styles = self.inputs.styles if self.style_paths else []
        save_run_figure(path, content, styles, image, self.history.rows)


@contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print(f"nst_tf: warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def _fail(message: str, status: int) -> int:
    print(f"nst_tf: {message}", file=sys.stderr)
    return status


def console() -> None:
    """Entry point of `nst-tf`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our characters
    status = main(sys.argv)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads any more; Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


if __name__ == "__main__":
    console()
