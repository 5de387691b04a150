"""Time per step of a run, and estimates of its remaining and total time.

The estimate knows the parts of the run that are ahead, and learns from the steps that it has seen
how fast the machine is:

    step = speed · (CALLS + work)
    start of a later scale = speed · (TARGETS · work + before)
        + start of the first scale, if its steps need further graphs
    level of brushstrokes = speed · work

`work` and `before` are those of `RunPart`, in pixels, and the start of a scale is all that precedes
its first step. The constants are ratios of costs, fitted to records of `scripts/record_steps.py`.
"""

import statistics
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nst_tf.transfer.progress import Progress, RunPart

RECENT = 50
"""Number of recent steps whose mean is the time per step."""

CALLS = 3500.0
"""Pixels that the network computes in the time of a step's calls of TensorFlow."""

TARGETS = 1.5
"""Steps in whose time a scale sees the photo and the paintings, before its first step."""


def duration(seconds: float) -> str:
    """Return a duration in hours, minutes and seconds: `0:03:20`."""
    return str(timedelta(seconds=round(seconds)))


class Pace:
    """A callback that measures the steps and estimates the time that is left.

    Only steps that are observed from their beginning count: the first step of a resumed run ends
    after all the time that the run used before.

    Args:
        time_limit: of the run, seconds; 0: none.

    Attributes:
        step: seconds per step of this part; 0 until a step is measured.
        left: estimated remaining seconds of the run; `None`: unknown.
        whole: estimated seconds of the run; 0: unknown.
    """

    def __init__(self, time_limit: float = 0.0) -> None:
        self.step = self.whole = 0.0
        self.left: float | None = None
        self._time_limit = time_limit
        self._before: float | None = None
        self._part = 0
        self._seconds: list[float] = []  # of the steps of this part after its first
        self._speed = 0.0  # seconds for a pixel of work
        self._start = 0.0  # seconds of the start of the first scale

    def __call__(self, progress: "Progress") -> None:
        """Measure a step."""
        began = 0.0 if progress.step == 1 else self._before
        self._before = progress.seconds
        if progress.scale.number != self._part:
            self._part = progress.scale.number
            self._seconds.clear()
        if began is None:
            return
        own, *later = progress.parts[self._part - 1 :]
        self._learn(progress, own, progress.seconds - began)
        steps = own.steps - progress.scale_step
        if progress.step == 1 and (steps or later):
            return  # the step cannot be told from the start before it
        left = self.step * steps + sum(map(self._seconds_of, later))
        self.left = self._within_limit(left, progress.seconds)
        self.whole = self._within_limit(progress.seconds + left)

    def _learn(self, progress: "Progress", part: "RunPart", took: float) -> None:
        """Learn from a step that has been observed from its beginning."""
        if part.level:
            self.step, self._speed = took, took / part.work
            return
        if progress.step == 1:
            self._start = took
        if progress.scale_step > 1:
            self._seconds.append(took)
            self.step = statistics.fmean(self._seconds[-RECENT:])
            # The fastest steps have neither a line search nor many pairs of L-BFGS to combine.
            usual = sorted(self._seconds)[len(self._seconds) // 4]
        else:  # the first step of a scale includes the scale's start
            self.step = usual = self._speed * (CALLS + part.work) or took
        self._speed = usual / (CALLS + part.work)

    def _seconds_of(self, part: "RunPart") -> float:
        """Return the seconds of a part that has not begun."""
        if part.level:
            return self._speed * part.work
        start = self._speed * (TARGETS * part.work + part.before) + self._start * part.traced
        return start + self._speed * (CALLS + part.work) * part.steps

    def _within_limit(self, seconds: float, spent: float = 0.0) -> float:
        """Return a duration of the run, shortened to what remains of the time limit."""
        return max(0.0, min(seconds, self._time_limit - spent)) if self._time_limit else seconds
