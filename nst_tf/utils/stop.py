"""Requests to end work before its end."""

from collections.abc import Callable


class StopRequest:
    """A request to end a run after its current step.

    Called, with any argument or none, it returns whether the request has been made, so it serves
    as a callback of a run and wherever a function is polled. A request cannot be withdrawn.

    Args:
        poll: returns whether the request has been made elsewhere, such as in another process.

    Attributes:
        signal: number of the signal that made the request, or `None`.
    """

    def __init__(self, poll: Callable[[], bool] | None = None) -> None:
        self.signal: int | None = None
        self._poll = poll
        self._requested = False

    @property
    def requested(self) -> bool:
        """Whether the request has been made."""
        if not self._requested and self._poll is not None:
            self._requested = self._poll()
        return self._requested

    def request(self, signal: int | None = None) -> None:
        """Make the request, by a signal's number or `None`; only the first one counts."""
        if not self._requested:
            self._requested, self.signal = True, signal

    def run_ended(self) -> None:
        """Accept no further request: the result is being saved."""

    def __call__(self, *_: object) -> bool:
        return self.requested
