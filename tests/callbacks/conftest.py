"""The progress of runs that never ran."""

import numpy as np

from nst_tf.inputs.pyramid import plan_scales
from nst_tf.settings import Settings
from nst_tf.transfer.progress import Progress, RunPart


def steps(count, pace=2.0, scales=1, **further):
    """Yield the progress of a run whose first step takes ten times as long as the others."""
    plan = plan_scales(
        Settings(epochs=1, steps_per_epoch=count, scales=scales, min_dim=1), (256, 256), []
    )
    step = 0
    for scale in plan:
        for scale_step in range(1, scale.steps + 1):
            step += 1
            losses = {"total": 400.0, "style": 100.0, "content": 200.0, "total_variation": 100.0}
            yield Progress(
                step=step,
                steps=count * scales,
                scale=scale,
                scales=scales,
                scale_step=scale_step,
                losses={name: value / step for name, value in (losses | further).items()},
                evaluations=step,
                seconds=pace * (step + 9),
                image=lambda: np.zeros((1, 2, 2, 3)),
                state=None,
                saved=lambda: None,
                output=lambda: np.zeros((1, 2, 2, 3)),
                parts=tuple(RunPart(scale.steps, np.prod(scale.size)) for scale in plan),
            )
