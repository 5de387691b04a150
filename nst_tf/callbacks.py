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
    from nst_tf.transfer import Progress

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
    """Says how long the run will take, then shows a Keras-style bar per epoch.

    Without a terminal it writes one line per epoch.

    Args:
        headline: device, picture and weights in words; the time is added once it is measured.
        steps_per_epoch: length of an epoch.
        stream: where to write.
    """

    BAR = 20

    def __init__(self, headline: str, steps_per_epoch: int, stream: TextIO) -> None:
        self._steps_per_epoch = steps_per_epoch
        self._stream = stream
        self._terminal = stream.isatty()
        self._seconds: list[float] = []
        self._before = 0.0
        self._silent = False
        self._pending = ""
        self._write(headline)

    def __call__(self, progress: "Progress") -> None:
        """Show a step."""
        self._seconds.append(progress.seconds - self._before)
        self._before = progress.seconds
        pace = statistics.median(self._seconds[1:][-50:] or self._seconds)
        measured = min(MEASURED, progress.steps)
        if progress.step == measured:
            self._write(f" · about {duration(pace * progress.steps)}\n{self._pending}")
        epoch, done = divmod(progress.step - 1, self._steps_per_epoch)
        done += 1
        epochs = -(-progress.steps // self._steps_per_epoch)
        ends = done == self._steps_per_epoch or progress.step == progress.steps
        losses = " - ".join(
            f"{name}: {value:.4g}" for name, value in progress.losses._asdict().items()
        )
        left = duration(pace * (progress.steps - progress.step))
        rest = f"{pace * 1000:.0f} ms/step - {left} left - {losses}"
        if not self._terminal or progress.step < measured:
            if ends:
                line = f"Epoch {epoch + 1}/{epochs} - {rest}\n"
                if progress.step < measured:  # the headline comes first
                    self._pending += line
                else:
                    self._write(line)
            return
        if progress.step == measured or done == 1:
            self._write(f"Epoch {epoch + 1}/{epochs}\n")
        filled = self.BAR * done // self._steps_per_epoch
        bar = "━" * filled + "─" * (self.BAR - filled)
        width = shutil.get_terminal_size().columns - 1
        line = f"{done}/{self._steps_per_epoch} {bar} {rest}"
        # A wrapped line could not be written over.
        self._write(f"\r{line[:width]:<{width}}" + "\n" * ends)

    def close(self) -> None:
        """End the line that a run which stopped early has left open."""
        if self._open:
            self._write("\n")

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
    """Collects a row per step: `step,total,style,content,total_variation`, before the update."""

    COLUMNS = ("step", "total", "style", "content", "total_variation")

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []

    def __call__(self, progress: "Progress") -> None:
        """Add a step."""
        self.rows.append((progress.step, *progress.losses))

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
