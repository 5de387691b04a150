"""The process that paints, apart from the page, which survives a crash of the process.

It runs the code of the command line, so the page and the command make the same picture.
"""

import dataclasses
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
from nst_tf.images.resize import preview
from nst_tf.utils.errors import UserError
from nst_tf.utils.stop import StopRequest

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

LONG_SIDE = 1024  # maximum pixels of a preview's long side
NICE = 10  # leaves processor time for the page and the browser
INTERVAL = 0.4  # minimum seconds between previews

EndStatus = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class Task:
    """A run that a process is to paint.

    Attributes:
        folder: the folder of the input files and the result.
        arguments: arguments of the command, with absolute paths: the process must not change into
            the folder, which would be reachable as /proc/PID/cwd.
    """

    folder: Path
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class StepPreview:
    """The state of a run after a step.

    Attributes:
        headline: device, size and memory, in words.
        step, steps, scale, scales, seconds: as in `Progress`; `scale` is the scale's number.
        left: estimated seconds until the end; None: unknown.
        losses: the weighted terms by name, `total` first.
        picture: the picture as a JPEG file.
        level, levels: as in `Progress`.
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
    level: int = 0
    levels: int = 0


@dataclass(frozen=True)
class RunEnd:
    """The end of a run.

    Attributes:
        status: the status; a `stopped` run can continue.
        message: the reason, for the visitor.
        warnings: the warnings of the run.
    """

    status: EndStatus
    message: str
    warnings: tuple[str, ...] = ()


def kept_name(picture: str) -> str:
    """Return the file in which the network's picture of a run is kept, beside its picture."""
    return f"{picture}.network"


def serve(connection: Connection, stop: Event, device: str) -> None:
    """Paint one task after another until the connection ends.

    Args:
        connection: receives `Task`s, and sends `StepPreview`s and a `RunEnd` for each.
        stop: ends the current run.
        device: the device of all runs, as in `--device`.
    """
    for name in (
        "SIGINT",
        "SIGTERM",
    ):  # a terminal sends these to all processes: the page handles them
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    with suppress(AttributeError, OSError):  # not available on Windows
        os.nice(NICE)
    import_tensorflow()
    try:
        while True:
            task = connection.recv()
            connection.send(paint(task, device, connection.send, stop.is_set))
    except (EOFError, OSError):  # the page is gone
        return


def paint(
    task: Task, device: str, send: Callable[[StepPreview], None], stopped: Callable[[], bool]
) -> RunEnd:
    """Paint a task, and return how it ended."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            ended = _paint(task, device, send, StopRequest(stopped))
        except (OSError, UserError) as error:
            ended = RunEnd("failed", str(error))
        except MemoryError:
            ended = RunEnd("failed", "memory ran out: choose a smaller size")
        except Exception:
            traceback.print_exc()
            ended = RunEnd("failed", "an error of the program ended the run: see the server's log")
    texts = dict.fromkeys(str(item.message) for item in caught if item.category is UserWarning)

    def local(text: str) -> str:
        return text.replace(f"{task.folder}{os.sep}", "")  # visitors see no folder names

    return RunEnd(ended.status, local(ended.message), tuple(map(local, texts)))


def _paint(
    task: Task, device: str, send: Callable[[StepPreview], None], stop: StopRequest
) -> RunEnd:
    words = ["nst-tf", *task.arguments, "--quiet", "--resume", f"--device={device}"]
    request = parse(words)
    if request.settings.repaints:
        request = dataclasses.replace(request, network_picture=kept_name(str(request.output)))
    job, name = ready(request)
    run = PictureRun(job, name, watchers := [])
    watchers.append(_PreviewSender(send, run.headline(), job.settings.time_limit))
    outcome = run.finish(stop)
    if outcome.stopped:
        assert run.latest
        return RunEnd("stopped", f"stopped after step {run.latest.step} of {run.latest.steps}")
    if outcome.problems:
        return RunEnd("failed", "; ".join(outcome.problems))
    return RunEnd("finished", f"finished after {outcome.words}")


class _PreviewSender:
    """A callback that sends previews, at most one per `INTERVAL`."""

    def __init__(
        self, send: Callable[[StepPreview], None], headline: str, time_limit: float
    ) -> None:
        self._send = send
        self._headline = headline
        self._pace = Pace(time_limit)
        self._due = 0.0

    def __call__(self, progress: "Progress") -> None:
        self._pace(progress)
        boundary = progress.scale_step in (1, progress.scale.steps)  # every scale is shown
        if not boundary and time.monotonic() < self._due:
            return
        file = io.BytesIO()
        Image.fromarray(preview(progress.image(), LONG_SIDE)).save(file, "JPEG", quality=88)
        self._send(
            StepPreview(
                self._headline,
                progress.step,
                progress.steps,
                progress.scale.number,
                progress.scales,
                progress.seconds,
                self._pace.left,
                dict(progress.losses),
                file.getvalue(),
                progress.level,
                progress.levels,
            )
        )
        self._due = time.monotonic() + INTERVAL
