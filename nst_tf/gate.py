"""A gate that lets threads through in the order in which they came."""

import threading
from collections import deque
from collections.abc import Callable

POLL = 0.05  # seconds between two looks at an event that ends the waiting


class Gate:
    """Threads wait in line; the first of them goes in as soon as it may.

    What makes room for the next one is changed by the functions given to `enter` and `leave`, which
    are called one at a time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    def enter(
        self,
        may: Callable[[], bool],
        take: Callable[[], None],
        cancel: threading.Event | None = None,
    ) -> bool:
        """Wait in line, then take what is needed.

        Args:
            may: whether there is room; asked when the caller is the first in line.
            take: takes the room.
            cancel: ends the waiting when it is set.

        Returns:
            Whether the caller went in: False if it was cancelled.
        """
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not may():
                    if cancel is not None and cancel.is_set():
                        return False
                    self._changed.wait(None if cancel is None else POLL)
                take()
                return True
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def leave(self, give: Callable[[], None]) -> None:
        """Give back what was taken."""
        with self._changed:
            give()
            self._changed.notify_all()
