"""A gate that lets threads through in the order in which they came."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nst_tf.utils.describe import counted
from nst_tf.utils.errors import BusyError

POLL = 0.05  # seconds between two looks at an event that ends the waiting
RECHECK = 0.5  # seconds between two looks at what changes by time alone


@dataclass(frozen=True)
class Patience:
    """How long threads wait in line, and how many.

    Attributes:
        seconds: maximum wait of each thread; 0: no limit.
        length: maximum number of threads that wait at a time; None: no limit.
    """

    seconds: float = 0.0
    length: int | None = None

    def check(self, ahead: int, waited: float) -> None:
        """Refuse a thread that may not wait any longer.

        Args:
            ahead: threads that were in line when it came.
            waited: seconds since then.

        Raises:
            BusyError: the line is full, or the time is over.
        """
        if self.length is not None and ahead >= self.length:
            raise BusyError(
                f"{counted(ahead, 'run')} waiting already (max_waiting): try again later"
            )
        if 0 < self.seconds <= waited:
            raise BusyError(
                f"the run has waited for {self.seconds:g} s (wait_limit): try again later"
            )


PATIENT = Patience()


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
        patience: Patience = PATIENT,
    ) -> bool:
        """Wait in line, then take what is needed.

        Args:
            may: whether there is room; asked when the caller is the first in line, at every change
                and from time to time.
            take: takes the room.
            cancel: ends the waiting when it is set.
            patience: the limits of waiting.

        Returns:
            Whether the caller went in: False if it was cancelled.

        Raises:
            BusyError: it may not wait, or not any longer.
        """
        ticket, came = object(), time.monotonic()
        with self._changed:
            ahead = len(self._line)
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not may():
                    if cancel is not None and cancel.is_set():
                        return False
                    patience.check(ahead, time.monotonic() - came)
                    self._changed.wait(RECHECK if cancel is None else POLL)
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


class ProcessSetting:
    """A switch of the whole process that several threads may need in different positions.

    Threads that need it in one position hold it together; one that needs the other position waits
    until they are done, and those that come later wait behind it. When nobody holds it, it is as it
    was before.

    Args:
        read: returns its position.
        write: sets it.
    """

    def __init__(self, read: Callable[[], bool], write: Callable[[bool], None]) -> None:
        self._read, self._write = read, write
        self._gate = Gate()
        self._holders = 0
        self._position = self._before = False

    @contextmanager
    def at(self, position: bool) -> Iterator[None]:
        """Hold the switch in a position; a block that holds it must not ask for it again."""
        self._gate.enter(
            lambda: not self._holders or self._position == position, lambda: self._take(position)
        )
        try:
            yield
        finally:
            self._gate.leave(self._give)

    def _take(self, position: bool) -> None:
        if not self._holders:
            self._before, self._position = self._read(), position
            self._write(position)
        self._holders += 1

    def _give(self) -> None:
        self._holders -= 1
        if not self._holders:
            self._write(self._before)
