"""Painters of runs: the protocol, and a painter in a process of its own."""

import logging
import multiprocessing
import time
from contextlib import suppress
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Event
from typing import Any, Protocol

from nst_tf.page.runs import Run
from nst_tf.page.worker import RunEnd, StepPreview, Task, serve

MAX_RUNS = 50  # runs of one process, in which compiled graphs of every size accumulate
GRACE = 60.0  # seconds that a run may exceed its time limit, since no step is interrupted

LOG = logging.getLogger("nst_tf.page")


class Painter(Protocol):
    """Paints one run at a time."""

    def paint(self, run: Run) -> None:
        """Paint a run, and set its final status; failures of the run are not raised."""

    def stop(self) -> None:
        """End the current run after its step."""

    def close(self) -> None:
        """Release all resources."""


class ProcessPainter:
    """A painter in a process of its own, which is replaced if it dies.

    Args:
        device: the device, as in `--device`.
        run_seconds: maximum duration of a run, seconds; 0: unlimited. The command's own time limit
            ends a run properly; this one kills a process that exceeds it.
        context: starts processes; None for new interpreters.
        grace: seconds that a run may exceed its time limit.
    """

    def __init__(
        self,
        device: str,
        run_seconds: float = 0.0,
        context: BaseContext | None = None,
        grace: float = GRACE,
    ) -> None:
        self._device = device
        self._run_seconds = run_seconds
        self._grace = grace
        self._context: Any = context or multiprocessing.get_context("spawn")
        self._process: multiprocessing.process.BaseProcess | None = None
        self._stop: Event | None = None
        try:
            self._start()  # TensorFlow is then loaded before the first run
        except OSError as error:
            LOG.warning("no process to paint in yet: %s", error)

    def paint(self, run: Run) -> None:
        """Paint a run, and set its final status."""
        try:
            if self._process is None or self._runs >= MAX_RUNS or not self._process.is_alive():
                self.close()
                self._start()
        except OSError as error:  # out of memory, or too many open files
            LOG.warning("no process to paint in: %s", error)
            run.set_status("failed", "the server could not start a process: try again in a minute")
            return
        process = self._process  # `close` may drop it from another thread
        assert process
        assert self._stop
        self._runs += 1
        self._stop.clear()
        if run.cancelled:  # just before `clear`
            self._stop.set()
        run.set_status("running")
        most = self._run_seconds + self._grace
        deadline = time.monotonic() + most if self._run_seconds else None
        try:
            self._connection.send(Task(run.folder, tuple(run.order.arguments(run.folder))))
            while isinstance(message := self._receive(deadline), StepPreview):
                run.add_preview(message)
            assert isinstance(message, RunEnd)
            run.set_status(message.status, message.message, message.warnings)
        except TimeoutError:
            self.close()
            run.set_status("failed", f"the run was ended after {self._run_seconds:g} seconds")
        except (EOFError, OSError):
            process.join(5)
            run.set_status("failed", _cause_of_death(process.exitcode))

    def _receive(self, deadline: float | None) -> StepPreview | RunEnd:
        """Return the next message of the process.

        Args:
            deadline: end of the wait, on the monotonic clock; None: unlimited.

        Raises:
            TimeoutError: the deadline has passed.
            EOFError, OSError: the process is gone.
        """
        if deadline is not None:
            remaining = max(0.0, deadline - time.monotonic())
            if not self._connection.poll(remaining):
                raise TimeoutError
        return self._connection.recv()

    def stop(self) -> None:
        """End the current run after its step."""
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
        if self._process.is_alive():  # it ignores SIGTERM, and may be within a step
            self._process.kill()
            self._process.join()
        self._process = None

    def _start(self) -> None:
        connection, theirs = self._context.Pipe()
        stop = self._context.Event()  # a killed process may still hold the old event's lock
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


def _cause_of_death(status: int | None) -> str:
    if status == -9:
        return "the run was killed, most likely because memory ran out: choose a smaller size"
    return f"the run's process ended unexpectedly (exit status {status}): try again"
