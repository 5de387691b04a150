"""Snapshots of the picture during a run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst_tf.utils.files import StrPath

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress


class Snapshots:
    """Saves the image after every `every`-th step as `step_00100.png` and so on.

    Args:
        every: steps between snapshots.
        directory: an existing directory.
        save: writes an image, float32 `[1, h, w, 3]` in [0, 1], to a path.
    """

    NAME = re.compile(r"step_\d+\.png")

    def __init__(
        self, every: int, directory: StrPath, save: Callable[[Path, np.ndarray], None]
    ) -> None:
        self._every = every
        self._directory = Path(directory)
        self._save = save

    def __call__(self, progress: "Progress") -> None:
        """Save the image if the step is a multiple of `every`."""
        if progress.step % self._every == 0 and not progress.level:
            self._save(self._directory / f"step_{progress.step:05d}.png", progress.image())
