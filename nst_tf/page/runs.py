"""The runs of all visitors: what each has come to, and the line in which they wait."""

import logging
import multiprocessing
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Literal, Protocol

from nst_tf.page.order import Order
from nst_tf.page.worker import Ended, Sight, Task, serve

RUNS = 50  # by one process: what TensorFlow compiles for each size stays in it
CURVE = 120  # points of a curve, at most

GRACE = 60.0  # seconds that a run may exceed its time by: a step is never broken off before

LOG = logging.getLogger("nst_tf.page")

Status = Literal["waiting", "running", "stopped", "finished", "failed"]


@dataclass(eq=False)
class Run:
    """A picture that a visitor has asked for, and what it has come to.

    Attributes:
        order: what was asked for.
        folder: with its files; nobody else's are in it.
        status: `stopped` and `failed` runs may go on if `resumable`.
        words: what the visitor reads of it.
        notes: what the run warned of.
        sight: the latest one, or None.
        curve: losses by step, thinned out.
        changes: counts everything that happens to the run.
        touched: when that was last, on the monotonic clock.
        began: when it was last taken up, on the monotonic clock; None: not yet.
        unwanted: whether its visitor wants it to end.
        name: no other run has it.
    """

    order: Order
    folder: Path
    status: Status = "waiting"
    words: str = ""
    notes: tuple[str, ...] = ()
    sight: Sight | None = None
    curve: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    changes: int = 0
    touched: float = field(default_factory=time.monotonic)
    began: float | None = None
    unwanted: bool = False
    name: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def picture(self) -> Path | None:
        """The file of the picture, if there is one."""
        path = self.folder / self.order.output
        return path if self.status != "running" and path.exists() else None

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ("waiting", "running")

    @property
    def resumable(self) -> bool:
        """Whether it can go on from where it is."""
        checkpoint = self.folder / f"{self.order.output}.checkpoint"
        return not self.active and checkpoint.exists()

    def becomes(self, status: Status, words: str = "", notes: tuple[str, ...] = ()) -> None:
        """Note what has become of the run."""
        self.status, self.words, self.notes = status, words, notes
        if status == "running":
            self.began = time.monotonic()
        LOG.info("run %s of %s: %s", self.name, self.folder.parent.name, " ".join([status, words]))
        if status == "finished":  # the file shows more
            self.sight = None
        self._changed()

    def see(self, sight: Sight) -> None:
        """Note a step."""
        self.sight = sight
        self.curve.append((sight.step, sight.losses))
        if len(self.curve) > CURVE:
            del self.curve[1::2]
        self._changed()

    def _changed(self) -> None:
        self.touched = time.monotonic()
        self.changes += 1


class Painter(Protocol):
    """Paints runs one after another."""

    def paint(self, run: Run) -> None:
        """Paint a run to whatever end; no failure of it is an error here."""

    def stop(self) -> None:
        """End the run that goes on, soon."""

    def close(self) -> None:
        """Give everything back."""


