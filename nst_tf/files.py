"""Output files: refused early if they cannot be written, then written whole or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

StrPath = str | os.PathLike[str]


@contextmanager
def write_whole(path: StrPath) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when the block ends without error.

    Raises:
        OSError: the file cannot be written; the text says why.
    """
    target = Path(path)
    # Not tempfile: its files are readable by their owner alone. Not the target's name: it may be
    # as long as the file system allows.
    temporary = target.with_name(f".nst_tf-{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, target)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def check_outputs(outputs: Iterable[StrPath], inputs: Iterable[StrPath]) -> None:
    """Check that every output can be written and destroys neither an input nor another output.

    Raises:
        OSError: a directory is missing or not writable, or an output is a directory.
        ValueError: an output would overwrite an input or another output.
    """
    taken = {_identity(path): f"the input {path}" for path in inputs}
    for path in outputs:
        target = Path(path)
        identity = _identity(path)
        if identity in taken:
            raise ValueError(f"{path} would overwrite {taken[identity]}: choose another name")
        taken[identity] = f"the output {path}"
        if target.is_dir():
            raise IsADirectoryError(f"{path} is a directory: name a file in it")
        check_writable(target.parent)


def check_writable(directory: StrPath) -> None:
    """Check that files can be made in `directory`, by making one.

    Raises:
        OSError: the directory is missing or files cannot be made in it.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"directory {directory} does not exist: create it first")
    try:
        # Permissions alone do not tell: file systems may be read-only or full.
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise OSError(
            f"directory {directory} is not writable ({error.strerror}): choose another"
        ) from None


def _identity(path: StrPath) -> object:
    """Return what two paths share exactly if they lead to the same file, existing or not."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
