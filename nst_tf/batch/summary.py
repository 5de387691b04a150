"""The progress bar and the final table of a batch."""

import sys
import time
from typing import IO

import rich.console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from nst_tf.callbacks.console import SilentOnError, duration
from nst_tf.cli.streams import print_error
from nst_tf.workers.outcome import Outcome


class Tally:
    """The numbers of jobs by outcome.

    Attributes:
        work: total duration of the done jobs, seconds.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = self.failed = self.skipped = self.stopped = 0
        self.work = 0.0
        self._began = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """Count a job that has ended."""
        if outcome.status == "done":
            self.done += 1
            self.work += outcome.seconds
        elif outcome.status == "failed":
            self.failed += 1
        else:
            self.stopped += 1

    @property
    def ended(self) -> int:
        """The number of jobs that have ended or were finished before."""
        return self.done + self.failed + self.skipped

    @property
    def seconds(self) -> float:
        """Seconds since the batch began."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Jobs per second, without those that were finished before."""
        return (self.done + self.failed) / max(self.seconds, 1e-9)

    def rate_in_words(self) -> str:
        """Return the rate in a unit in which it is readable."""
        for unit, seconds in (("s", 1), ("min", 60), ("h", 3600)):
            if self.rate * seconds >= 1:
                return f"{self.rate * seconds:.3g}/{unit}"
        return f"{self.rate * 86400:.2g}/day"


class _Rate(ProgressColumn):
    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def render(self, task: Task) -> Text:
        return Text(self._tally.rate_in_words() if self._tally.done else "–/min")


class Report:
    """Shows a bar of the jobs, or without a terminal a line for each, and a table at the end.

    If its stream fails, it falls silent and the batch continues.

    Args:
        journal: path of the journal, which has the tracebacks of bugs.
    """

    def __init__(self, tally: Tally, journal: str, stream: IO[str], quiet: bool = False) -> None:
        self._tally = tally
        self._journal = journal
        self._quiet = quiet
        self._console = rich.console.Console(file=SilentOnError(stream))  # type: ignore[arg-type]
        self._bar: Progress | None = None
        if self._console.is_interactive and not quiet:
            self._bar = Progress(
                MofNCompleteColumn(),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[failed]} failed"),
                _Rate(tally),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=self._console,
                redirect_stdout=False,
                redirect_stderr=sys.stderr.isatty(),
                speed_estimate_period=3600,
            )
            self._bar.add_task("", total=tally.total, failed=0)
            self._bar.start()
            self._console.show_cursor(True)  # a killed batch could not restore it

    def show(self, outcome: Outcome) -> None:
        """Show the outcome of a job that has been counted."""
        job, tally = outcome.job, self._tally
        if outcome.status == "failed":
            again = f" (tried {outcome.attempts} times)" if outcome.attempts > 1 else ""
            bug = f"; {self._journal} has the traceback" if outcome.details else ""
            print_error(f"{job.place}: {outcome.error}{again}{bug}", 1)
        for warning in outcome.warnings:
            print_error(f"warning: {job.place}: {warning}", 1)
        if self._bar:
            self.update()
        elif outcome.status == "done" and not self._quiet:
            count = f"{tally.ended}/{tally.total}"
            self._console.out(f"{count} {job.output} {outcome.seconds:.1f} s", highlight=False)

    def update(self) -> None:
        """Update the bar."""
        if self._bar:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self._tally.ended, failed=self._tally.failed)

    def close(self) -> None:
        """End the bar and show the table."""
        if self._bar:
            self._bar.stop()
        if self._quiet:
            return
        tally = self._tally
        left = tally.total - tally.ended
        each = f", {tally.work / max(1, tally.done):.1f} s each, {tally.rate_in_words()}"
        rows = (
            ("painted", tally.done, f"in {duration(tally.seconds)}{each}" if tally.done else ""),
            ("finished before", tally.skipped, ""),
            ("failed", tally.failed, f"{self._journal} says why" if tally.failed else ""),
            ("to do", left, "the same command resumes" if left else ""),
        )
        for name, count, text in rows:
            if count or name == "painted":
                self._console.out(f"{name:<16}{count:>6}  {text}".rstrip(), highlight=False)
