"""Estimates of the time of a run, corrected by the runs of this server."""

import math
import threading
import time
from dataclasses import replace

from nst_tf.images.resize import Size, fit_size
from nst_tf.page.limits import planned_scales
from nst_tf.page.runs import Run
from nst_tf.settings import Settings

# Fitted to the times of docs/performance.md, on two cores without bfloat16 instructions.
START = 2.0  # seconds before the first scale
SCALE = 3.0  # seconds in which a scale is compiled
STEP = 0.06  # seconds of a step of a tiny picture
MEGAPIXEL = 6.7  # seconds more for each million of a picture's pixels
STROKES, STROKES_MEGAPIXEL = 8.0, 2.0  # seconds of brushstrokes, and more for each million pixels

PREPARATION = 10.0  # seconds before the first picture, until one is measured
BOUND = 20.0  # maximum correction, in either direction


def modelled_seconds(settings: Settings, size: Size) -> float:
    """Return the seconds of a run on the machine of docs/performance.md.

    Args:
        settings: the settings of the run.
        size: height and width of the photo, pixels.
    """
    settings = replace(settings, max_dim=max(fit_size(*size, settings.max_dim)))
    shape = min(size) / max(size)
    seconds = START
    for side, steps in planned_scales(settings):
        seconds += SCALE + steps * (STEP + MEGAPIXEL * side * side * shape / 1e6)
    if settings.repaint:
        seconds += STROKES + STROKES_MEGAPIXEL * settings.max_dim**2 * shape / 1e6
    return min(seconds, settings.time_limit) if settings.time_limit else seconds


class Estimates:
    """Estimates of a server, which finished runs correct.

    Attributes:
        preparation: seconds from the start of a run to its first picture.
        changes: the number of corrections.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._factors: dict[str, float] = {}
        self._latest = 1.0
        self.preparation = PREPARATION
        self.changes = 0

    def measured(self, recipe: str) -> bool:
        """Return whether a run of a recipe has been measured here."""
        return recipe in self._factors

    def seconds(self, recipe: str, settings: Settings, size: Size) -> float:
        """Return the seconds that a run is expected to take here; `size` as in the model."""
        return modelled_seconds(settings, size) * self._factors.get(recipe, self._latest)

    def learn(self, run: Run) -> None:
        """Correct the estimates by a run that has ended, if it was painted at one go."""
        if run.status != "finished" or run.starts != 1 or not run.started or not run.modelled:
            return
        ratio = (time.monotonic() - run.started) / run.modelled
        ratio = min(max(ratio, 1 / BOUND), BOUND)
        recipe = run.order.recipe
        with self._lock:
            # The geometric mean halves the weight of each earlier run.
            self._latest = math.sqrt(self._factors.get(recipe, ratio) * ratio)
            self._factors[recipe] = self._latest
            self.preparation = (self.preparation + run.preparation) / 2
            self.changes += 1


def in_words(seconds: float) -> str:
    """Return a duration in one or two rounded units: `50 s`, `2 min`, `1 h 20 min`."""
    if seconds < 57:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    hours, minutes = divmod(10 * round(seconds / 600), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
