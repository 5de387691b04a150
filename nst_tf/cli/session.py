"""A run at the command line or of the page: callbacks, stops, results."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from absl import flags

from nst_tf.callbacks import Console, Snapshots, TensorBoard
from nst_tf.callbacks.pace import duration
from nst_tf.cli.help import ADVICE
from nst_tf.cli.job import Job, Running, check, prepare
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import NOTHING_TO_SAVE, print_error, print_out
from nst_tf.compute.device import start_tensorflow
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Callback, Progress


class Stop(Protocol):
    """A callback that ends a run before its end.

    Attributes:
        signal: number of the signal that asked for that, or None while nobody has.
    """

    signal: int | None

    def __call__(self, progress: "Progress", /) -> bool:
        """Return whether somebody has asked for the end."""

    def run_ended(self) -> None:
        """Take no further requests: the picture is being saved."""


@dataclass(frozen=True)
class Outcome:
    """What a run has come to.

    Attributes:
        saved: where the picture is, or None.
        problems: what went wrong, in words.
        stopped: whether the run was ended before its end; it can go on if it keeps a checkpoint.
        words: how long it took and why it ended.
    """

    saved: Path | None
    problems: list[str]
    stopped: bool
    words: str

    def __str__(self) -> str:
        if not self.problems:
            return f"Saved {self.saved} after {self.words}"
        where = f"is saved as {self.saved}" if self.saved else "could not be saved"
        return f"{'; '.join(self.problems)}; the picture {where}"


class Run(Running):
    """A run at the command line or of the page: it says how it goes, and can be stopped.

    Args:
        job: what to run.
        device: where TensorFlow runs, in words.
        watchers: further callbacks.
    """

    def __init__(self, job: Job, device: str, watchers: "Sequence[Callback]" = ()) -> None:
        super().__init__(job)
        self.device = device
        self.watchers = watchers

    def run(self) -> int:
        """Make the picture until it is done or a signal comes, and return the exit status."""
        with Stopper(self.rescue) as stopper:
            outcome = self.finish(stopper)
        if self.latest is None:
            return print_error("; ".join(outcome.problems), 1)
        if outcome.problems:
            status = 128 + stopper.signal if stopper.signal is not None else 1
            return print_error(str(outcome), status)
        if not self.job.values.quiet:
            print_out(str(outcome))
        return 0

    def finish(self, stop: Stop) -> Outcome:
        """Make the picture and save it, or what there is of it."""
        image, problem = self.stylize(stop)
        stop.run_ended()
        if self.latest is None:
            return Outcome(None, [problem], False, "")
        saved, problems = self.outputs.save_all(image)
        problems = [*filter(None, [problem]), *problems]
        stopped = self.interrupted(stop)
        if self.checkpoint:
            if problems or stopped:
                self.checkpoint.save()
            else:
                self.checkpoint.remove()
        if stopped:
            problems.append(self.stopped())
        return Outcome(saved, problems, stopped, self.ending())

    def interrupted(self, stop: Stop) -> bool:
        """Return whether somebody has ended the run before its end."""
        return stop.signal is not None and not self.has_ended()

    def rescue(self) -> None:
        """Save the picture of the latest step while the next one may be under way."""
        if self.latest is None:
            print_error(NOTHING_TO_SAVE, 1)
            return
        saved, problems = self.outputs.save_all(self.latest.image())
        print_error(str(Outcome(saved, [*problems, self.stopped()], True, "")), 1)

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

    def stylize(self, stop: Stop) -> tuple[np.ndarray, str]:
        """Return the picture, or the last good one and what went wrong."""
        from nst_tf.transfer.progress import DivergedError

        settings, photo = self.job.settings, self.job.inputs.fitted.content
        try:
            with ExitStack() as closing:
                state = self.job.saved.state if self.job.saved else None
                image = self.job.transfer.finish([*self.callbacks(closing), stop], state)
        except DivergedError as error:
            return error.image, str(error)
        except MemoryError:
            image = self.latest.image() if self.latest else photo
            other = " or set --optimizer=adam" if settings.optimizer == "lbfgs" else ""
            return image, f"memory ran out: lower --max_dim or --style_scale{other}"
        except BaseException:
            if self.latest:  # this is a bug: keep the picture, then show the traceback
                stop.run_ended()
                saved, problems = self.outputs.save_all(self.latest.image())
                print_error(
                    str(Outcome(saved, ["an error ended the run", *problems], False, "")), 1
                )
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
            print_out(f"Going on after step {self.latest.step} of {self.latest.steps}")
        if not job.values.quiet:
            console = Console(
                self.headline(),
                settings.steps_per_epoch,
                sys.stdout,
                settings.time_limit,
                may_end=settings.min_gain > 0,
            )
            closing.callback(console.close)
            yield console
        yield from self.watchers

    def headline(self) -> str:
        """Return device, size, weights and memory in words."""
        job = self.job
        height, width = job.inputs.fitted.size
        peak = max(job.inputs.peak, *(plan.peak for plan in job.transfer.plans))
        plan = job.transfer.plans[-1]._replace(peak=peak)
        return (
            f"{self.device} · {width}x{height} pixels · {job.weights.name} weights · "
            f"{plan.describe(job.settings)}"
        )


SEVERAL = 3  # paintings from which a pattern such as photos/*.jpg may have been meant


def ready(values: flags.FlagValues, settings: Settings) -> tuple[Job, str]:
    """Check all that can be checked, start TensorFlow, and return the run and its device in words.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        UserError: pictures, masks, settings, outputs, device or memory do not agree.
    """
    checked = check(values, settings)
    pictures = values.content and values.style
    chosen = values["recipe"].present or values.from_image
    if values.content and len(values.style or ()) > 1 and not values.quiet:
        print_out(blending(values.content, len(values.style)))
    if pictures and not chosen and not values.quiet:
        print_out(ADVICE)
    device = start_tensorflow(values.device, values.deterministic)
    return prepare(checked), device


def blending(photo: str, paintings: int) -> str:
    """Return in words that the first picture is the photo, and the others its paintings."""
    words = f"Photo {photo}, blended from {paintings} paintings"
    return words + "; nst-tf-batch paints several photos" * (paintings >= SEVERAL)
