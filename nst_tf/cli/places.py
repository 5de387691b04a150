"""Paths that users name: addresses, pipes, and files that another program paints."""

import atexit
import functools
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from absl import flags

from nst_tf.cli.request import STDIO, Request
from nst_tf.utils.errors import UserError

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
FILE = "file://"

FILM_ENDINGS = frozenset(
    (".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts",
     ".ogv", ".ts", ".webm", ".wmv")
)  # fmt: skip


def locate(values: flags.FlagValues, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Replace `file://` and `~` in the values of flags that name files; see `located`."""
    for names, place in ((inputs, located), (outputs, _expanded)):
        for name in names:
            _replace(values[name], place)


def located(path: str) -> str:
    """Return the path of an input, perhaps `file://…` or with `~`; UserError for addresses."""
    place = _expanded(path)
    if ADDRESS.match(place) and not os.path.exists(place):
        raise UserError(f"{path} is an address: download the file and name it by its path")
    return place


def _expanded(path: str) -> str:
    if not path.startswith(("~", FILE)) or os.path.exists(path):
        return path
    if path.startswith("~"):
        return os.path.expanduser(path)
    host, slash, rest = path[len(FILE) :].partition("/")
    from urllib.request import url2pathname  # slow to import

    return path if host not in ("", "localhost") else url2pathname(slash + rest)


def _replace(flag: flags.Flag, place: Callable[[str], str]) -> None:
    if isinstance(flag.value, list):
        flag.value = list(map(place, flag.value))
    elif flag.value:
        flag.value = place(flag.value)


def read_pipes(request: Request) -> Request:
    """Return a request with files in place of stdin and pipes, deleted when the process ends.

    A pipe can be read only once, but a run reads its pictures several times.

    Raises:
        OSError: a pipe cannot be read, or stdin does not contain a picture.
        UserError: stdin is a terminal.
    """

    @functools.cache
    def place(path: str) -> str:
        return _stdin_picture() if path == STDIO else in_file(path)

    return request.with_pictures(place)


def in_file(path: str) -> str:
    """Return a path, or that of a copy if it is a pipe, deleted when the process ends."""
    if not _is_pipe(path):
        return path
    with open(path, "rb") as pipe:
        return _copied(pipe, os.path.basename(path))


def _is_pipe(path: str) -> bool:
    with suppress(OSError):
        return stat.S_ISFIFO(os.stat(path).st_mode)
    return False


def copy_stdin(what: str = "a picture") -> str:
    """Return the path of a copy of stdin, which is deleted when the process ends.

    Args:
        what: what stdin should contain, for the refusal of a terminal.

    Raises:
        UserError: stdin is a terminal.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError(f"- stands for stdin, which is a terminal: pipe {what} into the command")
    with open(os.dup(sys.stdin.fileno()), "rb") as pipe:
        return _copied(pipe, "stdin")


def _stdin_picture() -> str:
    """Return a copy of stdin, which must be a picture: later errors would name the copy."""
    copy = copy_stdin()
    from nst_tf.images.decode import upright_size

    try:
        upright_size(copy)
    except (OSError, UserError) as error:
        raise type(error)(str(error).replace(copy, "stdin")) from None
    return copy


def temporary_place(name: str) -> str:
    """Return a path in a new directory, which is deleted when the process ends."""
    directory = tempfile.mkdtemp(prefix="nst_tf-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return os.path.join(directory, name)


def _copied(pipe: IO[bytes], name: str) -> str:
    copy = temporary_place(name)
    with open(copy, "wb") as file:
        shutil.copyfileobj(pipe, file)
    return copy


def check_photo(path: str) -> None:
    """Refuse a photo that is a film or a folder; the text names the program that paints it."""
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder: nst-tf-batch --content_dir {path} paints its photos")
    if is_film(path):
        raise UserError(f"{path} is a film: nst-tf-video paints it")


def check_painting(path: str) -> None:
    """Refuse a painting that is a folder or a film; the text says what to name instead."""
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder: name a painting in it")
    if is_film(path):
        raise UserError(f"{path} is a film: save a frame of it as a picture and name that")


def check_film(path: str) -> None:
    """Refuse a film that is a picture or a folder; the text names the program that paints it."""
    if os.path.isdir(path):
        raise UserError(
            f"{path} is a folder: name a film or a pattern such as "
            f"{os.path.join(path, 'frame_%05d.png')}; nst-tf-batch paints the pictures of a folder"
        )
    if os.path.isfile(path) and not is_film(path) and _is_still(path):
        raise UserError(f"{path} is a picture: nst-tf paints it")


def is_film(path: str) -> bool:
    """Return whether a path is a file with the extension of a film."""
    return Path(path).suffix.lower() in FILM_ENDINGS and os.path.isfile(path)


def _is_still(path: str) -> bool:
    from nst_tf.images.decode import open_picture

    with suppress(OSError, UserError, MemoryError), open_picture(path) as image:
        return getattr(image, "n_frames", 1) == 1
    return False
