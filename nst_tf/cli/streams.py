"""What the programs say, where nobody may be listening."""

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
    """Write to stdout, unless nobody reads it any more, and return 0."""
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
    """Show every warning of the block as a line."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print_error(f"warning: {message}", 0)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


def exit_status(body: Callable[[], int], stopped: str) -> int:
    """Return the exit status of a program's body, and say in a line what ended it early.

    2 for misused flags, 1 for bad input, 130 for a Ctrl-C that came before the program could act
    on it. Any other exception is a fault of the program: it passes and shows its traceback.

    Args:
        body: returns the exit status.
        stopped: what to say of such a Ctrl-C.
    """
    try:
        with warnings_on_stderr():
            return body()
    except UsageError as error:
        return print_error(f"{error} (--help tells how to start)", 2)
    except (OSError, UserError) as error:
        for line in str(error).splitlines():  # a batch names each row that is not valid
            print_error(line, 1)
        return 1
    except KeyboardInterrupt:
        return print_error(stopped, 130)


def open_missing() -> None:
    """Open the null device in place of streams that are missing, as those of services are.

    Otherwise the next files to be opened would have the descriptors of stdout and stderr, and
    libraries would print into them.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        os.set_inheritable(descriptor, True)  # for worker processes
    os.close(descriptor)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def run_program(main: Callable[[list[str]], int]) -> None:
    """Run a program's `main` with the words of the command line and exit with its status."""
    open_missing()
    own_stderr()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our characters
    status = main(sys.argv)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads any more; Python would complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


NOTHING_TO_SAVE = "stopped before the first step: there is nothing to save"
