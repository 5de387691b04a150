"""What a run writes: its picture, snapshots, history, figure and time-lapse."""

import importlib.util
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from nst_tf.callbacks import Snapshots, TimeLapse, save_run_figure
from nst_tf.callbacks.history import History
from nst_tf.callbacks.timelapse import check_film
from nst_tf.cli.inputs import Inputs
from nst_tf.images.resize import resize
from nst_tf.images.save import output_format, save_image
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import (
    check_outputs,
    check_writable,
    free_name,
    is_stream,
    joined_name,
    shortened,
)

FIGURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class OutputPaths:
    """Where a run writes.

    Attributes:
        picture: the result.
        history: the losses, or None.
        figure: the drawing of pictures and losses, or None.
        timelapse: the film of the run, or None.
        snapshots: the directory of the snapshots, or None.
        tensorboard: the directory of what TensorBoard shows, or None.
        bit_depth: bits a channel of the result and the snapshots.
        overwrite: whether files that are there already are replaced.
        checkpoint: from which the run goes on if it is there, and which it keeps; or None.
    """

    picture: Path
    history: Path | None
    figure: Path | None
    timelapse: Path | None
    snapshots: Path | None
    tensorboard: Path | None
    bit_depth: int
    overwrite: bool
    checkpoint: Path | None

    @classmethod
    def of(cls, values: flags.FlagValues) -> "OutputPaths":
        """Return what the flags name, and names that follow from the inputs for the rest.

        A name of the latter kind is the first that no file has, unless files are to be replaced.
        What an unfinished run has left is replaced when it goes on.
        """

        def steps(picture: Path) -> Path | None:
            named = values.snapshot_dir or picture.parent / shortened(f"{picture.stem}-steps")
            return Path(named) if values.snapshot_every else None

        def taken(picture: Path) -> bool:
            if values.resume and _checkpoint(picture).exists():
                return False
            follows = not values.snapshot_dir
            return os.path.lexists(picture) or (follows and _snapshots_in(steps(picture)))

        picture = Path(values.output or _default_name(values))
        if not values.output and not values.overwrite:
            picture = free_name(picture, taken)
        checkpoint = _checkpoint(picture) if values.resume else None
        return cls(
            picture,
            Path(values.history) if values.history else None,
            Path(values.figure) if values.figure else None,
            Path(values.timelapse) if values.timelapse else None,
            steps(picture),
            Path(values.tensorboard_dir) if values.tensorboard_dir else None,
            values.bit_depth,
            values.overwrite or bool(checkpoint and checkpoint.exists()),
            checkpoint,
        )

    def check(self, inputs: Sequence[str]) -> None:
        """Refuse outputs that cannot be written or would replace what must stay.

        Args:
            inputs: the files that the run reads.

        Raises:
            OSError: a directory is missing or not writable, or a file is there already.
            ValueError: a name has the wrong ending or is taken, or a package is missing.
        """
        output_format(self.picture, self.bit_depth)
        if self.figure and self.figure.suffix.lower() not in FIGURES:
            raise UserError(f"--figure {self.figure} must end in one of {' '.join(FIGURES)}")
        if self.figure and importlib.util.find_spec("matplotlib") is None:
            raise UserError("--figure needs matplotlib: run pip install matplotlib")
        if self.timelapse:
            check_film(self.timelapse)
        files = [self.picture, *filter(None, (self.history, self.figure, self.timelapse))]
        check_outputs([*files, *filter(None, [self.checkpoint])], inputs)
        self._check_existing(files)
        if self.tensorboard:
            parents = (self.tensorboard, *self.tensorboard.absolute().parents)
            nearest = next(path for path in parents if path.exists())
            if not nearest.is_dir():
                raise NotADirectoryError(f"{nearest} is a file: name another --tensorboard_dir")
            check_writable(nearest)
        if self.snapshots:
            if self.snapshots.exists() and not self.snapshots.is_dir():
                raise NotADirectoryError(f"{self.snapshots} is a file: name another --snapshot_dir")
            check_writable(self.snapshots if self.snapshots.exists() else self.snapshots.parent)
            for path in (self.picture, *map(Path, inputs)):
                if Snapshots.NAME.fullmatch(path.name) and (
                    path.parent.resolve() == self.snapshots.resolve()
                ):
                    raise UserError(f"a snapshot may overwrite {path}: name another --snapshot_dir")

    def _check_existing(self, files: Sequence[Path]) -> None:
        if self.overwrite:
            return
        for path in files:
            if path.is_file() and not is_stream(path):
                raise FileExistsError(f"{path} exists: choose another name or add --overwrite")
        if _snapshots_in(self.snapshots):
            raise FileExistsError(
                f"{self.snapshots} holds snapshots: name another --snapshot_dir or add --overwrite"
            )


