"""What the programs say, and how they end."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


def say(text: str) -> int:
    """Write to stdout, unless nobody reads it any more, and return 0."""
    with suppress(OSError):  # a closed pipe
        print(text, flush=True)
    return 0


def fail(message: str, status: int) -> int:
    """Write a line to stderr and return `status`."""
    with suppress(OSError):  # the terminal may be gone
        print(f"nst_tf: {message}", file=sys.stderr)
    return status


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Show warnings for people as lines of the program's own."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        fail(f"warning: {message}", 0)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def end(main: Callable[[list[str]], int]) -> None:
    """Run a program and end the process with its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our characters
    status = main(sys.argv)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads any more; Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
