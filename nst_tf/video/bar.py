"""The progress bar of a film: painted frames, seconds per frame, remaining time."""

import statistics
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import IO

import rich.console
import rich.progress
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from nst_tf.callbacks.console import SilentOnError, duration

RECENT = 20  # minimum number of frames of the running median
LINE_INTERVAL = 10.0  # seconds between lines without a terminal


class VideoBar:
    """A progress bar; without a terminal, at most one line every ten seconds.

    Args:
        stream: the stream to write to. If it fails, the bar is silent from then on.
        total: the number of frames; 0: unknown.
        done: the number of frames painted before.
        span: number of frames over which the time is measured: keys take longer than other frames.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        stream: IO[str],
        total: int,
        done: int = 0,
        clock: Callable[[], float] = time.monotonic,
        span: int = 1,
    ) -> None:
        self._console = rich.console.Console(file=SilentOnError(stream))  # type: ignore[arg-type]
        self._total = total
        self._done = self._measured = done
        self._span = 1  # the first frame, which takes longest, is measured separately
        self._later_span = span
        self._clock = clock
        self._before = self._printed = clock()
        self._seconds: deque[float] = deque(maxlen=max(RECENT, 4 * span))
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
        """Show the number of painted frames if it has grown."""
        if done <= self._done:
            return
        now, self._done = self._clock(), done
        gained = done - self._measured
        if gained >= self._span or done == self._total:
            self._seconds.extend([(now - self._before) / gained] * gained)
            self._before, self._measured, self._span = now, done, self._later_span
        if self._bar:
            self._bar.update(self._task, completed=done, description=self.describe(done))
        elif now - self._printed >= LINE_INTERVAL or done == self._total:
            self._printed = now
            of = f" of {self._total}" if self._total else ""
            self._console.out(f"Frame {done}{of} - {self.describe(done)}", highlight=False)

    def describe(self, done: int) -> str:
        """Return the seconds per frame and the remaining time in words."""
        pace = statistics.median(self._seconds)
        words = f"{pace:.2f} s/frame"
        if done > self._total:
            return words
        return f"{words} - {duration(pace * (self._total - done))} left"

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._bar:
            self._bar.stop()
