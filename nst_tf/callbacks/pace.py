"""Time per step of a run, and estimates of its remaining and total time."""

import statistics
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

RECENT = 50
"""Number of recent steps whose median is the time per step."""


def duration(seconds: float) -> str:
    """Return a duration in hours, minutes and seconds: `0:03:20`."""
    return str(timedelta(seconds=round(seconds)))


class Pace:
    """A callback that measures the steps of the current scale.

    Only steps that are observed from their beginning count: the first step of a resumed run ends
    after all the time that the run used before.

    Args:
        time_limit: of the run, seconds; 0: none.

    Attributes:
        step: seconds per step of this scale; 0 until a step is measured.
        left: estimated remaining seconds of the run; `None` until a step is measured.
        whole: estimated seconds of the run from its first step; 0 until a step is measured.
    """

    def __init__(self, time_limit: float = 0.0) -> None:
        self.step = self.whole = 0.0
        self.left: float | None = None
        self._time_limit = time_limit
        self._seconds: list[float] = []
        self._before: float | None = None
        self._scale = 0

    def __call__(self, progress: "Progress") -> None:
        """Measure a step."""
        if progress.scale.number != self._scale:
            self._scale = progress.scale.number
            self._seconds.clear()
        began = 0.0 if progress.step == 1 else self._before
        self._before = progress.seconds
        if began is None:
            return
        self._seconds.append(progress.seconds - began)
        # A scale's first step compiles.
        self.step = statistics.median(self._seconds[1:][-RECENT:] or self._seconds)
        self.left = self._within_limit(self.step * progress.remaining, progress.seconds)
        self.whole = self._within_limit(self.step * (progress.step + progress.remaining))

    def _within_limit(self, seconds: float, spent: float = 0.0) -> float:
        """Return a duration of the run, shortened to what remains of the time limit."""
        return max(0.0, min(seconds, self._time_limit - spent)) if self._time_limit else seconds
