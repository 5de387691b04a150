"""The state of a run: all that a step needs of the steps before it, as one value."""

from dataclasses import dataclass, field, replace
from typing import Any

import tensorflow as tf

from nst_tf.compute.plan import Plan
from nst_tf.optimizers.adam import AdamState, adam_start
from nst_tf.optimizers.averaging import AverageState
from nst_tf.optimizers.lbfgs import LBFGSState, lbfgs_start
from nst_tf.transfer.divergence import DivergenceMonitor
from nst_tf.utils.describe import brief

Identity = dict[str, Any]
"""What a run is made from by name, as JSON has it: see `checkpoint.run_identity`."""


@dataclass(frozen=True)
class RunState:
    """What a run is after a step; a step is a function from one state to the next.

    Nothing in it changes: tensors are immutable, and each step makes a new state.

    Attributes:
        scale: number of the scale, from 1.
        step: steps done in the whole run.
        scale_step: steps done at this scale.
        epoch: the one whose weights are in force, from 0.
        image: float32 `[1, h, w, 3]` in [0, 1], of the scale's size.
        start: the image as the scale started with it; targets may depend on it.
        optimizer: what the optimizer remembers.
        average: the running average of the images, if there is one.
        window: the losses that the rule `min_gain` looks at.
        evaluations: times that the objective has been evaluated.
        seconds: time that the run has taken.
        plan: how the step was run.
        smallest: the smallest block size that lack of memory has led to; 0: none.
        watch: what tells whether the run is astray.
    """

    scale: int
    step: int
    scale_step: int
    epoch: int
    image: tf.Tensor
    start: tf.Tensor
    optimizer: AdamState | LBFGSState
    average: AverageState | None
    window: tuple[float, ...]
    evaluations: int
    seconds: float
    plan: Plan
    smallest: int = 0
    watch: DivergenceMonitor = DivergenceMonitor()

    __repr__ = brief

    def fallen_back(self, plan: Plan) -> "RunState":
        """Return the state with a plan in force, which lack of memory may have led to."""
        smallest = self.smallest if plan == self.plan else plan.block_size
        return replace(self, plan=plan, smallest=smallest)

    def rolled_back(self) -> "RunState":
        """Return the state at the best image so far, from which gentler steps are taken.

        The optimizer starts again: what it remembers has led astray.
        """
        image = self.watch.image
        assert image is not None
        adam = isinstance(self.optimizer, AdamState)
        return replace(
            self,
            image=image,
            optimizer=adam_start(tuple(image.shape)) if adam else lbfgs_start(),
            average=None,
            window=(),
            watch=self.watch._replace(diverged=0, reduced_rate=True),
        )

    @property
    def shown(self) -> tf.Tensor:
        """The image that the run would end with: the average, if there is one."""
        return self.average.average if self.average else self.image

    @property
    def stationary(self) -> bool:
        """Whether no step can improve the image any more."""
        return isinstance(self.optimizer, LBFGSState) and self.optimizer.stationary


@dataclass(frozen=True)
class SavedRun:
    """A run as a checkpoint holds it.

    Attributes:
        state: with which the run goes on.
        plans: of all scales, so that the rest is run as it would have been.
        identity: of the run that made it.
        notes: what the writer added, as JSON has it.
    """

    state: RunState
    plans: tuple[Plan, ...]
    identity: Identity = field(repr=False)
    notes: Any = field(default=None, repr=False)

    __repr__ = brief
