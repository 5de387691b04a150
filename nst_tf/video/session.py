"""The run that paints one film: progress, interruptions and the final file."""

import functools
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING

from nst_tf.callbacks.pace import duration
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import print_error, print_out
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError
from nst_tf.video.bar import VideoBar
from nst_tf.video.flags import NOTHING
from nst_tf.video.job import VideoJob
from nst_tf.video.pipes import copy_to_stdout
from nst_tf.workers.outcome import RunJob

if TYPE_CHECKING:
    from nst_tf.video.frame import FrameInput
    from nst_tf.video.scenes import SceneStore
    from nst_tf.video.store import FrameStore


class VideoRun:
    """The run that paints one film.

    Args:
        job: the film.
        make_painter: makes the painter of a worker, from the film's identity, the worker's bytes
            of memory and its number of threads; `None` makes a `ScenePainter`.
        began: when the preparation began, as `time.monotonic` counts; `None`: now.

    Attributes:
        whole: whether all frames are painted.
        seconds: durations of preparation, painting and saving.
        problems: what went wrong, a clause each.
    """

    def __init__(
        self,
        job: VideoJob,
        make_painter: Callable[..., RunJob] | None = None,
        began: float | None = None,
    ) -> None:
        self.job = job
        self._make_painter = make_painter
        self.started = time.monotonic()
        self.whole = False
        self.seconds = {"preparation": self.started - (began or self.started)}
        self.problems: list[str] = []

    def run(self) -> int:
        """Paint the frames, write the film, and return the exit status."""
        store = self.job.store
        with Stopper(self.rescue) as stopper:
            problem = self.paint(stopper)
            painted = time.monotonic()
            stopper.run_ended()
            status = 128 + stopper.signal if stopper.signal is not None else 1
            if not store.painted:
                store.remove()
                return print_error(problem or NOTHING, status)
            failure = self.write()
        self.seconds["painting"] = painted - self.started
        self.seconds["saving"] = time.monotonic() - painted
        self.problems = [*filter(None, [problem, failure])]
        if problem or failure or not self.whole:
            return print_error(self.left(problem, failure), status)
        store.remove()
        if self.job.values.quiet:
            return 0
        took = duration(time.monotonic() - self.started)
        return print_out(f"Saved {self.job.place}, {counted(len(store), 'frame')}, after {took}")

    def paint(self, stopper: Stopper) -> str:
        """Paint the missing frames, and return what went wrong in words, or an empty string."""
        from nst_tf.video.scenes import SceneStore

        store = self.job.store
        try:
            with ExitStack() as closing:
                show = (lambda _: None) if self.job.values.quiet else self._bar(closing).show
                if isinstance(store, SceneStore):
                    self._paint_scenes(store, stopper, show)
                else:
                    self._paint_frames(store, stopper, show)
        except MemoryError:
            return "memory ran out: lower --max_dim or --style_scale"
        except (OSError, UserError) as error:
            return str(error)
        except Exception:  # a bug: save the frames, then show the traceback
            print_error(self.left("an error ended the painting", self.write()), 1)
            raise
        return ""

    def _paint_frames(
        self, store: "FrameStore", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.video.film import store_frames

        job, count, ended = self.job, store.begun.first, False

        def frames() -> "Iterator[tuple[int, FrameInput]]":
            nonlocal count, ended
            for frame in job.inputs.frame_inputs(skip=count):
                count += 1
                yield frame
            ended = True

        for _ in store_frames(job.painter, frames(), store, job.identity, stopper, job.plan):
            show(store.painted)
        self.whole = ended and len(store) == count

    def _paint_scenes(
        self, store: "SceneStore", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.video.workers import ScenePainter, paint_scenes

        make = functools.partial(self._make_painter or ScenePainter, self.job.identity)
        for outcome in paint_scenes(self.job, store, make, stopper, show):
            for text in outcome.warnings:
                warnings.warn(f"{outcome.job.place}: {text}")
            if outcome.status == "failed":
                print_error(f"{outcome.job.place}: {outcome.error}\n{outcome.details}".rstrip(), 1)
        self.whole = len(store) == store.total

    def _bar(self, closing: ExitStack) -> VideoBar:
        """Print the run's first lines and return its progress bar, which `closing` closes."""
        job, done, total = self.job, self.job.store.painted, self.job.total
        height, width = job.inputs.size
        rows, columns = job.inputs.network_size
        network = f", the network at {columns}x{rows}" if columns < width else ""
        frames = counted(total, "frame") if total else ""
        print_out(f"{job.device} · {width}x{height} pixels{network} · {frames}")
        if done:
            behind = done - len(job.store)
            also = f", with {counted(behind, 'later frame')}" if behind else ""
            print_out(f"Resuming after frame {len(job.store)}{also}")
        bar = VideoBar(sys.stdout, total, done, span=job.plan.every)
        closing.callback(bar.close)
        return bar

    def write(self) -> str:
        """Write the painted frames as a film, if any, and return what went wrong in words."""
        from nst_tf.video.writer import write_video

        job, inputs = self.job, self.job.inputs
        if not len(job.store):
            return ""
        until = None
        if inputs.seconds or not self.whole:  # the sound ends with the last frame
            until = job.store.times[-1] * inputs.footage.time_base
            until += Fraction(inputs.every) / inputs.footage.rate
        try:
            write_video(job.output, inputs.footage, job.store, job.encoding, until, inputs.every)
            if job.piped:
                copy_to_stdout(job.output)
        except (OSError, UserError) as error:
            return str(error)
        return ""

    def rescue(self) -> None:
        """Write the painted frames as a film while another frame may be in progress."""
        print_error(self.left("", self.write()) if self.job.store.painted else NOTHING, 1)

    def left(self, problem: str, failure: str) -> str:
        """Return in words why the run ended, and what is saved.

        `problem` is what went wrong with painting, and `failure` with writing, or empty strings.
        """
        store, total = self.job.store, self.job.total
        of = f" of {total}" if total else ""
        words = [] if self.whole else [f"stopped after frame {len(store)}{of}"]
        if behind := store.painted - len(store):  # only of an unfinished film
            words[0] += f", with {counted(behind, 'later frame')}"
        words += filter(None, [problem, failure])
        if len(store) and not failure:
            words.append(f"the film so far is saved as {self.job.place}")
        if not self.job.piped:
            words.append("the same command with --resume continues")
        return "; ".join(words)