class ProcessPainter:
    """Paints in a process of its own, and in a new one after that has died.

    Args:
        device: as `--device` has it.
        run_seconds: that a run may take; 0 for no limit. The command's own time limit ends a run
            well; this one ends a process that does not keep it.
        context: starts processes; None for new interpreters.
    """

    def __init__(
        self, device: str, run_seconds: float = 0.0, context: BaseContext | None = None
    ) -> None:
        self._device = device
        self._run_seconds = run_seconds
        self._context: Any = context or multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._stop: Event | None = None
        try:
            self._start()  # ahead of the first run, which will find TensorFlow loaded
        except OSError as error:
            LOG.warning("no process to paint in yet: %s", error)

    def paint(self, run: Run) -> None:
        """Paint a run to whatever end."""
        try:
            if self._process is None or self._runs >= RUNS or not self._process.is_alive():
                self.close()
                self._start()
        except OSError as error:  # no memory for a process, or too many open files
            LOG.warning("no process to paint in: %s", error)
            run.becomes("failed", "the server could not start a process: try again in a minute")
            return
        assert self._process
        assert self._stop
        self._runs += 1
        self._stop.clear()
        if run.unwanted:  # since before the line above
            self._stop.set()
        run.becomes("running")
        end = time.monotonic() + self._run_seconds + GRACE if self._run_seconds else None
        try:
            self._connection.send(Task(run.folder, tuple(run.order.words(run.folder))))
            while isinstance(message := self._message(end), Sight):
                run.see(message)
            assert isinstance(message, Ended)
            run.becomes(message.end, message.words, message.notes)
        except TimeoutError:
            self.close()
            run.becomes("failed", f"the run was ended after {self._run_seconds:g} seconds")
        except (EOFError, OSError):
            self._process.join(5)
            run.becomes("failed", _death(self._process.exitcode))

    def _message(self, end: float | None) -> Sight | Ended:
        """Return what the process sends next.

        Args:
            end: when the run must have ended, on the monotonic clock; None: at any time.

        Raises:
            TimeoutError: the run has taken far longer than it may.
            EOFError, OSError: the process is gone.
        """
        if end is not None and not self._connection.poll(max(0.0, end - time.monotonic())):
            raise TimeoutError
        return self._connection.recv()

    def stop(self) -> None:
        """End the run after the step that it is at."""
        if self._stop:
            self._stop.set()

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        with suppress(OSError):
            self._connection.close()
        self._process.terminate()
        self._process.join(1)
        if self._process.is_alive():  # it ignores what terminals send, and may be within a step
            self._process.kill()
            self._process.join()
        self._process = None

    def _start(self) -> None:
        connection, theirs = self._context.Pipe()
        stop = self._context.Event()  # a process that is killed may hold the old one's lock
        process = self._context.Process(
            target=serve, args=(theirs, stop, self._device), daemon=True
        )
        try:
            process.start()
        except BaseException:
            connection.close()
            raise
        finally:
            theirs.close()
        self._connection, self._stop, self._process, self._runs = connection, stop, process, 0


class Line:
    """Runs wait in line for the next device that is free.

    Args:
        painters: one for each device; they are closed with the line.
    """

    def __init__(self, painters: Sequence[Painter]) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Run] = deque()
        self._painting: dict[Run, Painter] = {}
        self._closed = False
        self._painters = painters
        self._threads = [
            threading.Thread(target=self._work, args=(painter,), daemon=True)
            for painter in painters
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many runs wait."""
        return len(self._waiting)

    def join(self, run: Run) -> None:
        """Let a run wait for its turn, unless it does already or is being painted."""
        with self._changed:
            if run in self._waiting or run in self._painting:
                return
            run.unwanted = False
            run.becomes("waiting")
            self._waiting.append(run)
            self._changed.notify_all()

    def place(self, run: Run) -> int:
        """Return how many runs are before this one, those that go on included; 0: it is its turn.

        A run that does not wait has place 0.
        """
        with self._changed:
            if run not in self._waiting:
                return 0
            return self._waiting.index(run) + len(self._painting)

    def leave(self, run: Run) -> bool:
        """Take a run out of the line, or end it after its step; return whether it waited."""
        with self._changed:
            if run in self._waiting:
                self._waiting.remove(run)
                run.becomes("stopped", "cancelled while it waited")
                return True
            if painter := self._painting.get(run):
                run.unwanted = True
                painter.stop()
            return False

    def close(self) -> None:
        """Let nobody in any more, and end what goes on."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            for run, painter in self._painting.items():
                run.unwanted = True
                painter.stop()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(5)
        for painter in self._painters:
            painter.close()

    def _work(self, painter: Painter) -> None:
        while (run := self._next(painter)) is not None:
            try:
                painter.paint(run)
            except Exception:  # the thread serves everybody: it outlives any run
                LOG.exception("run %s: an error of the program", run.name)
                run.becomes("failed", "an error of the program ended the run: try again")
            finally:
                with self._changed:
                    self._painting.pop(run, None)
                    self._changed.notify_all()

    def _next(self, painter: Painter) -> Run | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            run = self._waiting.popleft()
            self._painting[run] = painter
            return run


def _death(status: int | None) -> str:
    if status == -9:
        return "the run was killed, most likely because memory ran out: choose a smaller size"
    return f"the run's process ended unexpectedly (exit status {status}): try again"
