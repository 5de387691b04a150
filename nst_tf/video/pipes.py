"""Films from stdin and to stdout, by way of files.

A film is read several times, for its times, its frames and its sound, and most containers are
finished at their beginning, so neither end of a run can be a pipe itself.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from absl import flags

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.places import copy_stdin, in_file, temporary_place
from nst_tf.cli.request import STDIO, check_stdin
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import STDOUT_PATH, write_whole
from nst_tf.utils.stdout import result_descriptor

FILES = ("content", "style", "content_mask")
"""The flags that name films and pictures to read."""

FORMATS = ("mp4", "mov", "m4v", "mkv", "webm", "gif")


def writes_to_stdout(values: flags.FlagValues) -> bool:
    """Return whether the film goes to stdout."""
    return values.output in (STDIO, STDOUT_PATH)


def check_pipes(values: flags.FlagValues) -> None:
    """Refuse flags that contradict pipes, with a UsageError."""
    check_stdin([name for name in FILES for path in paths_of(values[name]) if path == STDIO])
    if values.format and not writes_to_stdout(values):
        raise UsageError(
            f"--format {values.format} is for --output -: name the film with the ending "
            f".{values.format} instead"
        )
    if values.format and values.format not in FORMATS:
        raise UsageError(f"--format {values.format!r} is not one of {', '.join(FORMATS)}")
    if not writes_to_stdout(values):
        return
    if values.json:
        raise UsageError("--json and --output - both write to stdout: name a film by --output")
    if values.resume:
        raise UsageError("--resume keeps its frames beside a film: name one by --output")
    if values.ray:
        raise UsageError("--ray keeps its frames beside a film: name one by --output")
    if os.isatty(result_descriptor()):
        raise UsageError("--output - is a terminal: redirect it, as in -o - > film.mp4")


@contextmanager
def through_files(values: flags.FlagValues) -> Iterator[bool]:
    """Put the paths of files in place of pipes, deleted when the process ends.

    Errors of the block name stdin instead of its copy.

    Yields:
        whether the film goes to stdout.

    Raises:
        OSError: a pipe cannot be read.
        UserError: stdin is a terminal, or a cluster would have to read it.
    """
    copies: dict[str, str] = {}

    def placed(path: str) -> str:
        if path != STDIO:
            return in_file(path)
        if values.ray:
            raise UserError("- stands for stdin, which a cluster cannot read: name a file")
        copy = copy_stdin("a film")
        copies[copy] = "stdin"
        return copy

    for name in FILES:
        flag = values[name]
        paths = list(map(placed, paths_of(flag)))
        flag.value = paths if isinstance(flag.value, list) else flag.value and paths[0]
    piped = writes_to_stdout(values)
    if piped:
        place = temporary_place(f"stdout.{values.format or FORMATS[0]}")
        values["output"].value = place
        copies[place] = STDOUT_PATH
    try:
        yield piped
    except (OSError, UserError) as error:
        text = str(error)
        for copy, name in copies.items():
            text = text.replace(copy, name)
        raise type(error)(text) from None


def copy_to_stdout(path: str) -> None:
    """Copy a file to stdout; a reader that has gone away is not an error."""
    with write_whole(STDOUT_PATH) as end, open(path, "rb") as film:
        shutil.copyfileobj(film, end)


def paths_of(flag: flags.Flag) -> list[str]:
    """Return the paths that a flag names."""
    return flag.value if isinstance(flag.value, list) else [flag.value] if flag.value else []
