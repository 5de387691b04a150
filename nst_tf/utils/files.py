"""Output files: checked before a run, and written whole or not at all."""

import errno
import hashlib
import io
import itertools
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nst_tf.utils.errors import UserError
from nst_tf.utils.stderr import STDERR
from nst_tf.utils.stdout import result_descriptor

StrPath = str | os.PathLike[str]

LONGEST = 255  # bytes of a name, in all common file systems
ROOM = 24  # bytes reserved in a derived name for endings such as -2 and .checkpoint

STDOUT_PATH = "/dev/stdout"
"""The path that stands for the program's stdout on every system."""


def open_again(path: StrPath) -> IO[bytes]:
    """Open `path` for reading; duplicate a `BytesIO`, because a decoder may be reading it."""
    # Both share the bytes, which are not written.
    return io.BytesIO(path.getvalue()) if isinstance(path, io.BytesIO) else open(path, "rb")


@contextmanager
def write_whole(path: StrPath, overwrite: bool = True) -> Iterator[IO[bytes]]:
    """Open a temporary file next to `path` that replaces it when the block ends without error.

    The data reach the disk before the file is renamed. Of a symbolic link, the target is written.
    The permission bits of an existing file are kept. Devices and pipes cannot be replaced: they are
    written when the block ends. A pipe that is no longer read is not an error.

    Raises:
        FileExistsError: the file exists, and `overwrite` is False.
        OSError: the file cannot be written; the text has the reason.
    """
    target = _target(path)
    try:
        if is_stream(path):
            with _spooled(path) as file:
                yield file
            return
        mode = _mode(target)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
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
    """Return the system's reason for an error, with a remedy if the disk is full."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"{error.strerror or error}" + ", free some or choose another place" * full


def make_directory(path: StrPath) -> None:
    """Make a directory and its parents, unless they exist.

    Raises:
        OSError: the directory cannot be made; the text has the reason.
    """
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise OSError(f"directory {path} cannot be made: {reason(error)}") from None


def is_stream(path: StrPath) -> bool:
    """Return whether a path is a device, a pipe or an open descriptor such as /dev/stdout."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = _mode(Path(path))
    except OSError:  # a name that is too long, or a directory that cannot be read
        return False
    return mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path: StrPath) -> int | None:
    """Return the number of the open descriptor that a path names, or None.

    If stdout is a file, so is /dev/stdout. The file must not be replaced, and its contents must be
    kept.
    """
    name = os.path.splitdrive(os.path.abspath(path))[1].replace(os.sep, "/")
    if name == STDOUT_PATH:
        return result_descriptor()
    found = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", name)
    return int(found[1]) if found else STDERR if name == "/dev/stderr" else None


@contextmanager
def _spooled(path: StrPath) -> Iterator[IO[bytes]]:
    """Open a temporary file, which is seekable, and copy it to a stream at the end."""
    descriptor = _descriptor(path)
    with tempfile.NamedTemporaryFile(prefix="nst_tf-") as file:
        yield file
        file.seek(0)
        stream = path if descriptor is None else os.dup(descriptor)
        with suppress(BrokenPipeError), open(stream, "wb") as end:
            shutil.copyfileobj(file, end)


@contextmanager
def _temporary(directory: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Create a file with a unique name, and remove it at the end if it still exists."""
    # The tempfile module makes files that only their owner can read. The name does not contain the
    # target's name, which may have the maximum length.
    path = directory / f".nst_tf-{secrets.token_hex(8)}.tmp"
    try:
        with open(path, "x+b") as file:  # some writers read back what they wrote
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _take_name(temporary: Path, target: Path) -> None:
    """Rename a file; FileExistsError: the new name exists."""
    try:
        os.link(temporary, target)  # never replaces a file, even in a race
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links
        if os.path.lexists(target):
            raise FileExistsError from None
        os.replace(temporary, target)


def free_name(path: StrPath, taken: Callable[[Path], bool] = os.path.lexists) -> Path:
    """Return a path or, if it is taken, the first free name of `STEM-2.EXT`, `STEM-3.EXT`, …."""
    path = Path(path)
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in itertools.count(2))
    return next(name for name in itertools.chain([path], numbered) if not taken(name))


def shortened(name: str, spare: int = 0) -> str:
    """Return a file's name, shortened if it is too long for file systems with `spare` more bytes.

    The ending is kept. A shortened name contains a checksum of the whole name, so different names
    remain different.
    """
    stem, ending = os.path.splitext(name)
    room = LONGEST - spare - len(os.fsencode(ending))
    if len(os.fsencode(stem)) <= room:
        return name
    mark = f"-{_mark(name)}"
    return _cut(stem, room - len(mark)) + mark + ending


def joined_name(stems: Iterable[str], ending: str) -> str:
    """Return `STEM-STEM.EXT`, with stems cut to leave room for a number and further endings."""
    stems = list(stems)
    name = "-".join(stems)
    room = LONGEST - ROOM - len(ending)
    if len(os.fsencode(name)) > room:
        mark = _mark(name)
        each = max(0, (room - len(mark)) // len(stems) - 1)
        name = "-".join([*(_cut(stem, each) for stem in stems), mark])
    return shortened(name + ending)


def _mark(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _cut(text: str, length: int) -> str:
    """Return the start of a text that fits into `length` bytes, in whole characters."""
    return os.fsencode(text)[:length].decode(errors="ignore")


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power failure if the system supports it."""
    with suppress(OSError):  # Windows cannot open directories; some file systems cannot sync them
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_outputs(outputs: Iterable[StrPath], inputs: Iterable[StrPath]) -> None:
    """Check that every output can be written and overwrites neither an input nor another output.

    Raises:
        OSError: a directory is missing or not writable, or an output is a directory.
        ValueError: an output would overwrite an input or another output.
    """
    taken = {_identity(path): f"the input {path}" for path in inputs}
    for path in outputs:
        if (length := len(os.fsencode(os.path.basename(path)))) > LONGEST:
            raise UserError(f"{path} is a name of {length} bytes: use at most {LONGEST}")
        if is_stream(path):
            continue
        identity = _identity(path)
        if identity in taken:
            raise UserError(f"{path} would overwrite {taken[identity]}: choose another name")
        taken[identity] = f"the output {path}"
        target = _target(path)
        if target.is_dir():
            raise IsADirectoryError(f"{path} is a directory: name a file in it")
        check_writable(target.parent)


def check_directory(directory: StrPath, flag: str) -> None:
    """Check that a directory that a flag names exists or can be made, and is writable.

    Raises:
        OSError: it is not.
    """
    path = Path(directory)
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(f"{nearest} is a file: name another --{flag}")
    check_writable(nearest)


def check_writable(directory: StrPath) -> None:
    """Check that files can be made in `directory`, by making one.

    Raises:
        OSError: the directory is missing or files cannot be made in it.
    """
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"directory {directory} does not exist: create it first")
    try:
        # Permissions are not sufficient: file systems may be read-only or full.
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise OSError(
            f"directory {directory} is not writable ({error.strerror}): choose another"
        ) from None


def _target(path: StrPath) -> Path:
    """Return the target of `path`: the end of a chain of symbolic links."""
    return Path(os.path.realpath(path) if os.path.islink(path) else path)


def _mode(path: Path) -> int | None:
    """Return the type and permission bits of a file, or None if it does not exist."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _identity(path: StrPath) -> object:
    """Return a value that two paths share if and only if they name the same file."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
