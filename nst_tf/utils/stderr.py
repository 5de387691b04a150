"""Redirection of what C libraries print to stderr, past Python."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO

STDERR = 2  # its descriptor

_owned = False


def own_stderr(owned: bool = True) -> None:
    """Let `stderr_to` redirect the stderr of this process, which must run one of our programs.

    In other programs that use the library, other threads may be writing to stderr.
    """
    global _owned
    _owned = owned


@contextmanager
def stderr_to(file: IO[bytes]) -> Iterator[None]:
    """Redirect the descriptor of stderr to a file during a block, if `own_stderr` allows it.

    The descriptor is process-wide: callers in several threads need their own lock.
    """
    if not _owned:
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(STDERR)
    except OSError:  # closed already
        yield
        return
    try:
        os.dup2(file.fileno(), STDERR)
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(kept, STDERR)
        os.close(kept)


@contextmanager
def kept_stderr() -> Iterator[TextIO]:
    """Yield a stream to the current target of `sys.stderr`, even if that is redirected later."""
    try:
        shared = sys.stderr is not None and sys.stderr.fileno() == 2
    except (OSError, ValueError):  # a stream without a descriptor
        shared = False
    if not shared:
        yield sys.stderr
        return
    with open(os.dup(2), "w", buffering=1, errors="backslashreplace") as stream:
        yield stream
