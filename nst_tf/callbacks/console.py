"""Consumers of `Progress`: the console, the history of losses, snapshots."""

import csv
import io
import re
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import numpy as np

from nst_tf.files import StrPath, write_whole

if TYPE_CHECKING:
    from nst_tf.progress import Progress

MEASURED = 4  # steps that the first estimate waits for; the first one, which compiles, is left out


def duration(seconds: float) -> str:
    """Return a duration in words, two units at most: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


class Console:
    """Says how long the run will take, then shows a Keras-style bar per epoch or scale.

    Without a terminal it writes one line for each.

    Args:
        headline: device, picture and weights in words; the time is added once it is measured.
        steps_per_epoch: length of an epoch.
        stream: where to write.
        time_limit: of the run, seconds, or 0.
        may_end: whether the run may end by itself, before its last step.
    """

    BAR = 20

    def __init__(
        self,
        headline: str,
        steps_per_epoch: int,
        stream: TextIO,
        time_limit: float = 0,
        may_end: bool = False,
    ) -> None:
        self._steps_per_epoch = steps_per_epoch
        self._stream = stream
        self._time_limit = time_limit
        self._about = "at most" if may_end else "about"
        self._terminal = stream.isatty()
        self._seconds: list[float] = []
        self._before = 0.0
        self._silent = False
        self._announced = False
        self._unwritten: list[str] = []  # lines of what ended before the time was announced
        self._latest = ""  # line of the epoch or scale that has not ended
        self._scale = 0
        self._write(headline)

    def __call__(self, progress: "Progress") -> None:
        """Show a step."""
        if progress.scale.number != self._scale:
            self._scale = progress.scale.number
            self._seconds.clear()
            self._end()
        self._seconds.append(progress.seconds - self._before)
        self._before = progress.seconds
        pace = statistics.median(self._seconds[1:][-50:] or self._seconds)
        left = pace * progress.ahead
        if self._time_limit:
            left = max(0, min(left, self._time_limit - progress.seconds))
        title, done, length = self._section(progress)
        losses = " - ".join(
            f"{name}: {value:.4g}" for name, value in progress.losses._asdict().items()
        )
        rest = f"{pace * 1000:.0f} ms/step - {duration(left)} left - {losses}"
        self._latest = f"{title} - {rest}\n"
        fresh = done == 1
        if not self._announced and progress.step >= min(MEASURED, progress.steps):
            whole = pace * (progress.step + progress.ahead)
            self._announce(min(whole, self._time_limit or whole))
            fresh = True
        if self._terminal and self._announced:
            filled = self.BAR * done // length
            bar = "━" * filled + "─" * (self.BAR - filled)
            width = shutil.get_terminal_size().columns - 1
            # A wrapped line could not be written over.
            line = f"{done}/{length} {bar} {rest}"[:width]
            self._write(f"{title}\n" * fresh + f"\r{line:<{width}}")
        if done == length or progress.scale_step == progress.scale.steps:
            self._end()

    def close(self) -> None:
        """End what a run that stopped early has left open."""
        self._end()
        if self._open:
            self._write("\n" + "".join(self._unwritten))

    def _section(self, progress: "Progress") -> tuple[str, int, int]:
        """Return the title of what a bar stands for, the steps done of it, and its length."""
        scale = progress.scale
        if progress.scales > 1:
            title = (
                f"Scale {scale.number}/{progress.scales}, {scale.size[1]}x{scale.size[0]} pixels"
            )
            return title, progress.scale_step, scale.steps
        epoch, done = divmod(progress.step - 1, self._steps_per_epoch)
        epochs = -(-progress.steps // self._steps_per_epoch)
        return f"Epoch {epoch + 1}/{epochs}", done + 1, self._steps_per_epoch

    def _announce(self, seconds: float) -> None:
        self._announced = True
        self._write(f" · {self._about} {duration(seconds)}\n{''.join(self._unwritten)}")

    def _end(self) -> None:
        """End an epoch or scale: with its line, or on a terminal below its bar."""
        if not self._announced:
            self._unwritten += [self._latest] * bool(self._latest)
        elif self._terminal:
            self._write("\n" * self._open)
        elif self._latest:
            self._write(self._latest)
        self._latest = ""

    def _write(self, text: str) -> None:
        self._open = not text.endswith("\n")
        if self._silent:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # a closed pipe or a full device is no reason to lose the picture
            self._silent = True


class History:
    """Collects a row per step: its losses before the update, and when and where it was."""

    COLUMNS = (
        "step", "total", "style", "content", "total_variation", "scale", "evaluations", "seconds",
    )  # fmt: skip

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []

    def __call__(self, progress: "Progress") -> None:
        """Add a step."""
        self.rows.append(
            (
                progress.step,
                *progress.losses,
                progress.scale.number,
                progress.evaluations,
                round(progress.seconds, 3),
            )
        )

    def save(self, path: StrPath) -> None:
        """Write the rows as CSV, numbers in full so that they read back exactly."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.COLUMNS)
        writer.writerows(self.rows)
        with write_whole(path) as file:
            file.write(text.getvalue().encode())


class Snapshots:
    """Saves the image after every `every`-th step as `step_00100.png` and so on.

    Args:
        every: steps between snapshots.
        directory: an existing directory.
        save: writes an image `[1, H, W, 3]` to a path.
    """

    NAME = re.compile(r"step_\d+\.png")

    def __init__(
        self, every: int, directory: StrPath, save: Callable[[Path, np.ndarray], None]
    ) -> None:
        self._every = every
        self._directory = Path(directory)
        self._save = save

    def __call__(self, progress: "Progress") -> None:
        """Save the image if it is its turn."""
        if progress.step % self._every == 0:
            self._save(self._directory / f"step_{progress.step:05d}.png", progress.image())
