"""The reports of steps and of levels of brushstrokes."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nst_tf.compute.plan import Plan
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.values import Losses
from nst_tf.synthesis.repaint import Level
from nst_tf.transfer.progress import Progress
from nst_tf.transfer.state import RunState, SavedRun
from nst_tf.transfer.strokes import PlannedLevel


def step_progress(
    inputs: RunInputs,
    plans: Sequence[Plan],
    levels: Sequence[PlannedLevel],
    state: RunState,
    losses: Mapping[str, float],
    saved: Callable[[], SavedRun],
) -> Progress:
    """Return the report of a step of the network.

    Args:
        inputs: of the network.
        plans: one per scale.
        levels: all levels of brushstrokes that follow.
        state: after the step.
        losses: as for `Progress`.
        saved: returns the run after the step as a checkpoint stores it.
    """
    scale = inputs.scales[state.scale - 1]
    return Progress(
        step=state.step,
        steps=state.step + scale.steps - state.scale_step + scale.steps_after + len(levels),
        scale=scale,
        scales=len(inputs.scales) + len(levels),
        scale_step=state.scale_step,
        remaining=_remaining(inputs.scales, plans, levels, state),
        losses=losses if isinstance(losses, Losses) else Losses(losses),
        evaluations=state.evaluations,
        seconds=state.seconds,
        image=_preview(inputs, lambda: state.output_image.numpy()),
        state=state,
        saved=saved,
        output=lambda: state.output_image.numpy(),
        levels=len(levels),
    )


def level_progress(
    inputs: RunInputs,
    levels: Sequence[PlannedLevel],
    network: Progress,
    level: Level,
    seconds: float,
) -> Progress:
    """Return the report of a level of brushstrokes.

    Args:
        inputs: of the network.
        levels: all levels of the run.
        network: the report of the network's last step.
        level: the level that is done.
        seconds: time since the run began.
    """
    size, number = level.image.shape[1:3], level.number
    step = network.step + number
    done, *after = [planned.work for planned in levels[number - 1 :]]
    scale = network.scale._replace(
        number=network.scale.number + number,
        ratio=max(size) / max(network.scale.size),
        size=size,
        steps=1,
        steps_before=step - 1,
        steps_after=len(after),
    )
    return replace(
        network,
        step=step,
        steps=step + len(after),
        scale=scale,
        scale_step=1,
        remaining=sum(after) / done,
        seconds=seconds,
        image=_preview(inputs, lambda: level.image),
        output=network.output if after else lambda: level.image,
        level=number,
    )


def _remaining(
    scales: Sequence[Scale], plans: Sequence[Plan], levels: Sequence[PlannedLevel], state: RunState
) -> float:
    """Return the work after a state, in steps of its scale with its plan."""
    scale = scales[state.scale - 1]
    work = [s.steps * s.ratio**2 * p.cost for s, p in zip(scales, plans, strict=True)]
    after = sum(work[scale.number :]) + sum(level.work for level in levels)
    return scale.steps - state.scale_step + after / (scale.ratio**2 * state.plan.cost)


def _preview(inputs: RunInputs, image: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    """Return what computes the picture of an image once; callbacks share it, read-only."""

    @functools.cache
    def preview() -> np.ndarray:
        picture = inputs.finish(image())
        picture.flags.writeable = False
        return picture

    return preview
