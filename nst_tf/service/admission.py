"""How many runs go on at once, and how much memory they take together."""

import threading

from nst_tf.gate import Gate


class Admission:
    """Runs go in one after another, in the order in which they came.

    Args:
        runs: that go on at once, at most.
        memory: bytes that they take together, at most; one alone may take more.
    """

    def __init__(self, runs: int, memory: int) -> None:
        self._gate = Gate()
        self._most, self._memory = runs, memory
        self._running = self._held = 0

    def enter(self, need: int, cancel: threading.Event | None = None) -> bool:
        """Wait until a run that takes `need` bytes may begin; False if it was cancelled."""

        def may() -> bool:
            fits = self._held + need <= self._memory or not self._running
            return self._running < self._most and fits

        return self._gate.enter(may, lambda: self._count(1, need), cancel)

    def leave(self, need: int) -> None:
        """Let the next one in."""
        self._gate.leave(lambda: self._count(-1, -need))

    def _count(self, runs: int, memory: int) -> None:
        self._running += runs
        self._held += memory
