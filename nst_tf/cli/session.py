"""A run at the command line or of the page: its callbacks, its end, its results."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst_tf.callbacks import Console, Snapshots, TensorBoard
from nst_tf.callbacks.pace import duration
from nst_tf.cli.help import advice
from nst_tf.cli.job import Job, RunContext, check, prepare
from nst_tf.cli.request import Request
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import NOTHING_TO_SAVE, print_error, print_out
from nst_tf.compute.device import start_tensorflow
from nst_tf.utils.describe import counted
from nst_tf.utils.stop import StopRequest

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Callback


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        saved: path of the picture, or `None`.
        problems: what went wrong, a clause each.
        stopped: whether the run was stopped before its end; it can be resumed if it keeps a
            checkpoint.
        words: how long the run took and why it ended.
        seconds: duration of writing the outputs.
    """

    saved: Path | None
    problems: list[str]
    stopped: bool
    words: str
    seconds: float = 0.0

    def __str__(self) -> str:
        if not self.problems:
            return f"Saved {self.saved} after {self.words}"
        where = f"is saved as {self.saved}" if self.saved else "could not be saved"
        return f"{'; '.join(self.problems)}; the picture {where}"


class PictureRun(RunContext):
    """A run at the command line or of the page: it reports its progress and can be stopped.

    Attributes:
        preparation: seconds between `began`, of `time.monotonic`, and now.
        outcome: of the ended run.
    """

    def __init__(
        self,
        job: Job,
        device: str,
        watchers: "Sequence[Callback]" = (),
        began: float | None = None,
    ) -> None:
        super().__init__(job)
        self.device = device
        self.watchers = watchers
        self.preparation = 0.0 if began is None else time.monotonic() - began
        self.outcome: Outcome | None = None

    def run(self) -> int:
        """Paint until the picture is done or a signal arrives, and return the exit status."""
        with Stopper(self.rescue) as stopper:
            outcome = self.outcome = self.finish(stopper)
        if self.latest is None:
            return print_error("; ".join(outcome.problems), 1)
        if outcome.problems:
            status = 128 + stopper.signal if stopper.signal is not None else 1
            return print_error(str(outcome), status)
        if not self.job.request.quiet:
            print_out(str(outcome))
        return 0

    def finish(self, stop: StopRequest) -> Outcome:
        """Paint the picture and save it; of a run that ends early, save the latest picture."""
        image, problem = self.stylize(stop)
        stop.run_ended()
        if self.latest is None:
            return Outcome(None, [problem], False, "")
        outcome = self.save(image, problem, stopped=stop.requested and not self.has_ended())
        if self.checkpoint:
            if outcome.problems:
                self.checkpoint.save()
            else:
                self.checkpoint.remove()
        return outcome

    def save(self, image: np.ndarray, problem: str = "", stopped: bool = False) -> Outcome:
        """Write all outputs, with an image of any scale, float32 `[1, h, w, 3]` in [0, 1]."""
        began = time.monotonic()
        saved, problems = self.outputs.save_all(image)
        clauses = [problem, *problems, self.stopped() if stopped else ""]
        seconds = time.monotonic() - began
        return Outcome(saved, [*filter(None, clauses)], stopped, self.ending(), seconds)

    def rescue(self) -> None:
        """Save the picture of the latest step while the next one may be under way."""
        if self.latest is None:
            print_error(NOTHING_TO_SAVE, 1)
            return
        print_error(str(self.save(self.picture(), stopped=True)), 1)

    def stopped(self) -> str:
        """Return the clause that reports a stop and how to resume."""
        assert self.latest
        words = f"stopped after step {self.latest.step} of {self.latest.steps}"
        if self.strokes_begun():
            words = "stopped before the brushstrokes were done, so the picture is the network's"
        resumes = self.checkpoint and not self.job.starts_at_network
        return words + "; the same command resumes the run" * bool(resumes)

    def ending(self) -> str:
        """Return how long the run took and, if it ended early, why."""
        assert self.latest
        words, step = duration(self.latest.seconds), self.latest.state.step
        reason = self.job.transfer.ending(self.latest)
        if reason == "time limit":
            return f"{words}, the time limit, at step {step}"
        if reason == "no gain":
            why = " (improvement below --min_gain)" * bool(self.job.settings.min_gain)
            return f"{words}, at step {step}: converged{why}"
        return words

    def stylize(self, stop: StopRequest) -> tuple[np.ndarray, str]:
        """Return the picture and an empty text, or the last good picture and what went wrong."""
        from nst_tf.transfer.progress import DivergedError

        settings, photo = self.job.settings, self.job.inputs.fitted.content
        try:
            with ExitStack() as closing:
                state = self.job.saved.state if self.job.saved else None
                image = self.job.transfer.finish([*self.callbacks(closing), stop], state)
        except DivergedError as error:
            return error.image, str(error)
        except MemoryError:
            image = self.picture() if self.latest else photo
            other = " or set --optimizer=adam" if settings.optimizer == "lbfgs" else ""
            return image, f"memory ran out: lower --max_dim or --style_scale{other}"
        except BaseException:
            if self.latest:  # this is a bug: keep the picture, then show the traceback
                stop.run_ended()
                outcome = self.save(self.picture(), "an error ended the run")
                print_error(str(outcome), 1)
            raise
        return image, ""

    def callbacks(self, closing: ExitStack) -> "Iterator[Callback]":
        """Yield the callbacks; those that must be closed are registered with `closing`."""
        job, settings = self.job, self.job.settings
        yield from self.recorders()
        if self.outputs.timelapse:
            yield self.outputs.timelapse
        if job.paths.tensorboard:
            tensorboard = TensorBoard(job.paths.tensorboard, settings)
            closing.callback(tensorboard.close)
            yield tensorboard
        if job.paths.snapshots:
            every = job.request.snapshot_every
            yield Snapshots(every, job.paths.snapshots, self.outputs.save_snapshot)
        if self.latest and not job.request.quiet:
            if job.starts_at_network:
                print_out(f"Repainting {job.paths.network}")
            else:
                print_out(f"Resuming after step {self.latest.step} of {self.latest.steps}")
        if not job.request.quiet and not settings.recolor:
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
        """Return the line that names device, size, weights and memory."""
        job = self.job
        height, width = job.inputs.fitted.size
        if job.weights is None:
            return f"{self.device} · {width}x{height} pixels"
        peak = max(job.inputs.peak, job.transfer.peak)
        plan = job.transfer.plans[-1]._replace(peak=peak)
        return (
            f"{self.device} · {width}x{height} pixels · {job.weights.name} weights · "
            f"{plan.describe(job.settings)}"
        )


