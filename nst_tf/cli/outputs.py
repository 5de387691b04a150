"""Outputs of a run: its picture, snapshots, history, figure and time-lapse."""

import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.callbacks import TimeLapse, save_run_figure
from nst_tf.callbacks.history import History
from nst_tf.cli.inputs import Inputs
from nst_tf.cli.output_paths import OutputPaths
from nst_tf.images.resize import resize
from nst_tf.images.save import save_image
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import free_name


def _problem(path: Path | None, error: Exception) -> str:
    """Return one line that says why an output cannot be written; of a bug, print the traceback."""
    if isinstance(error, (OSError, UserError)):
        return str(error)
    traceback.print_exception(error)
    return f"{path} cannot be written: {type(error).__name__}: {error}"


class Outputs:
    """Writes the outputs of a run."""

    def __init__(
        self,
        paths: OutputPaths,
        inputs: Inputs,
        contents: Sequence[np.ndarray],
        styles: Sequence[np.ndarray],
        metadata: Callable[[], dict[str, Any]],
        history_layers: bool = False,
    ) -> None:
        self.history = History(history_layers)
        self.timelapse = TimeLapse() if paths.timelapse else None
        self._paths = paths
        self._inputs = inputs
        self._contents = contents
        self._styles = styles
        self._metadata = metadata

    def save_picture(self, path: Path, image: np.ndarray) -> None:
        """Write an image, float32 `[1, h, w, 3]` in [0, 1] of any scale, at the result's size.

        Raises:
            FileExistsError: a file exists and must not be replaced.
            OSError: the file cannot be written.
        """
        save_image(
            path,
            self._full_size(image),
            alpha=self._inputs.alpha,
            has_profile=self._inputs.has_profile,
            metadata=self._metadata(),
            exif=self._inputs.exif,
            bit_depth=self._paths.bit_depth,
            overwrite=self._paths.overwrite,
            format=self._paths.format,
        )

    def _full_size(self, image: np.ndarray) -> np.ndarray:
        """Return an image of any scale at the result's size."""
        fitted = self._inputs.fitted
        if image.shape == fitted.content.shape:
            return image
        image = resize(image, fitted.size)
        if fitted.covered is None:
            return image
        # Unpainted parts keep the full resolution of the photo.
        return np.where(fitted.covered[None, :, :, None] > 0, image, fitted.content)

    def save_snapshot(self, path: Path, image: np.ndarray) -> None:
        """Write a snapshot; a snapshot that cannot be written causes a warning."""
        try:
            self.save_picture(path, image)
        except Exception as error:
            warnings.warn(_problem(path, error))

    def save_all(self, image: np.ndarray) -> tuple[Path | None, list[str]]:
        """Write every output that can be written.

        If the picture's directory has become unusable, the picture is written to a temporary
        directory. If a file has taken an output's name since the run began, the output gets the
        next free name. An output that cannot be written does not affect the others, even if the
        reason is a bug.

        Returns:
            The path of the picture, `None` if it could not be written, and what went wrong.
        """
        saved: Path | None = None
        problems: list[str] = []
        try:
            saved = self._save(self._paths.picture, lambda path: self.save_picture(path, image))
        except Exception as error:
            problems.append(_problem(self._paths.picture, error))
            saved = self._save_elsewhere(image)
        for path, write in (
            (self._paths.history, lambda path: self.history.save(path, self._paths.overwrite)),
            (self._paths.figure, lambda path: self._save_figure(path, image)),
            (self._paths.timelapse, lambda path: self._save_timelapse(path, image)),
        ):
            try:
                if path:
                    self._save(path, write)
            except Exception as error:
                problems.append(_problem(path, error))
        return saved, problems

    def _save(self, path: Path, write: Callable[[Path], None]) -> Path:
        """Write a file and return its path, which is the next free one if the name is taken."""
        while True:
            try:
                write(path)
                return path
            except FileExistsError:
                taken, path = path, free_name(path)
                warnings.warn(f"{taken} now exists: {path} is written instead")

    def _save_elsewhere(self, image: np.ndarray) -> Path | None:
        """Write the picture to a temporary directory and return its path, or `None` on failure."""
        try:
            path = Path(tempfile.mkdtemp(prefix="nst_tf-")) / "picture.png"
            self.save_picture(path, image)
        except Exception:  # the first attempt has reported a bug
            return None
        return path

    def _save_figure(self, path: Path, image: np.ndarray) -> None:
        rows, overwrite = self.history.rows, self._paths.overwrite
        save_run_figure(path, self._contents, self._styles, image, rows, overwrite)

    def _save_timelapse(self, path: Path, image: np.ndarray) -> None:
        assert self.timelapse
        self.timelapse.save(path, self._full_size(image), self._paths.overwrite)
