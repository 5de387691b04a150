"""The painting of one film: its frames, its stops, its end."""

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
from nst_tf.video.bar import FilmBar
from nst_tf.video.flags import NOTHING
from nst_tf.video.job import Job

if TYPE_CHECKING:
    from nst_tf.video.keep import KeptFrames
    from nst_tf.video.scenes import KeptScenes
    from nst_tf.video.shot import Shot


class Run:
    """The painting of one film.

    Attributes:
        whole: whether all frames are painted.
        began: when, by the clock of `time.monotonic`.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.began = time.monotonic()
        self.whole = False

    def run(self) -> int:
        """Paint the frames, write the film, and return the exit status."""
        kept = self.job.kept
        with Stopper(self.rescue) as stopper:
            problem = self.paint(stopper)
            stopper.run_ended()
            status = 128 + stopper.signal if stopper.signal is not None else 1
            if not kept.painted:
                kept.remove()
                return print_error(problem or NOTHING, status)
            failure = self.write()
        if problem or failure or not self.whole:
            return print_error(self.left(problem, failure), status)
        kept.remove()
        if self.job.values.quiet:
            return 0
        took = duration(time.monotonic() - self.began)
        return print_out(f"Saved {self.job.output}, {counted(len(kept), 'frame')}, after {took}")

    def paint(self, stopper: Stopper) -> str:
        """Paint what is not painted yet, and return what went wrong, in words."""
        from nst_tf.video.scenes import KeptScenes

        kept = self.job.kept
        try:
            with ExitStack() as closing:
                show = (lambda _: None) if self.job.values.quiet else self._bar(closing).show
                if isinstance(kept, KeptScenes):
                    self._paint_scenes(kept, stopper, show)
                else:
                    self._paint_frames(kept, stopper, show)
        except MemoryError:
            return "memory ran out: lower --max_dim or --style_scale"
        except (OSError, UserError) as error:
            return str(error)
        except Exception:  # this is a bug: keep the frames, then show the traceback
            print_error(self.left("an error ended the painting", self.write()), 1)
            raise
        return ""

    def _paint_frames(
        self, kept: "KeptFrames", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.video.frames import keep_frames

        job = self.job

        def shots() -> "Iterator[tuple[int, Shot]]":
            yield from job.inputs.shots(skip=len(kept))
            self.whole = True

        for _ in keep_frames(job.painter, shots(), kept, job.identity, stopper):
            show(len(kept))

    def _paint_scenes(
        self, kept: "KeptScenes", stopper: Stopper, show: Callable[[int], object]
    ) -> None:
        from nst_tf.video.workers import paint_scenes

        job = self.job
        outcomes = paint_scenes(
            job.values, job.settings, job.inputs, kept, job.identity, stopper, show
        )
        for outcome in outcomes:
            for text in outcome.warnings:
                warnings.warn(f"{outcome.job.place}: {text}")
            if outcome.status == "failed":
                print_error(f"{outcome.job.place}: {outcome.error}\n{outcome.details}".rstrip(), 1)
        self.whole = len(kept) == kept.total

    def _bar(self, closing: ExitStack) -> FilmBar:
        job, done, total = self.job, self.job.kept.painted, self.job.total
        height, width = job.inputs.size
        print_out(
            f"{job.device} · {width}x{height} pixels · {counted(total, 'frame') if total else ''}"
        )
        if done:
            behind = done - len(job.kept)
            also = f", with {counted(behind, 'frame')} of later scenes" if behind else ""
            print_out(f"Going on after frame {len(job.kept)}{also}")
        bar = FilmBar(sys.stdout, total, done)
        closing.callback(bar.close)
        return bar

    def write(self) -> str:
        """Write the film of the frames that there are, if any, and return what went wrong."""
        from nst_tf.video.writer import write_film

        job, inputs = self.job, self.job.inputs
        if not len(job.kept):
            return ""
        until = None
        if inputs.seconds or not self.whole:  # the sound ends with the last frame
            until = job.kept.times[-1] * inputs.footage.time_base
            until += Fraction(inputs.every) / inputs.footage.rate
        try:
            write_film(job.output, inputs.footage, job.kept, job.encoding, until, inputs.every)
        except (OSError, UserError) as error:
            return str(error)
        return ""

    def rescue(self) -> None:
        """Write the film of what there is while a frame may be under way."""
        print_error(self.left("", self.write()) if self.job.kept.painted else NOTHING, 1)

    def left(self, problem: str, failure: str) -> str:
        """Return in words what ended the film, and what is left of it.

        Args:
            problem: what went wrong with painting, if anything.
            failure: what went wrong with writing.
        """
        kept, total = self.job.kept, self.job.total
        of = f" of {total}" if total else ""
        words = [] if self.whole else [f"stopped after frame {len(kept)}{of}"]
        if behind := kept.painted - len(kept):  # only of a film that is not whole
            words[0] += f", with {counted(behind, 'frame')} of later scenes"
        words += filter(None, [problem, failure])
        if len(kept) and not failure:
            words.append(f"the film so far is saved as {self.job.output}")
        words.append("the same command with --resume goes on")
        return "; ".join(words)
