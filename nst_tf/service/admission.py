"""The number of concurrent runs and the memory that they use together."""

import threading
import weakref
from typing import Protocol

from nst_tf.utils.locks import PATIENT, Gate, Patience


class Idler(Protocol):
    """A run that may give up its place."""

    def end_if_idle(self) -> None:
        """End the run if its owner has not asked for a step for too long."""


class Admission:
    """A gate for runs, which enter in the order in which they came.

    Args:
        runs: maximum number of concurrent runs.
        memory: maximum number of bytes that they use together; a single run may use more.
        patience: the limits of waiting.
    """

    def __init__(self, runs: int, memory: int, patience: Patience = PATIENT) -> None:
        self._gate = Gate()
        self._most, self._memory, self._patience = runs, memory, patience
        self._running = self._held = 0
        self._idlers: weakref.WeakSet[Idler] = weakref.WeakSet()
        self._listing = threading.Lock()

    def watch(self, idler: Idler) -> None:
        """Let a run be asked for its place while others wait."""
        with self._listing:
            self._idlers.add(idler)

    def enter(self, need: int, cancel: threading.Event | None = None) -> bool:
        """Wait until a run that needs `need` bytes may begin; False if it was cancelled.

        Raises:
            BusyError: it may not wait, or not any longer.
        """

        def room() -> bool:
            fits = self._held + need <= self._memory or not self._running
            return self._running < self._most and fits

        def may() -> bool:
            if not room():
                self._end_idle()
            return room()

        return self._gate.enter(may, lambda: self._count(1, need), cancel, self._patience)

    def leave(self, need: int) -> None:
        """Let the next run in."""
        self._gate.leave(lambda: self._count(-1, -need))

    def _end_idle(self) -> None:
        with self._listing:
            idlers = list(self._idlers)
        for idler in idlers:
            idler.end_if_idle()

    def _count(self, runs: int, memory: int) -> None:
        self._running += runs
        self._held += memory
