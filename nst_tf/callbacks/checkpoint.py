"""Periodic checkpoints, less often the longer they take to write."""

import dataclasses
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nst_tf.utils.files import StrPath

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

SHARE = 1 / 50  # fraction of the run's time that writing may use


class Checkpoint:
    """Keeps a file from which the run can be resumed: see `load_checkpoint`.

    The file is written whole, at most once in `every` seconds and for at most a fiftieth of the
    time. A checkpoint that cannot be written never ends a run: there is one warning, and the next
    attempt follows when the next checkpoint is due.

    Args:
        path: of the file; the previous checkpoint is kept until the new one is on the disk.
        every: minimum seconds between checkpoints.
        notes: returns a JSON value to store with the run.
    """

    def __init__(
        self, path: StrPath, every: float = 60.0, notes: Callable[[], Any] = lambda: None
    ) -> None:
        self.path = Path(path)
        self._every = every
        self._notes = notes
        self._due = time.monotonic() + every
        self._warned = False
        self._latest: Progress | None = None
        self._saved: Progress | None = None

    def __call__(self, progress: "Progress") -> None:
        """Write a checkpoint if one is due. Brushstrokes start again after a resume."""
        if not progress.level:
            self._latest = progress
        if time.monotonic() >= self._due:
            self.save()

    def save(self) -> bool:
        """Write the state of the latest step unless it is written; return whether it is written."""
        from nst_tf.transfer.checkpoint import save_checkpoint

        if self._latest is not None and self._latest is not self._saved:
            began = time.monotonic()
            run = dataclasses.replace(self._latest.saved(), notes=self._notes())
            try:
                save_checkpoint(self.path, run)
                self._saved = self._latest
            except OSError as error:
                if not self._warned:
                    warnings.warn(f"no checkpoint: {error}; the run continues and tries again")
                self._warned = True
            now = time.monotonic()
            self._due = now + max(self._every, (now - began) / SHARE)
        return self._saved is not None and self._saved is self._latest

    def remove(self) -> None:
        """Remove the file, since the picture is finished."""
        self.path.unlink(missing_ok=True)
