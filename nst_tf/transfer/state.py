"""The state of a run: all that a step needs of the steps before it, as one value."""

from dataclasses import dataclass, field, replace
from typing import Any

import tensorflow as tf

from nst_tf.compute.plan import Plan
from nst_tf.inputs.identity import Identity
from nst_tf.optimizers.adam import AdamState, adam_start
from nst_tf.optimizers.averaging import AverageState
from nst_tf.optimizers.lbfgs import LBFGSState, lbfgs_start
from nst_tf.transfer.divergence import DivergenceMonitor
from nst_tf.utils.describe import brief


@dataclass(frozen=True)
class RunState:
    """A run after a step. A step is a function from one state to the next: see `step.advance`.

    A state never changes: tensors are immutable, and each step makes a new state.

    Attributes:
        scale: number of the scale, from 1.
        step: steps done in the whole run.
        scale_step: steps done at this scale.
        epoch: the epoch whose weights are in force, from 0.
        image: float32 `[1, h, w, 3]` in [0, 1], of the scale's size.
        start: the image with which the scale started; targets may depend on it.
        average: the running average of the images, or None without `averaging`.
        window: the losses that the rule `min_gain` looks at.
        evaluations: how often the objective has been evaluated.
        smallest: the smallest block size that lack of memory has led to; 0: none.
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

    def smallest_with(self, plan: Plan) -> int:
        """Return the smallest block size so far after a step with `plan`.

        A plan other than the state's is one that lack of memory has led to.
        """
        return self.smallest if plan == self.plan else plan.block_size

    def rolled_back(self) -> "RunState":
        """Return the state at the best image so far, with a reduced rate ahead.

        The optimizer is reset, because its memory led to the divergence.
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
    def output_image(self) -> tf.Tensor:
        """The image that the run would end with: the average, if there is one."""
        return self.average.average if self.average else self.image

    @property
    def stationary(self) -> bool:
        """Whether no step can improve the image any more."""
        return isinstance(self.optimizer, LBFGSState) and self.optimizer.stationary


@dataclass(frozen=True)
class SavedRun:
    """A run as a checkpoint stores it.

    Attributes:
        state: the state to continue from.
        plans: of all scales, so the rest of the run is computed as it would have been.
        notes: what the writer added, as JSON represents it.
    """

    state: RunState
    plans: tuple[Plan, ...]
    identity: Identity = field(repr=False)
    notes: Any = field(default=None, repr=False)

    __repr__ = brief
