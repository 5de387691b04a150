"""The number of concurrent runs and the memory that they use together."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from nst_tf.utils.locks import PATIENT, Patience, WaitingLine


class Idler(Protocol):
    """A run that may give up its place."""

    def end_if_idle(self) -> None:
        """End the run if its owner has not asked for a step for too long."""


class Admission:
    """The places for concurrent runs, given in the order in which the runs came.

    They use at most `memory` bytes together; a single run may use more.
    """

    def __init__(self, runs: int, memory: int, patience: Patience = PATIENT) -> None:
        self._line = WaitingLine()
        self._most, self._memory, self._patience = runs, memory, patience
        self._running = self._used = 0
        self._idlers: weakref.WeakSet[Idler] = weakref.WeakSet()
        self._listing = threading.Lock()

    def watch(self, idler: Idler) -> None:
        """Let a run be asked for its place while others wait."""
        with self._listing:
            self._idlers.add(idler)

    @contextmanager
    def place(self, need: int, cancel: threading.Event | None = None) -> Iterator[bool]:
        """Wait for a place for a run that needs `need` bytes, and hold it for the block.

        Yields whether there is a place: False if `cancel` was set before. A BusyError reports that
        the run may not wait, or not any longer.
        """

        def is_free() -> bool:
            if not self._fits(need):
                self._end_idle()
            return self._fits(need)

        def take() -> None:
            self._count(1, need)

        def give_back() -> None:
            self._count(-1, -need)

        with self._line.place(is_free, take, give_back, cancel, self._patience) as has_place:
            yield has_place

    def _fits(self, need: int) -> bool:
        enough = self._used + need <= self._memory or not self._running
        return self._running < self._most and enough

    def _end_idle(self) -> None:
        with self._listing:
            idlers = list(self._idlers)
        for idler in idlers:
            idler.end_if_idle()

    def _count(self, runs: int, memory: int) -> None:
        self._running += runs
        self._used += memory
