"""What libraries written in C print to stderr, past Python."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


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
