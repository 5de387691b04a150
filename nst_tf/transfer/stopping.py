"""When a run ends before its last step, and which epoch a step belongs to."""

from nst_tf.inputs.pyramid import Scale
from nst_tf.settings import Settings

WINDOW = 10
"""Steps over which `has_plateaued` takes means: Adam's first steps rise, and it jitters."""


def push_loss(window: tuple[float, ...], loss: float) -> tuple[float, ...]:
    """Return the losses that `has_plateaued` looks at, after one more step."""
    return (*window, loss)[-2 * WINDOW :]


def has_plateaued(window: tuple[float, ...], min_gain: float) -> bool:
    """Return whether a scale should end, because steps lower its loss too little.

    That is when the mean loss of the last ten steps is less than the share `min_gain` below that of
    the ten before them. With `min_gain` 0, nothing ends a scale.
    """
    if not min_gain or len(window) < 2 * WINDOW:
        return False
    before, after = sum(window[:WINDOW]), sum(window[WINDOW:])
    return before - after < min_gain * before


def epoch_of(settings: Settings, scale: Scale, total: int, scale_step: int, spent: float) -> int:
    """Return the epoch, from 0, whose weights a step uses.

    Ramps stretch over the whole run; where time is limited, they hurry as the time does.

    Args:
        settings: of the run.
        scale: the one at hand.
        total: steps planned for the whole run.
        scale_step: steps done at this scale.
        spent: seconds since the run began.
    """
    epoch = settings.epochs * (scale.steps_before + scale_step) // total
    if settings.time_limit:
        hurried = int(settings.epochs * spent / settings.time_limit)
        epoch = max(epoch, min(settings.epochs - 1, hurried))
    return epoch
