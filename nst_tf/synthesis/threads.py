"""Rows shared among threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

STRIP = 16  # rows that a thread takes at once


class Rows:
    """Threads that share the rows of a picture.

    A loop writes each row from inputs that no thread changes, so the number of threads does not
    matter to the result.

    Args:
        threads: their number.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "synthesis")

    def __call__(self, loop: Callable[..., None], rows: int, *arguments: Any) -> None:
        """Call `loop(*arguments, top, bottom)` for all strips of `rows` rows."""

        def strip(top: int) -> None:
            loop(*arguments, top, min(top + STRIP, rows))

        for _ in self._pool.map(strip, range(0, rows, STRIP)):
            pass

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()
