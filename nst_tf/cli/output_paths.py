"""Paths of a run's outputs, and checks that they can be written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nst_tf.callbacks import Snapshots
from nst_tf.callbacks.timelapse import check_animation
from nst_tf.cli.request import Request
from nst_tf.images.save import output_format
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import (
    check_directory,
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
    """Where a run writes; checkpoint and network's picture are also what it starts from.

    `bit_depth` counts for the result and the snapshots, and `format` for a result whose name has no
    extension.
    """

    picture: Path
    history: Path | None
    figure: Path | None
    timelapse: Path | None
    snapshots: Path | None
    tensorboard: Path | None
    bit_depth: int
    format: str | None
    overwrite: bool
    checkpoint: Path | None
    network: Path | None = None

    @classmethod
    def of(cls, request: Request) -> "OutputPaths":
        """Return the paths that flags name, and names made from the inputs for the others.

        A run that resumes replaces what it has left.
        """
        picture = resolve_picture_path(request)
        checkpoint = _checkpoint(picture) if request.resume else None
        return cls(
            picture=picture,
            history=_path(request.history),
            figure=_path(request.figure),
            timelapse=_path(request.timelapse),
            snapshots=_snapshots_of(picture, request),
            tensorboard=_path(request.tensorboard_dir),
            bit_depth=request.bit_depth,
            format=request.format,
            overwrite=request.overwrite or bool(checkpoint and checkpoint.exists()),
            checkpoint=checkpoint,
            network=_path(request.network_picture),
        )

    def check(self, inputs: Sequence[str]) -> None:
        """Refuse outputs that cannot be written or would replace files that must be kept.

        Raises:
            OSError: a directory is missing or not writable, or a file exists.
            UserError: a name has the wrong extension or is an input's, or a package is missing.
        """
        output_format(self.picture, self.bit_depth, self.format)
        if self.figure and self.figure.suffix.lower() not in FIGURES:
            raise UserError(f"--figure {self.figure} must end in one of {' '.join(FIGURES)}")
        if self.timelapse:
            check_animation(self.timelapse)
        files = [self.picture, *filter(None, (self.history, self.figure, self.timelapse))]
        check_outputs([*files, *filter(None, [self.checkpoint, self.network])], inputs)
        self._check_existing(files)
        if self.tensorboard:
            check_directory(self.tensorboard, "tensorboard_dir")
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


def resolve_picture_path(request: Request) -> Path:
    """Return the path of the result: `--output`, or a name made from those of the inputs.

    Unless files are to be replaced, the latter is the first name that neither a file nor snapshots
    have, or the name of an unfinished run that is to be resumed.
    """
    if request.output:
        return Path(request.output)
    picture = Path(_default_name(request))
    return picture if request.overwrite else free_name(picture, lambda p: _is_taken(p, request))


def _is_taken(picture: Path, request: Request) -> bool:
    if request.resume and _checkpoint(picture).exists():
        return False
    if os.path.lexists(picture):
        return True
    return not request.snapshot_dir and _snapshots_in(_snapshots_of(picture, request))


def _path(named: str | None) -> Path | None:
    return Path(named) if named else None


def _checkpoint(picture: Path) -> Path:
    return picture.parent / shortened(f"{picture.name}.checkpoint")


def _snapshots_of(picture: Path, request: Request) -> Path | None:
    """Return the directory of a picture's snapshots, or `None` if there are to be none."""
    if not request.snapshot_every:
        return None
    return _path(request.snapshot_dir) or picture.parent / shortened(f"{picture.stem}-steps")


def _snapshots_in(directory: Path | None) -> bool:
    """Return whether a directory holds snapshots of an earlier run."""
    if directory is None or not directory.is_dir():
        return False
    return any(Snapshots.NAME.fullmatch(path.name) for path in directory.iterdir())


def _default_name(request: Request) -> str:
    stems = [Path(path).stem for path in (request.content, *request.style) if path]
    if not request.content:
        stems.append("texture")
    elif not request.style:
        stems.append("reconstruction")
    return joined_name(stems, ".png")
