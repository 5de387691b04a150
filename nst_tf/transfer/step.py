"""One training step: an optimizer's update of the image, and the state that follows from it."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from nst_tf.compute.evaluate import Evaluator, compiled
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan
from nst_tf.compute.wrapping import fold, wrap
from nst_tf.images.wrap import margins, padded_size
from nst_tf.losses.objective import read, step_weights
from nst_tf.losses.targets import Targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network
from nst_tf.optimizers.adam import AdamState, adam_update
from nst_tf.optimizers.averaging import average_update
from nst_tf.optimizers.lbfgs import Evaluation, LBFGSState, lbfgs_start, lbfgs_step
from nst_tf.settings import Settings
from nst_tf.transfer.divergence import RATE_REDUCTION, DivergenceMonitor
from nst_tf.transfer.state import RunState
from nst_tf.transfer.stopping import push_loss

Evaluate = Callable[[tf.Tensor], tuple[Mapping[str, tf.Tensor], tf.Tensor]]
"""Returns the losses of an image and the gradient of their total."""

ROUNDING = {"float32": 2.0**-22, "bfloat16": 2.0**-12}
"""Relative error of the total by the precision of the features.

Measured as the largest deviation from a parabola along short lines through results at 64 and 128
pixels: 1.6e-7 with float32 features, 1.9e-4 with bfloat16.
"""


class Update(NamedTuple):
    """The outcome of an optimizer's step, with the losses before it and the plan that sufficed."""

    image: tf.Tensor
    optimizer: AdamState | LBFGSState
    losses: Mapping[str, float]
    evaluations: int
    plan: Plan


class Rates(NamedTuple):
    """Adam's settings as float32 scalars, so that a change traces nothing: see `adam_update`."""

    learning_rate: tf.Tensor
    beta_1: tf.Tensor
    epsilon: tf.Tensor


@dataclass(frozen=True, eq=False)
class Stepper:
    """The objective of one scale, and an optimizer's steps on it."""

    network: Network
    terms: tuple[Term, ...]
    targets: Targets
    settings: Settings

    def step(self, state: RunState) -> Update:
        """Return the optimizer's update of a state.

        Raises:
            FloatingPointError: the losses, its argument, or the gradient are not finite.
            MemoryError: memory ran out, even with the smallest blocks.
        """
        settings = self.settings.at(state.epoch)
        weights = step_weights(settings, self.terms)
        around = margins(settings.tileable, tuple(state.image.shape[1:3]))

        def attempt(plan: Plan) -> Update:
            height, width = padded_size(settings.tileable, tuple(state.image.shape[1:3]))
            evaluator = self.evaluator((1, height, width, 3), plan)

            def evaluate(image: tf.Tensor):
                losses, slope = evaluator.evaluate(wrap(image, around), self.targets, weights)
                return losses, fold(slope, around)

            if isinstance(state.optimizer, LBFGSState):
                return _lbfgs(evaluate, state.image, state.optimizer, plan)
            rates = adam_rates(settings, state)
            return _adam(evaluate, state.image, state.optimizer, rates, plan)

        return with_less_memory(attempt, state.plan)[0]

    def evaluator(self, shape: tuple[int, ...], plan: Plan) -> Evaluator:
        """Return what evaluates the objective of images of a shape, compiled only once."""
        return compiled(self.network, self.terms, shape, plan.winograd, plan.block_size)


def adam_rates(settings: Settings, state: RunState) -> Rates:
    """Return Adam's settings for a step."""
    rate = settings.learning_rate * (RATE_REDUCTION if state.watch.reduced_rate else 1.0)
    # A relative loss is a mean over pixels. So is its gradient, and ε has to follow.
    pixels = math.prod(state.image.shape[1:3]) if settings.loss == "relative" else 1
    return Rates(*map(tf.constant, (rate, settings.beta_1, settings.epsilon / pixels)))


def _adam(
    evaluate: Evaluate, image: tf.Tensor, state: AdamState, rates: Rates, plan: Plan
) -> Update:
    losses, gradient = evaluate(image)
    finite, updated, after = _adam_step(losses["total"], image, gradient, state, rates)
    numbers = read(losses)
    if not finite:
        raise FloatingPointError(numbers)
    return Update(updated, after, numbers, 1, plan)


_SCALAR = tf.TensorSpec([])
_IMAGE = tf.TensorSpec([1, None, None, 3])


# One trace serves images of all sizes.
@tf.function(
    autograph=False,
    input_signature=[
        _SCALAR,
        _IMAGE,
        _IMAGE,
        AdamState(tf.TensorSpec([], tf.int64), _IMAGE, _IMAGE),
        Rates(_SCALAR, _SCALAR, _SCALAR),
    ],
)
def _adam_step(
    total: tf.Tensor, image: tf.Tensor, gradient: tf.Tensor, state: AdamState, rates: Rates
) -> tuple[tf.Tensor, tf.Tensor, AdamState]:
    """Return whether the total and the gradient are finite, and the image and state updated."""
    finite = tf.math.is_finite(total + tf.reduce_sum(tf.square(gradient)))
    return finite, *adam_update(image, gradient, state, **rates._asdict())


def _lbfgs(evaluate: Evaluate, image: tf.Tensor, state: LBFGSState, plan: Plan) -> Update:
    def evaluation(point: tf.Tensor) -> Evaluation:
        losses, gradient = evaluate(point)
        return Evaluation(read(losses), gradient)

    step = lbfgs_step(
        image, state, evaluation, memory=plan.lbfgs_memory, rounding=ROUNDING[plan.precision]
    )
    return Update(step.image, step.state, step.losses, step.evaluations, plan)


def at_epoch(state: RunState, settings: Settings, epoch: int) -> RunState:
    """Return the state with an epoch in force.

    Where that changes the objective, earlier losses and curvature no longer apply.
    """
    if epoch == state.epoch:
        return state
    if settings.at(epoch) == settings.at(state.epoch):
        return dataclasses.replace(state, epoch=epoch)
    optimizer = state.optimizer
    return dataclasses.replace(
        state,
        epoch=epoch,
        optimizer=lbfgs_start() if isinstance(optimizer, LBFGSState) else optimizer,
        window=(),
        watch=state.watch.reset(),
    )


def latest_loss(state: RunState, update: Update) -> tuple[tf.Tensor, float]:
    """Return the newest image whose loss is known, and that loss: the total."""
    optimizer = update.optimizer
    if isinstance(optimizer, LBFGSState) and optimizer.here:
        # It is kept anyway; the image before the step would take memory of its own.
        return update.image, optimizer.here.losses["total"]
    return state.image, update.losses["total"]


def advance(
    state: RunState, update: Update, watch: DivergenceMonitor, averaging: float, seconds: float
) -> RunState:
    """Return the state after a step. All that a step changes is changed here."""
    return dataclasses.replace(
        state,
        step=state.step + 1,
        scale_step=state.scale_step + 1,
        image=update.image,
        optimizer=update.optimizer,
        average=average_update(state.average, update.image, averaging) if averaging else None,
        window=push_loss(state.window, update.losses["total"]),
        evaluations=state.evaluations + update.evaluations,
        seconds=seconds,
        plan=update.plan,
        smallest=state.smallest_with(update.plan),
        watch=watch,
    )
