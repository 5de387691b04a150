"""Redirection of what C libraries print to stderr, past Python."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO

STDERR = 2  # its descriptor

_owned = False
_quiet = threading.Lock()


def own_stderr(owned: bool = True) -> None:
    """Let `stderr_to` redirect the stderr of this process, which must run one of our programs.

    In other programs that use the library, other threads may be writing to stderr.
    """
    global _owned
    _owned = owned


@contextmanager
def stderr_to(file: IO[bytes]) -> Iterator[None]:
    """Redirect the descriptor of stderr to a file during a block, if `own_stderr` allows it.

    The descriptor is process-wide: callers in several threads need a lock, as `quiet` has.
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
def quiet() -> Iterator[None]:
    """Discard what C libraries print during a block, for one thread at a time."""
    with _quiet, open(os.devnull, "wb") as nothing, stderr_to(nothing):
        yield


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
