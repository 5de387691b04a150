"""The queue in which runs wait for a free device."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from nst_tf.page.painter import Painter
from nst_tf.page.runs import Run

LOG = logging.getLogger("nst_tf.page")


class RunQueue:
    """A queue of runs, painted in order of arrival by the next free painter.

    Args:
        painters: one painter per device; they are closed with the queue.
        ended: is called with each run that a painter returns.
    """

    def __init__(
        self, painters: Sequence[Painter], ended: Callable[[Run], None] = lambda run: None
    ) -> None:
        self._ended = ended
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
        """The number of waiting runs."""
        return len(self._waiting)

    def add(self, run: Run) -> None:
        """Append a run, unless it already waits or is being painted."""
        with self._changed:
            if run in self._waiting or run in self._painting:
                return
            run.cancelled = False
            run.set_status("waiting")
            self._waiting.append(run)
            self._changed.notify_all()

    def position(self, run: Run) -> int:
        """Return the number of runs before a waiting run, including those being painted.

        It is 0 for the run whose turn it is, and for a run that does not wait.
        """
        with self._changed:
            if run not in self._waiting:
                return 0
            return self._waiting.index(run) + len(self._painting)

    def cancel(self, run: Run) -> bool:
        """Remove a waiting run, or end a running one after its step; return whether it waited."""
        with self._changed:
            if run in self._waiting:
                self._waiting.remove(run)
                run.set_status("stopped", "cancelled while it waited")
                return True
            if painter := self._painting.get(run):
                run.cancelled = True
                painter.stop()
            return False

    def close(self) -> None:
        """Drop waiting runs, end running ones, and close the painters."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            for run, painter in self._painting.items():
                run.cancelled = True
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
                self._ended(run)
            except Exception:  # the thread serves all visitors, so it must survive any run
                LOG.exception("run %s: an error of the program", run.name)
                run.set_status("failed", "an error of the program ended the run: try again")
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
