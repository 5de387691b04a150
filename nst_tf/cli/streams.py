"""Output of the programs, to streams that may be closed or missing."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from nst_tf.cli.arguments import UsageError
from nst_tf.utils.errors import UserError
from nst_tf.utils.stderr import STDERR, own_stderr


def print_out(text: str) -> int:
    """Write to stdout, unless it is closed, and return 0."""
    with suppress(OSError):  # a closed pipe
        print(text, flush=True)
    return 0


def print_error(message: str, status: int) -> int:
    """Write a line to stderr and return `status`."""
    with suppress(OSError):  # the terminal may be gone
        print(f"nst_tf: {message}", file=sys.stderr)
    return status


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print each warning of the block as one line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print_error(f"warning: {message}", 0)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def exit_status(body: Callable[[], int], stopped: str) -> int:
    """Return the exit status of a program's body, and print errors as one line.

    The status is 2 for misused flags, 1 for bad input, and 130 for a Ctrl-C before the program
    handles signals, which prints `stopped`. Any other exception is a bug and shows its traceback.
    """
    try:
        with warnings_on_stderr():
            return body()
    except UsageError as error:
        return print_error(f"{error} (--help shows the flags)", 2)
    except (OSError, UserError) as error:
        for line in str(error).splitlines():  # a batch names each row that is not valid
            print_error(line, 1)
        return 1
    except KeyboardInterrupt:
        return print_error(stopped, 130)


def open_missing() -> None:
    """Open the null device in place of streams that are missing, as they are for services.

    Otherwise the next files to be opened would get the descriptors of stdout and stderr, and
    libraries would print into these files.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(descriptor, True)  # for worker processes
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def run_program(main: Callable[[list[str]], int]) -> None:
    """Run a program's `main` with the words of the command line, and exit with its status."""
    open_missing()
    own_stderr()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our characters
    status = main(sys.argv)
    try:
        sys.stdout.flush()
    except OSError:  # the reader is gone; Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


NOTHING_TO_SAVE = "stopped before the first step: there is nothing to save"
