"""The stdout of a program, reserved for its results."""

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from nst_tf.utils.stderr import STDERR

STDOUT = 1  # its descriptor

_reserved: int | None = None


def result_descriptor() -> int:
    """Return the descriptor that leads to the program's stdout."""
    return STDOUT if _reserved is None else _reserved


@contextlib.contextmanager
def stdout_for_results(reserved: bool = True) -> Iterator[None]:
    """Send all output of a block to stderr, except its results.

    Results are files that are called /dev/stdout, and what `print_json` writes. Everything else is
    redirected, including the output of C libraries and of child processes. The redirection is of
    the whole process, so only programs may use it.

    Args:
        reserved: whether to do so; otherwise the block runs as it is.
    """
    global _reserved
    if not reserved:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    _reserved = kept
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _reserved = None
        os.dup2(kept, STDOUT)
        os.close(kept)


def print_json(record: Mapping[str, Any]) -> None:
    """Write a record to the program's stdout as one line of JSON, unless it is closed.

    Numbers that are not finite become null, because JSON has only finite ones.
    """
    line = json.dumps(_finite(record), ensure_ascii=False) + "\n"
    with contextlib.suppress(OSError), open(os.dup(result_descriptor()), "wb") as stream:
        stream.write(line.encode(errors="backslashreplace"))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