SEVERAL = 3  # paintings that suggest a pattern such as photos/*.jpg, meant as several photos


def ready(request: Request) -> tuple[Job, str]:
    """Check all that can be checked, start TensorFlow, and return the run and its device in words.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        UserError: pictures, masks, settings, outputs, device or memory do not agree.
    """
    checked = check(request)
    if not request.quiet:
        chosen = request.recipe_given or request.from_image or checked.settings.recolor
        if request.content and request.style and not chosen:
            print_out(advice(checked.settings.finest_steps))
        if request.content and len(request.style) > 1:
            print_out(blending(request.content, len(request.style)))
        if faces := checked.inputs.fitted.faces:
            print_out(kept(len(faces)))
        for path, paint in zip(request.style, checked.inputs.fitted.paint, strict=False):
            if paint.cropped:
                print_out(f"{path}: its border gives no brushstrokes")
    if checked.settings.recolor:
        return prepare(checked), "no network"
    device = start_tensorflow(request.device, request.deterministic)
    return prepare(checked), device


def kept(faces: int) -> str:
    """Return the line that reports the faces that are kept."""
    them = "them" if faces > 1 else "it"
    return f"{counted(faces, 'face')} kept: --no_keep_faces paints {them} like the rest"


def blending(photo: str, paintings: int) -> str:
    """Return the line that tells the photo from its paintings."""
    words = f"Photo {photo}, blended from {paintings} paintings"
    return words + "; nst-tf-batch paints several photos" * (paintings >= SEVERAL)
