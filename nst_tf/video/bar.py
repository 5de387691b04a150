"""The bar of a film: frames done, their pace, the time that is left."""

import statistics
import sys
import time
from collections import deque
from typing import IO

import rich.console
import rich.progress
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from nst_tf.callbacks.console import SilentOnError, duration

RECENT = 20  # frames whose median gives the pace
LINES = 10.0  # seconds between two lines where there is no terminal


class FilmBar:
    """Shows how far a film is; without a terminal, a line every ten seconds at most.

    Args:
        stream: where to write. If it fails, the bar falls silent and the film goes on.
        total: frames in all; 0: unknown.
        done: frames that are painted already.
    """

    def __init__(self, stream: IO[str], total: int, done: int = 0) -> None:
        self._console = rich.console.Console(file=SilentOnError(stream))  # type: ignore[arg-type]
        self._total = total
        self._done = done
        self._before = self._said = time.monotonic()
        self._seconds: deque[float] = deque(maxlen=RECENT)
        self._bar: rich.progress.Progress | None = None
        if self._console.is_interactive:
            self._bar = rich.progress.Progress(
                MofNCompleteColumn(),
                BarColumn(bar_width=30),
                TextColumn("{task.description}", markup=False),
                console=self._console,
                redirect_stdout=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._task = self._bar.add_task("", total=total or None, completed=done)
            self._bar.start()

    def show(self, done: int) -> None:
        """Show how many frames are done, if they have become more."""
        gained = done - self._done
        if gained <= 0:
            return
        now = time.monotonic()
        self._seconds.extend([(now - self._before) / gained] * gained)
        self._before, self._done = now, done
        if self._bar:
            self._bar.update(self._task, completed=done, description=self.words(done))
        elif now - self._said >= LINES or done == self._total:
            self._said = now
            of = f" of {self._total}" if self._total else ""
            self._console.out(f"Frame {done}{of} - {self.words(done)}", highlight=False)

    def words(self, done: int) -> str:
        """Return pace and time left in words."""
        pace = statistics.median(self._seconds)
        words = f"{pace:.2f} s/frame"
        if done > self._total:
            return words
        return f"{words} - {duration(pace * (self._total - done))} left"

    def close(self) -> None:
        """Take the bar down."""
        if self._bar:
            self._bar.stop()
