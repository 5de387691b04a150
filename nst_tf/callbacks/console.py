"""Progress of a run on the console."""

import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import rich.console
import rich.progress
from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.table import Column
from rich.text import Text

from nst_tf.callbacks.pace import Pace, duration

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

MEASURED = 4
"""Steps to be observed before the expected time is printed."""


class Console:
    """Prints the expected time of the run, and a bar for each epoch or scale as Keras does.

    Without a terminal it prints one line for each epoch or scale.

    Args:
        headline: first line to print.
        steps_per_epoch: length of an epoch.
        stream: if it fails, the console becomes silent and the run continues.
        time_limit: of the run, seconds; 0: none.
        may_end: whether the run may end by itself before its last step.
    """

    def __init__(
        self,
        headline: str,
        steps_per_epoch: int,
        stream: IO[str],
        time_limit: float = 0,
        may_end: bool = False,
    ) -> None:
        self._console = rich.console.Console(file=SilentOnError(stream))  # type: ignore[arg-type]
        self._steps_per_epoch = steps_per_epoch
        self._pace = Pace(time_limit)
        self._about = "at most" if may_end else "about"
        self._seen = 0
        self._announced = False
        self._title = ""
        self._summary = ""
        self._bar: _Bar | None = None
        self._print(headline)

    def __call__(self, progress: "Progress") -> None:
        """Show a step."""
        title, done, length = self._section(progress)
        if title != self._title:  # a scale may have ended before its last step
            self.close()
            self._title = title
        self._pace(progress)
        self._seen += 1
        losses = {} if progress.level else progress.losses
        self._summary = " - ".join(f"{name}: {value:.4g}" for name, value in losses.items())
        left = self._pace.left
        if left is not None:
            pace = f"{1000 * self._pace.step:.0f} ms/step - {duration(left)} left"
            self._summary = " - ".join(filter(None, [pace, self._summary]))
            self._announce(progress, left)
        if self._console.is_interactive:
            self._draw(done, length)
        if done == length or progress.scale_step == progress.scale.steps:
            self.close()

    def _announce(self, progress: "Progress", left: float) -> None:
        """Print once how long the run takes or, if it is resumed, the rest of the run."""
        if self._announced or (self._seen < MEASURED and progress.step < progress.steps):
            return
        self._announced = True
        resumed = progress.step > self._seen
        what, time = ("rest", left) if resumed else ("run", self._pace.whole)
        self._print(f"The {what} takes {self._about} {duration(time)}")

    def close(self) -> None:
        """End the bar or print the line of the current epoch or scale, if it has not ended."""
        if self._bar:
            self._bar.stop()
        elif self._title:
            self._print(f"{self._title} - {self._summary}")
        self._bar, self._title = None, ""

    def _section(self, progress: "Progress") -> tuple[str, int, int]:
        """Return title, steps done and length of the current epoch or scale."""
        scale = progress.scale
        if progress.level:
            height, width = scale.size
            title = f"Brushstrokes {progress.level}/{progress.levels}, {width}x{height} pixels"
            return title, 1, 1
        if progress.scales - progress.levels > 1:
            height, width = scale.size
            scales = progress.scales - progress.levels
            title = f"Scale {scale.number}/{scales}, {width}x{height} pixels"
            return title, progress.scale_step, scale.steps
        epoch, done = divmod(progress.step - 1, self._steps_per_epoch)
        epochs = -(-progress.steps // self._steps_per_epoch)
        return f"Epoch {epoch + 1}/{epochs}", done + 1, self._steps_per_epoch

    def _draw(self, done: int, length: int) -> None:
        if self._bar is None:
            self._bar = _Bar(
                MofNCompleteColumn(table_column=Column(no_wrap=True)),
                BarColumn(bar_width=20),
                TextColumn(
                    "{task.fields[summary]}",
                    markup=False,
                    table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
                ),
                console=self._console,
                expand=True,
                redirect_stdout=False,
                redirect_stderr=sys.stderr.isatty(),
            )
            self._bar.add_task(self._title, total=length, completed=done, summary=self._summary)
            self._bar.start()
            self._console.show_cursor(True)  # a killed run could not restore it
        else:
            self._bar.update(self._bar.task_ids[0], completed=done, summary=self._summary)

    def _print(self, line: str) -> None:
        self._console.out(line, highlight=False)


class _Bar(rich.progress.Progress):
    """A bar below its title."""

    def get_renderables(self) -> Iterator[RenderableType]:
        for task in self.tasks:
            yield Text(task.description)
            yield self.make_tasks_table([task])


class SilentOnError:
    """A stream that ignores all output once it fails, as a closed pipe or a full device does."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._failed = False

    def write(self, text: str) -> None:
        if not self._failed:
            try:
                self._stream.write(text)
                self._stream.flush()
            except OSError:
                self._failed = True

    def flush(self) -> None:
        pass  # `write` does

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
