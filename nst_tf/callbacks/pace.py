"""How long the steps of a run take, and how long it will."""

import statistics
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress

RECENT = 50
"""Steps whose median gives the pace."""


def duration(seconds: float) -> str:
    """Return a duration in hours, minutes and seconds: `0:03:20`."""
    return str(timedelta(seconds=round(seconds)))


class Pace:
    """A callback that measures the steps of the scale that a run is at.

    Only steps that it has seen from their beginning count: the first step of a resumed run ends
    after all the time that the run took before.

    Args:
        time_limit: of the run, seconds, or 0.

    Attributes:
        step: seconds that a step of this scale takes; 0 until one is measured.
        left: seconds that the run still takes, by estimate; None until a step is measured.
        whole: seconds that it takes from its first step, by estimate; 0 until then.
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
        """Return a time that the run takes, shortened to what the time limit leaves of it."""
        return max(0.0, min(seconds, self._time_limit - spent)) if self._time_limit else seconds
