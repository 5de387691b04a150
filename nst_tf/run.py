"""The command line: flags to Settings, files to arrays, `stylize`, arrays to files."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from absl import flags

import nst_tf
from nst_tf.callbacks import Checkpoint, Console, Snapshots, TensorBoard
from nst_tf.callbacks.console import duration
from nst_tf.cli.arguments import UsageError
from nst_tf.cli.flags import parse
from nst_tf.cli.help import ADVICE, help_screen, help_text
from nst_tf.cli.inputs import Inputs, input_paths, load_inputs
from nst_tf.cli.outputs import OutputPaths, Outputs
from nst_tf.cli.provenance import run_metadata
from nst_tf.cli.runtime import start_tensorflow
from nst_tf.cli.signals import Stopper
from nst_tf.cli.speech import end, fail, say, warnings_on_stderr
from nst_tf.images.save import check_output_size
from nst_tf.network.weights import Weights, load_weights
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.progress import Callback, Progress
    from nst_tf.state import SavedRun
    from nst_tf.transfer import StyleTransfer

NOTHING_TO_SAVE = "stopped before the first step: there is nothing to save"


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished picture, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    run that was stopped, whose picture is saved all the same.
    """
    try:
        with warnings_on_stderr():
            return _main(argv)
    except UsageError as error:
        return fail(f"{error} (--help tells how to start)", 2)
    except KeyboardInterrupt:
        return fail(NOTHING_TO_SAVE, 130)


def _main(argv: list[str]) -> int:
    try:
        values, settings = parse(argv)
        if values.help:
            return say(help_screen())
        if values.helpfull:
            return say(help_text(settings))
        if values.version:
            return say(f"nst_tf {nst_tf.__version__}")
        job = prepare(values, settings)
    except UsageError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        return fail(str(error), 1)
    return Run(job).run()


@dataclass(frozen=True)
class Job:
    """All that a run needs, checked.

    Attributes:
        values: the flags.
        settings: the settings that they amount to.
        paths: where to write.
        inputs: the pictures.
        device: where TensorFlow runs, in words.
        weights: the network's parameters.
        transfer: the run itself, ready to go.
        saved: the run that it goes on with, or None.
        metadata: what the picture carries, as far as it is known before the run.
    """

    values: flags.FlagValues
    settings: Settings
    paths: OutputPaths
    inputs: Inputs
    device: str
    weights: Weights
    transfer: "StyleTransfer"
    saved: "SavedRun | None"
    metadata: dict[str, Any]


def prepare(values: flags.FlagValues, settings: Settings) -> Job:
    """Read the inputs, check all that can be checked, and start TensorFlow.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        ValueError: pictures, masks, settings, outputs, device or memory do not agree.
        RuntimeError: Keras is not set up for this program.
    """
    paths = OutputPaths.of(values)
    paths.check(input_paths(values, settings))
    inputs = load_inputs(values, settings)
    settings = inputs.fitted.settings
    check_output_size(paths.picture, *inputs.fitted.size)
    if settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(settings.weights)
    pictures = values.content and values.style
    chosen = values["recipe"].present or values.from_image
    if pictures and not chosen and not values.quiet:
        say(ADVICE)
    device = start_tensorflow(values.device, values.deterministic)
    from nst_tf.network.model import check_keras
    from nst_tf.transfer import StyleTransfer

    check_keras()
    weights = load_weights(settings.weights)
    transfer = StyleTransfer(inputs.fitted)
    saved = _saved_run(paths.checkpoint, transfer, values.resume_anyway)
    metadata = run_metadata(values, settings, weights, transfer.plans[-1].precision)
    if paths.snapshots:
        paths.snapshots.mkdir(exist_ok=True)
    return Job(values, settings, paths, inputs, device, weights, transfer, saved, metadata)


def _saved_run(path: Path | None, transfer: "StyleTransfer", anyway: bool) -> "SavedRun | None":
    """Return the run that a checkpoint holds, if there is one, after making it fit."""
    if path is None or not path.exists():
        return None
    from nst_tf.checkpoint import load_checkpoint

    saved = load_checkpoint(path)
    try:
        transfer.restore(saved, anyway)
    except ValueError as error:
        remedy = "" if anyway else "repeat that run's command, add --resume_anyway, or "
        raise ValueError(f"{path}: {error}; {remedy}delete it to start again") from None
    return saved


