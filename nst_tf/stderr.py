"""What libraries written in C print to stderr, past Python."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TextIO


@contextmanager
def stderr_to(file: IO[bytes]) -> Iterator[None]:
    """Send what the process writes to the descriptor of stderr to a file.

    It is the whole process's: threads that do so at the same time take turns by a lock of theirs.
    """
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # closed already
        yield
        return
    try:
        os.dup2(file.fileno(), 2)
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def kept_stderr() -> Iterator[TextIO]:
    """Yield a stream to where `sys.stderr` goes now, whatever becomes of its descriptor."""
    try:
        shared = sys.stderr is not None and sys.stderr.fileno() == 2
    except (OSError, ValueError):  # a stream without a descriptor
        shared = False
    if not shared:
        yield sys.stderr
        return
    with open(os.dup(2), "w", buffering=1, errors="backslashreplace") as stream:
        yield stream
