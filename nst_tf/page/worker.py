"""The process that paints: the page lives on if a run takes its process with it.

It runs what the command line runs, so that a picture of the page is the command's picture.
"""

import io
import os
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from nst_tf.callbacks.pace import Pace
from nst_tf.cli.flags import parse
from nst_tf.cli.session import PictureRun, ready
from nst_tf.compute.device import import_tensorflow
from nst_tf.images.preview import preview
from nst_tf.utils.errors import UserError
from nst_tf.utils.stop import StopRequest

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

LONG_SIDE = 1024  # of what visitors see on the way, pixels, at most
NICE = 10  # so that page and browser are served while both processors paint
INTERVAL = 0.4  # seconds between two sights, at least

End = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class Task:
    """What a process is to paint.

    Attributes:
        folder: where the pictures are, and the result will be.
        words: of the command, with whole paths of files in the folder: no process changes its
            directory, which others could look into.
    """

    folder: Path
    words: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
    """A run as it is after a step.

    Attributes:
        headline: device, size and memory, in words.
        step, steps, scale, scales, seconds: as in `Progress`; the scale by its number.
        left: seconds that the run still takes, by estimate; None: a scale's first step, which
            compiles, says nothing of that.
        losses: the weighted terms by name, `total` first.
        picture: the picture as a JPEG file.
    """

    headline: str
    step: int
    steps: int
    scale: int
    scales: int
    seconds: float
    left: float | None
    losses: dict[str, float]
    picture: bytes


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        end: `stopped` if it can go on.
        words: why, for the visitor.
        notes: what the run warned of.
    """

    end: End
    words: str
    notes: tuple[str, ...] = ()


def serve(connection: Connection, stop: Event, device: str) -> None:
    """Paint one task after another until the connection ends.

    Args:
        connection: brings `Task`s, and takes `Sight`s and an `Ended` for each.
        stop: ends the run that goes on.
        device: for all runs, as `--device` has it.
    """
    for name in ("SIGINT", "SIGTERM"):  # which the terminal sends to every process: the page acts
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(AttributeError, OSError):  # Windows has no such call
        os.nice(NICE)
    import_tensorflow()
    try:
        while True:
            task = connection.recv()
            connection.send(paint(task, device, connection.send, stop.is_set))
    except (EOFError, OSError):  # the page is gone
        return


def paint(
    task: Task, device: str, send: Callable[[Sight], None], stopped: Callable[[], bool]
) -> Ended:
    """Paint a task and return how that ended."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            ended = _paint(task, device, send, StopRequest(stopped))
        except (OSError, UserError) as error:
            ended = Ended("failed", str(error))
        except MemoryError:
            ended = Ended("failed", "memory ran out: choose a smaller size")
        except Exception:
            traceback.print_exc()
            ended = Ended("failed", "an error of the program ended the run: see the server's log")
    notes = dict.fromkeys(str(item.message) for item in caught if item.category is UserWarning)

    def local(text: str) -> str:
        return text.replace(f"{task.folder}{os.sep}", "")  # what visitors read names no folder

    return Ended(ended.end, local(ended.words), tuple(map(local, notes)))


def _paint(task: Task, device: str, send: Callable[[Sight], None], stop: StopRequest) -> Ended:
    words = ["nst-tf", *task.words, "--quiet", "--resume", f"--device={device}"]
    job, name = ready(parse(words))
    run = PictureRun(job, name, watchers := [])
    watchers.append(_Watch(send, run.headline(), job.settings.time_limit))
    outcome = run.finish(stop)
    if outcome.stopped:
        assert run.latest
        return Ended("stopped", f"stopped after step {run.latest.step} of {run.latest.steps}")
    if outcome.problems:
        return Ended("failed", "; ".join(outcome.problems))
    return Ended("finished", f"finished after {outcome.words}")


class _Watch:
    """A callback that sends sights, as often as people can tell them apart."""

    def __init__(self, send: Callable[[Sight], None], headline: str, time_limit: float) -> None:
        self._send = send
        self._headline = headline
        self._pace = Pace(time_limit)
        self._due = 0.0

    def __call__(self, progress: "Progress") -> None:
        self._pace(progress)
        ends = progress.scale_step in (1, progress.scale.steps)  # every scale is seen
        if not ends and time.monotonic() < self._due:
            return
        file = io.BytesIO()
        Image.fromarray(preview(progress.image(), LONG_SIDE)).save(file, "JPEG", quality=88)
        self._send(
            Sight(
                self._headline,
                progress.step,
                progress.steps,
                progress.scale.number,
                progress.scales,
                progress.seconds,
                None if progress.scale_step == 1 else self._pace.left,
                dict(progress.losses),
                file.getvalue(),
            )
        )
        self._due = time.monotonic() + INTERVAL
