"""Progress reports, and the errors that carry the last good picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.values import Losses
from nst_tf.utils.describe import brief

if TYPE_CHECKING:
    from nst_tf.transfer.state import RunState, SavedRun


class NoSteps(NamedTuple):
    """The state of a run without a network: a recolouring."""

    step: int = 0
    epoch: int = 0


class RunPart(NamedTuple):
    """A scale of the network, or a level of brushstrokes.

    Attributes:
        steps: their maximum number; a level has one.
        work: of a step, in pixels that the network computes in the same time.
        level: number of the level, from 1; 0: a scale of the network.
        before: work of the brushstrokes with which the scale starts.
        traced: whether its steps need graphs that no coarser scale has.
    """

    steps: int
    work: float
    level: int = 0
    before: float = 0.0
    traced: bool = False


@dataclass(frozen=True)
class Progress:
    """The report of one step, for callbacks.

    Each level of brushstrokes counts as a scale of one step, after those of the network. A
    recolouring is one such level.

    Attributes:
        step: number of the step, from 1.
        steps: maximum number of steps in the whole run: a scale may end early.
        scale: the scale that the step belongs to: its number from 1, its size, its steps.
        scales: scales in the whole run, levels of brushstrokes included.
        scale_step: number of the step within its scale, from 1.
        losses: the weighted terms of the objective by name, `total` first, of the image *before*
            this step's update; `losses.layers` has the shares of the layers. Those of a level of
            brushstrokes are the network's last.
        evaluations: how often the run has evaluated the objective so far.
        seconds: time since the run began, this step included.
        image: returns the image *after* this step's update, float32 `[1, h, w, 3]` in [0, 1], of
            the scale's size; with `averaging`, the average up to it. It is computed at the first
            call, shared by all callbacks, and read-only.
        state: the state of the run after this step; brushstrokes do not change it. That of a
            recolouring is `NoSteps`.
        saved: returns the run after this step as a checkpoint stores it.
        output: returns the image with which the run would end here, in the run's colours, float32
            `[1, h, w, 3]` in [0, 1]: the network's until the last level of brushstrokes is done.
        level: number of the level of brushstrokes, from 1; 0: a step of the network.
        levels: number of levels of brushstrokes in the run.
        parts: all scales and levels of the run, in order.
    """

    step: int
    steps: int
    scale: Scale
    scales: int
    scale_step: int
    losses: Losses
    evaluations: int
    seconds: float
    image: Callable[[], np.ndarray]
    state: "RunState"
    saved: Callable[[], "SavedRun"]
    output: Callable[[], np.ndarray]
    level: int = 0
    levels: int = 0
    parts: tuple[RunPart, ...] = ()

    __repr__ = brief

    @property
    def remaining(self) -> float:
        """Maximum work after this step, in steps of this step's size."""
        part, *after = self.parts[self.scale.number - 1 :]
        later = sum(other.steps * other.work for other in after)
        return part.steps - self.scale_step + later / part.work


Stage = Literal["network", "brushstrokes", "colours"]
"""What a picture shows: the network's image, brushstrokes, or the photo in other colours."""


def stage_of(progress: Progress | None) -> Stage:
    """Return the stage whose picture a run has if it ends with a step; `None`: before the first."""
    if progress is not None and isinstance(progress.state, NoSteps):
        return "colours"
    done = progress is not None and progress.level and progress.level == progress.levels
    return "brushstrokes" if done else "network"


StopReason = Literal[
    "finished", "time limit", "no gain", "callback", "cancelled", "left", "idle limit"
]
"""Why a run ended: all steps are done, `time_limit` is over, further steps would gain less than
`min_gain` or nothing, a callback returned a true value, the event `cancel` was set, the stream was
closed, or the stream was left unread while other runs waited."""

Callback = Callable[[Progress], object]
"""Called with the `Progress` of every step. A true return value ends the run after that step."""


class _RunError(Exception):
    """The failure of a run, with the picture so far. Process pools can pickle both."""

    def __init__(self, message: str, image: np.ndarray):
        super().__init__(message)
        self.image = image

    def __reduce__(self) -> tuple[type, tuple[str, np.ndarray]]:
        # By default, an exception is rebuilt from the message alone.
        return type(self), (str(self), self.image)


class CallbackError(_RunError, RuntimeError):
    """A callback raised an error, the cause of this one; `image` is the picture after that step."""


def any_ends(callbacks: Sequence[Callback], progress: Progress) -> bool:
    """Return whether any callback ends the run. All of them are called, even after one does."""
    answers = [bool(callback(progress)) for callback in callbacks]
    return any(answers)


def guarded(callback: Callback, result: Callable[[Progress], np.ndarray]) -> Callback:
    """Return a callback that raises its errors as `CallbackError`, with the picture of the step."""

    def call(progress: Progress) -> bool:
        try:
            return bool(callback(progress))
        except Exception as error:
            raise CallbackError(
                f"a callback failed after step {progress.step} ({type(error).__name__}: {error}): "
                "the attribute `image` holds the picture of that step",
                result(progress),
            ) from error

    return call


class DivergedError(_RunError, ArithmeticError):
    """The run diverged, even at a reduced rate: its loss rose, or its image became blank.

    `image` is the best image, float32 `[1, H, W, 3]` in [0, 1].
    """


class NonFiniteLossError(DivergedError):
    """The objective overflowed. `image` is the best image or, without one, the last finite one."""
