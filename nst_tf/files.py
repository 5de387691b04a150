"""Files: outputs refused early if they cannot be written, then written whole or not at all."""

import errno
import io
import itertools
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nst_tf.errors import UserError

StrPath = str | os.PathLike[str]


def open_again(path: StrPath) -> IO[bytes]:
    """Open a file for reading; one in memory, which a decoder may be reading, has a twin opened."""
    # The twin shares the bytes: neither is written.
    return io.BytesIO(path.getvalue()) if isinstance(path, io.BytesIO) else open(path, "rb")


@contextmanager
def write_whole(path: StrPath, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when the block ends without error.

    The data reach the disk before the file takes its name. The target of a symbolic link is
    written and the link stays. An existing file's permission bits stay. Devices and pipes, which
    nothing can replace, are written directly.

    Args:
        path: where to write.
        overwrite: whether a file that is there already is replaced.

    Raises:
        FileExistsError: a file is there and must stay.
        OSError: the file cannot be written; the text says why.
    """
    target = _target(path)
    try:
        mode = _mode(target)
        if mode is not None and not stat.S_ISREG(mode):
            with open(target, "wb") as file:
                yield file
            return
        with _temporary(target.parent) as (temporary, file):
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()  # Windows renames closed files only
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            if overwrite:
                os.replace(temporary, target)
            else:
                _take_name(temporary, target)
            _sync_directory(target.parent)
    except FileExistsError:
        raise FileExistsError(f"{path} exists already: choose another name") from None
    except OSError as error:
        raise OSError(f"{path} cannot be written: {reason(error)}") from None


def reason(error: OSError) -> str:
    """Return why the system refuses something, and what to do if the disk is full."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{error.strerror or error}" + ", free some or choose another place" * full


def make_directory(path: StrPath) -> None:
    """Make a directory and those that it lies in, unless they are there.

    Raises:
        OSError: it cannot be made; the text says why.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OSError(f"directory {path} cannot be made: {reason(error)}") from None


@contextmanager
def _temporary(directory: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Create a file that no other process, thread or call uses, and remove what is left of it."""
    # The tempfile module makes files that only their owner can read. The name does not contain the
    # target's, which may be as long as the file system allows.
    path = directory / f".nst_tf-{secrets.token_hex(8)}.tmp"
    try:
        with open(path, "x+b") as file:  # some writers read back what they wrote
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _take_name(temporary: Path, target: Path) -> None:
    """Give a file another name, unless a file has it.

    Raises:
        FileExistsError: a file has it.
    """
    try:
        os.link(temporary, target)  # which never replaces a file, however close the race
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links
        if os.path.lexists(target):
            raise FileExistsError from None
        os.replace(temporary, target)


def free_name(path: StrPath, taken: Callable[[Path], bool] = os.path.lexists) -> Path:
    """Return a path or, if it is taken, the first of `STEM-2.EXT`, `STEM-3.EXT`, … that is not."""
    path = Path(path)
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], numbered) if not taken(name))


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power failure where the system can."""
    with suppress(OSError):  # Windows opens no directories; some file systems sync none
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_outputs(outputs: Iterable[StrPath], inputs: Iterable[StrPath]) -> None:
    """Check that every output can be written and destroys neither an input nor another output.

    Raises:
        OSError: a directory is missing or not writable, or an output is a directory.
        ValueError: an output would overwrite an input or another output.
    """
    taken = {_identity(path): f"the input {path}" for path in inputs}
    for path in outputs:
        identity = _identity(path)
        if identity in taken:
            raise UserError(f"{path} would overwrite {taken[identity]}: choose another name")
        taken[identity] = f"the output {path}"
        target = _target(path)
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


def _target(path: StrPath) -> Path:
    """Return the file that `path` leads to: the end of a chain of symbolic links."""
    return Path(os.path.realpath(path) if os.path.islink(path) else path)


def _mode(path: Path) -> int | None:
    """Return the type and permission bits of a file, or None if it does not exist."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _identity(path: StrPath) -> object:
    """Return a value that two paths share exactly if they lead to the same file."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
