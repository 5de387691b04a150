"""The reports of steps and of levels of brushstrokes."""

import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from nst_tf.compute.estimate import Workload, suited
from nst_tf.compute.machine import Machine, this_machine
from nst_tf.compute.plan import Plan
from nst_tf.images.wrap import padded_size
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.values import Losses
from nst_tf.synthesis.repaint import Level
from nst_tf.transfer.progress import Progress, RunPart
from nst_tf.transfer.state import RunState, SavedRun
from nst_tf.transfer.strokes import PlannedLevel, work_before_scales


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
    in_force = [*plans]
    in_force[state.scale - 1] = state.plan
    return Progress(
        step=state.step,
        steps=state.step + scale.steps - state.scale_step + scale.steps_after + len(levels),
        scale=scale,
        scales=len(inputs.scales) + len(levels),
        scale_step=state.scale_step,
        losses=losses if isinstance(losses, Losses) else Losses(losses),
        evaluations=state.evaluations,
        seconds=state.seconds,
        image=_preview(inputs, lambda: state.output_image.numpy()),
        state=state,
        saved=saved,
        output=lambda: state.output_image.numpy(),
        levels=len(levels),
        parts=run_parts(inputs, levels, in_force),
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
    after = levels[number:]
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
        seconds=seconds,
        image=_preview(inputs, lambda: level.image),
        output=network.output if after else lambda: level.image,
        level=number,
    )


def run_parts(
    inputs: RunInputs, levels: Sequence[PlannedLevel], plans: Sequence[Plan],
    machine: Machine | None = None,
) -> tuple[RunPart, ...]:  # fmt: skip
    """Return the parts of a run.

    Args:
        inputs: of the network.
        levels: all levels of brushstrokes.
        plans: one per scale.
        machine: that computes; by default, this one.
    """
    machine = machine or this_machine()
    finest = math.prod(inputs.scales[-1].size)
    graphs = [
        _graph(inputs, scale, plan, machine)
        for scale, plan in zip(inputs.scales, plans, strict=True)
    ]
    network = [
        RunPart(
            steps=scale.steps,
            work=finest * scale.ratio**2 * plan.cost,
            before=before,
            traced=graph not in graphs[: scale.number - 1],
        )
        for scale, plan, before, graph in zip(
            inputs.scales, plans, work_before_scales(inputs), graphs, strict=True
        )
    ]
    strokes = [RunPart(1, level.work, number) for number, level in enumerate(levels, 1)]
    return (*network, *strokes)


def _graph(inputs: RunInputs, scale: Scale, plan: Plan, machine: Machine) -> Hashable:
    """Return what the graphs of a scale depend on: its tiles, or its fast convolutions."""
    if plan.block_size:
        return scale.size, plan.block_size
    size = padded_size(inputs.settings.tileable, scale.size)
    load = Workload((), inputs.settings.layers, plan.precision, size, (), 0, machine)
    return tuple(suited(load)) if plan.winograd else ()


def _preview(inputs: RunInputs, image: Callable[[], np.ndarray]) -> Callable[[], np.ndarray]:
    """Return what computes the picture of an image once; callbacks share it, read-only."""

    @functools.cache
    def preview() -> np.ndarray:
        picture = inputs.finish(image())
        picture.flags.writeable = False
        return picture

    return preview
