"""How long the steps of a run take, and how long it will."""

import statistics
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.progress import Progress

RECENT = 50
"""Steps whose median gives the pace."""


def duration(seconds: float) -> str:
    """Return a duration in hours, minutes and seconds: `0:03:20`."""
    return str(timedelta(seconds=round(seconds)))


class Pace:
    """A callback that measures the steps of the scale that a run is at.

    Args:
        time_limit: of the run, seconds, or 0.

    Attributes:
        step: seconds that a step of this scale takes.
        left: seconds that the run still takes, by estimate.
        whole: seconds that it takes from its first step, by estimate.
    """

    def __init__(self, time_limit: float = 0.0) -> None:
        self.step = self.left = self.whole = 0.0
        self._time_limit = time_limit
        self._seconds: list[float] = []
        self._before = 0.0
        self._scale = 0

    def __call__(self, progress: "Progress") -> None:
        """Measure a step."""
        if progress.scale.number != self._scale:
            self._scale = progress.scale.number
            self._seconds.clear()
        self._seconds.append(progress.seconds - self._before)
        self._before = progress.seconds
        # A scale's first step compiles.
        self.step = statistics.median(self._seconds[1:][-RECENT:] or self._seconds)
        self.left = self._within_limit(self.step * progress.ahead, progress.seconds)
        self.whole = self._within_limit(self.step * (progress.step + progress.ahead))

    def _within_limit(self, seconds: float, spent: float = 0.0) -> float:
        """Return a time that the run takes, shortened to what the time limit leaves of it."""
        return max(0.0, min(seconds, self._time_limit - spent)) if self._time_limit else seconds
