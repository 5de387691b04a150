"""The command line: flags to Settings, files to arrays, `stylize`, arrays to files."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from absl import flags

import nst_tf
from nst_tf.callbacks import Console, Snapshots, TensorBoard
from nst_tf.callbacks.console import duration
from nst_tf.cli.arguments import UsageError
from nst_tf.cli.flags import parse
from nst_tf.cli.help import ADVICE, help_screen, help_text
from nst_tf.cli.job import Job, Running, check, prepare
from nst_tf.cli.runtime import start_tensorflow
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import fail, run_program, say, warnings_on_stderr
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.progress import Callback

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
        job, device = ready(values, settings)
    except UsageError:
        raise
    except (OSError, ValueError, RuntimeError) as error:
        return fail(str(error), 1)
    return Run(job, device).run()


def ready(values: flags.FlagValues, settings: Settings) -> tuple[Job, str]:
    """Check all that can be checked, start TensorFlow, and return the run and its device in words.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        ValueError: pictures, masks, settings, outputs, device or memory do not agree.
        RuntimeError: Keras is not set up for this program.
    """
    checked = check(values, settings)
    pictures = values.content and values.style
    chosen = values["recipe"].present or values.from_image
    if pictures and not chosen and not values.quiet:
        say(ADVICE)
    device = start_tensorflow(values.device, values.deterministic)
    return prepare(checked), device


class Run(Running):
    """A run at the command line: it says how it goes, and can be stopped.

    Args:
        job: what to run.
        device: where TensorFlow runs, in words.
    """

    def __init__(self, job: Job, device: str) -> None:
        super().__init__(job)
        self.device = device

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
        return stopper.signal is not None and not self.has_ended()

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
        yield from self.recorders()
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
                f"{self.device} · {width}x{height} pixels · {job.weights.name} weights · "
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


def _saved(problems: list[str], path: Path | None) -> str:
    where = f"is saved as {path}" if path else "could not be saved"
    return f"{'; '.join(problems)}; the picture {where}"


def console() -> None:
    """Entry point of `nst-tf`."""
    run_program(main)


if __name__ == "__main__":
    console()
