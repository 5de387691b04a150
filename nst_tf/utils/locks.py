"""A waiting line for threads."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from nst_tf.utils.describe import counted
from nst_tf.utils.errors import BusyError

POLL = 0.05  # seconds between checks of an event that ends the waiting
RECHECK = 0.5  # seconds between checks of conditions that change with time


@dataclass(frozen=True)
class Patience:
    """The limits of waiting in line.

    Attributes:
        seconds: maximum wait of each thread; 0: no limit.
        length: maximum number of threads that wait at a time; `None` for no limit.
    """

    seconds: float = 0.0
    length: int | None = None

    def check(self, ahead: int, waited: float) -> None:
        """Refuse a thread that has waited for some seconds behind `ahead` other ones.

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


class WaitingLine:
    """Threads wait in line for a place; the first of them gets it as soon as there is one.

    The functions given to `place` may change shared state: they are called one at a time.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def place(
        self,
        is_free: Callable[[], bool],
        take: Callable[[], None],
        give_back: Callable[[], None],
        cancel: threading.Event | None = None,
        patience: Patience = PATIENT,
    ) -> Iterator[bool]:
        """Wait in line for a place, and hold it for the block.

        Args:
            is_free: returns whether there is a place; called while the thread is the first in line,
                at every change and from time to time.
            take, give_back: take the place, and give it back after the block.
            cancel: ends the waiting when it is set.
            patience: the limits of waiting.

        Yields:
            Whether the thread has a place: False if it was cancelled.

        Raises:
            BusyError: the thread may not wait, or not any longer.
        """
        has_place = self._wait(is_free, take, cancel, patience)
        try:
            yield has_place
        finally:
            if has_place:
                with self._changed:
                    give_back()
                    self._changed.notify_all()

    def _wait(
        self,
        is_free: Callable[[], bool],
        take: Callable[[], None],
        cancel: threading.Event | None,
        patience: Patience,
    ) -> bool:
        ticket, came = object(), time.monotonic()
        with self._changed:
            ahead = len(self._line)
            self._line.append(ticket)
            try:
                while self._line[0] is not ticket or not is_free():
                    if cancel is not None and cancel.is_set():
                        return False
                    patience.check(ahead, time.monotonic() - came)
                    self._changed.wait(RECHECK if cancel is None else POLL)
                take()
                return True
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
