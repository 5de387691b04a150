"""What a run tells while it goes on, and when it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.values import Losses
from nst_tf.utils.describe import brief

if TYPE_CHECKING:
    from nst_tf.transfer.state import RunState, SavedRun


@dataclass(frozen=True)
class Progress:
    """What one step did, for callbacks.

    Attributes:
        step: number of the step, from 1.
        steps: steps in the whole run, at most: a scale may end early.
        scale: the scale that the step belongs to: its number from 1, its size, its steps.
        scales: scales in the whole run.
        scale_step: number of the step within its scale, from 1.
        ahead: work after this step, at most, in steps of this step's size.
        losses: the weighted terms of the objective by name, `total` first, of the image *before*
            this step's update; `losses.layers` has the layers' shares.
        evaluations: times that the objective has been evaluated in the run so far.
        seconds: time since the run began, this step included.
        image: returns the image *after* this step's update whenever it is called, float32
            `[1, h, w, 3]` in [0, 1], of the scale's size; with `averaging`, the average up to it.
        state: all that the run is after this step.
        saved: returns the run after this step as a checkpoint holds it.
    """

    step: int
    steps: int
    scale: Scale
    scales: int
    scale_step: int
    remaining: float
    losses: Losses
    evaluations: int
    seconds: float
    image: Callable[[], np.ndarray]
    state: "RunState"
    saved: Callable[[], "SavedRun"]

    __repr__ = brief


StopReason = Literal[
    "finished", "time limit", "no gain", "callback", "cancelled", "left", "idle limit"
]
"""Why a run ended: it took all its steps, `time_limit` was over, further steps gain less than
`min_gain` or nothing, a callback returned a true value, its event was set, its stream was closed,
or its stream was open without being read while others waited."""

Callback = Callable[[Progress], object]
"""Is given every step's `Progress`; one that returns a true value ends the run after that step."""


class _RunError(Exception):
    """A run's failure, with the picture that it leaves; process pools can pickle both."""

    def __init__(self, message: str, image: np.ndarray):
        super().__init__(message)
        self.image = image

    def __reduce__(self) -> tuple[type, tuple[str, np.ndarray]]:
        # By default, an exception is rebuilt from the message alone.
        return type(self), (str(self), self.image)


class CallbackError(_RunError, RuntimeError):
    """A callback raised an error, which is the cause of this one.

    `image` is the picture that the run had reached, float32 `[1, H, W, 3]` in [0, 1].
    """


def any_ends(callbacks: Sequence[Callback], progress: Progress) -> bool:
    """Return whether a callback ends the run; each of them sees the step that one of them ends."""
    answers = [bool(callback(progress)) for callback in callbacks]
    return any(answers)


def guarded(callback: Callback, result: Callable[["RunState"], np.ndarray]) -> Callback:
    """Return a callback whose errors hold the picture of their step: see `CallbackError`.

    Args:
        callback: the callback itself.
        result: returns the picture of a state.
    """

    def call(progress: Progress) -> bool:
        try:
            return bool(callback(progress))
        except Exception as error:
            raise CallbackError(
                f"a callback failed after step {progress.step} ({type(error).__name__}: {error}): "
                "the attribute `image` holds the picture of that step",
                result(progress.state),
            ) from error

    return call


class DivergedError(_RunError, ArithmeticError):
    """The run went astray, even by gentler steps: its loss rose, or its image became blank.

    `image` is the best one, float32 `[1, H, W, 3]` in [0, 1].
    """


class NonFiniteLossError(DivergedError):
    """The objective overflowed. `image` is the best image or, at once, the last finite one."""