def _checkpoint(picture: Path) -> Path:
    return picture.parent / shortened(f"{picture.name}.checkpoint")


def _snapshots_in(directory: Path | None) -> bool:
    """Return whether a directory holds snapshots of an earlier run."""
    if directory is None or not directory.is_dir():
        return False
    return any(Snapshots.NAME.fullmatch(path.name) for path in directory.iterdir())


def _default_name(values: flags.FlagValues) -> str:
    stems = [Path(path).stem for path in (values.content, *(values.style or ())) if path]
    if not values.content:
        stems.append("texture")
    elif not values.style:
        stems.append("reconstruction")
    return joined_name(stems, ".png")


def _problem(path: Path | None, error: Exception) -> str:
    """Return in a line why an output cannot be written; a bug shows its traceback too."""
    if isinstance(error, (OSError, UserError)):
        return str(error)
    traceback.print_exception(error)
    return f"{path} cannot be written: {type(error).__name__}: {error}"


class Outputs:
    """Writes what a run has made.

    Args:
        paths: where to write.
        inputs: the pictures that the run is made from.
        contents: those of them that the figure shows as content.
        styles: those of them that the figure shows as styles.
        metadata: returns what the picture carries.
        history_layers: whether the history tells what each layer adds to the losses.

    Attributes:
        history: the callback that collects what the history and the figure show.
        timelapse: the callback that collects what the film shows, if there is to be one.
    """

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
            FileExistsError: a file is there and must stay.
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
        )

    def _full_size(self, image: np.ndarray) -> np.ndarray:
        """Return an image of any scale at the result's size."""
        fitted = self._inputs.fitted
        if image.shape == fitted.content.shape:
            return image
        image = resize(image, fitted.size)
        if fitted.covered is None:
            return image
        # What stays the photo keeps its full resolution.
        return np.where(fitted.covered[None, :, :, None] > 0, image, fitted.content)

    def save_snapshot(self, path: Path, image: np.ndarray) -> None:
        """Write a snapshot; a run does not end because one cannot be written."""
        try:
            self.save_picture(path, image)
        except Exception as error:
            warnings.warn(_problem(path, error))

    def save_all(self, image: np.ndarray) -> tuple[Path | None, list[str]]:
        """Write every output that can be written.

        If the picture's place has become unusable, the picture goes to a temporary directory. If a
        file has taken an output's name since the run began, the output gets the next free one. An
        output that cannot be written costs none of the others, even if a bug is the reason.

        Returns:
            Where the picture is, None if it is nowhere, and what went wrong.
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
        """Write a file and return its path: another one if a file has taken the name."""
        while True:
            try:
                write(path)
                return path
            except FileExistsError:
                taken, path = path, free_name(path)
                warnings.warn(f"a file has taken the name {taken}: {path} is written instead")

    def _save_elsewhere(self, image: np.ndarray) -> Path | None:
        """Write the picture to a temporary directory and return its path, or None if it is full."""
        try:
            path = Path(tempfile.mkdtemp(prefix="nst_tf-")) / "picture.png"
            self.save_picture(path, image)
        except Exception:  # the first attempt has told of a bug
            return None
        return path

    def _save_figure(self, path: Path, image: np.ndarray) -> None:
        rows, overwrite = self.history.rows, self._paths.overwrite
        save_run_figure(path, self._contents, self._styles, image, rows, overwrite)

    def _save_timelapse(self, path: Path, image: np.ndarray) -> None:
        assert self.timelapse
        self.timelapse.save(path, self._full_size(image), self._paths.overwrite)
