"""Stopping rules, and the epoch that a step belongs to."""

from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.settings import Settings
from nst_tf.transfer.progress import StopReason
from nst_tf.transfer.state import RunState
from nst_tf.transfer.strokes import network_time

WINDOW = 10
"""Steps over which `has_plateaued` takes means: Adam raises the loss at first, and jitters."""


def stop_reason(inputs: RunInputs, scale: Scale, state: RunState) -> StopReason | None:
    """Return why a scale takes no further step, or None if it takes one, as each does first."""
    settings = inputs.settings
    if not state.scale_step:
        return None
    if state.scale_step >= scale.steps:
        return "finished"
    if 0 < network_time(inputs) * scale.deadline <= state.seconds:
        return "time limit"
    # Nothing can change the photo: a step at each scale is enough for the callbacks.
    if not settings.strength and settings.init == "content" and inputs.initial is None:
        return "no gain"
    over = has_plateaued(state.window, settings.min_gain) or state.stationary
    last = epoch_of(settings, scale, inputs.steps, scale.steps - 1, 0.0)
    ramps_remain = state.epoch < last and settings.at(state.epoch) != settings.at(last)
    return "no gain" if over and not ramps_remain else None


def push_loss(window: tuple[float, ...], loss: float) -> tuple[float, ...]:
    """Return the losses that `has_plateaued` looks at, with the loss of one more step."""
    return (*window, loss)[-2 * WINDOW :]


def has_plateaued(window: tuple[float, ...], min_gain: float) -> bool:
    """Return whether a scale should end because its steps lower the loss too little.

    It should if the mean loss of the last ten steps is less than the share `min_gain` below that of
    the ten steps before. With `min_gain` 0, no scale ends early.
    """
    if not min_gain or len(window) < 2 * WINDOW:
        return False
    before, after = sum(window[:WINDOW]), sum(window[WINDOW:])
    return before - after < min_gain * before


def epoch_of(settings: Settings, scale: Scale, total: int, scale_step: int, spent: float) -> int:
    """Return the epoch, from 0, whose weights a step uses.

    Ramps extend over the whole run. Under a time limit they advance with the time instead, if that
    is further.

    Args:
        scale_step: steps done at this scale.
        spent: seconds since the run began.
    """
    epoch = settings.epochs * (scale.steps_before + scale_step) // total
    if settings.time_limit:
        hurried = int(settings.epochs * spent / settings.time_limit)
        epoch = max(epoch, min(settings.epochs - 1, hurried))
    return epoch