class Run:
    """One run of a job, and what it has reached.

    Attributes:
        latest: the latest step, or None.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.latest: Progress | None = None
        self.checkpoint: Checkpoint | None = None
        fitted = job.inputs.fitted
        self.outputs = Outputs(
            job.paths,
            job.inputs,
            [fitted.content] if job.values.content else [],
            fitted.styles if job.values.style else [],
            self.metadata,
            job.values.history_layers,
        )
        if job.saved:
            self.latest = job.transfer.progress(job.saved.state, {})
            if isinstance(job.saved.notes, list):
                self.outputs.history.rows += job.saved.notes
        if job.paths.checkpoint:
            rows = self.outputs.history.rows
            every = job.values.checkpoint_every
            self.checkpoint = Checkpoint(job.paths.checkpoint, every, lambda: rows)

    def run(self) -> int:
        """Make the picture, save it, and return the exit status."""
        with Stopper(self.rescue) as stopper:
            image, problem = self.stylize(stopper)
            stopper.run_ended()
            if self.latest is None:
                return fail(problem, 1)
            saved, problems = self.outputs.save_all(image)
            problems = [*filter(None, [problem]), *problems]
            if self.checkpoint:
                if problems or self.interrupted(stopper):
                    self.checkpoint.save()
                else:
                    self.checkpoint.remove()
        if self.interrupted(stopper):
            problems.append(self.stopped())
        if problems:
            status = 128 + stopper.signal if stopper.signal is not None else 1
            return fail(_saved(problems, saved), status)
        if not self.job.values.quiet:
            say(f"Saved {saved} after {self.ending()}")
        return 0

    def interrupted(self, stopper: Stopper) -> bool:
        """Return whether a signal has ended the run before its end."""
        assert self.latest
        return stopper.signal is not None and self.job.transfer.ending(self.latest.state) is None

    def rescue(self) -> None:
        """Save the picture of the latest step while the next one may be under way."""
        if self.latest is None:
            fail(NOTHING_TO_SAVE, 1)
            return
        saved, problems = self.outputs.save_all(self.latest.image())
        fail(_saved([*problems, self.stopped()], saved), 1)

    def stopped(self) -> str:
        """Return in words when a signal ended the run."""
        assert self.latest
        words = f"stopped after step {self.latest.step} of {self.latest.steps}"
        return words + "; the same command goes on from there" * bool(self.checkpoint)

    def ending(self) -> str:
        """Return in words how long the run took and, if it ended early, why."""
        latest, settings = self.latest, self.job.settings
        assert latest
        words = duration(latest.seconds)
        if latest.scale_step == latest.scale.steps:
            return words
        if 0 < settings.time_limit <= latest.seconds:
            return f"{words}, the time limit, at step {latest.step}"
        why = "further steps gain too little" if settings.min_gain else "no further step gains"
        return f"{words}, at step {latest.step}: {why}"

    def stylize(self, stopper: Stopper) -> tuple[np.ndarray, str]:
        """Return the picture, or the last good one and what went wrong."""
        from nst_tf.progress import AstrayError

        settings, photo = self.job.settings, self.job.inputs.fitted.content
        try:
            with ExitStack() as closing:
                state = self.job.saved.state if self.job.saved else None
                image = self.job.transfer.finish([*self.callbacks(closing), stopper], state)
        except AstrayError as error:
            return error.image, str(error)
        except MemoryError:
            image = self.latest.image() if self.latest else photo
            other = " or set --optimizer=adam" if settings.optimizer == "lbfgs" else ""
            return image, f"memory ran out: lower --max_dim or --style_scale{other}"
        except BaseException:
            if self.latest:  # this is a bug: keep the picture, then show the traceback
                stopper.run_ended()
                saved, problems = self.outputs.save_all(self.latest.image())
                fail(_saved(["an error ended the run", *problems], saved), 1)
            raise
        return image, ""

    def callbacks(self, closing: ExitStack) -> "Iterator[Callback]":
        """Yield what is called with every step; `closing` closes what must be closed."""
        job, settings = self.job, self.job.settings
        yield self.outputs.history
        yield self.remember
        if self.checkpoint:
            yield self.checkpoint
        if self.outputs.timelapse:
            yield self.outputs.timelapse
        if job.paths.tensorboard:
            tensorboard = TensorBoard(job.paths.tensorboard, settings)
            closing.callback(tensorboard.close)
            yield tensorboard
        if job.paths.snapshots:
            every = job.values.snapshot_every
            yield Snapshots(every, job.paths.snapshots, self.outputs.save_snapshot)
        if self.latest and not job.values.quiet:
            say(f"Going on after step {self.latest.step} of {self.latest.steps}")
        if not job.values.quiet:
            height, width = job.inputs.fitted.size
            peak = max(plan.peak for plan in job.transfer.plans)
            plan = job.transfer.plans[-1]._replace(peak=peak)
            headline = (
                f"{job.device} · {width}x{height} pixels · {job.weights.name} weights · "
                f"{plan.describe(settings)}"
            )
            console = Console(
                headline,
                settings.steps_per_epoch,
                sys.stdout,
                settings.time_limit,
                may_end=settings.min_gain > 0,
            )
            closing.callback(console.close)
            yield console

    def remember(self, progress: "Progress") -> None:
        """Keep the latest step at hand."""
        self.latest = progress

    def metadata(self) -> dict[str, Any]:
        """Return what the picture of the latest step carries: the plan is the one in force."""
        assert self.latest
        return self.job.metadata | {
            "steps": self.latest.step,
            "plan": self.latest.state.plan.record(),
        }


def _saved(problems: list[str], path: Path | None) -> str:
    where = f"is saved as {path}" if path else "could not be saved"
    return f"{'; '.join(problems)}; the picture {where}"


def console() -> None:
    """Entry point of `nst-tf`."""
    end(main)


if __name__ == "__main__":
    console()
