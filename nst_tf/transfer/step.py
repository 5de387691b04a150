"""One step of a run: evaluate the objective, update the image, fall back if memory runs out."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from nst_tf.compute.evaluate import Evaluator, compiled
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan
from nst_tf.losses.objective import read, step_weights
from nst_tf.losses.targets import Targets
from nst_tf.losses.term import Term
from nst_tf.network.model import Network
from nst_tf.optimizers.adam import AdamState, adam_update
from nst_tf.optimizers.averaging import average_update
from nst_tf.optimizers.lbfgs import Evaluation, LBFGSState, lbfgs_start, lbfgs_step
from nst_tf.settings import Settings
from nst_tf.transfer.divergence import RATE_REDUCTION
from nst_tf.transfer.state import RunState

ROUNDING = {"float32": 2.0**-22, "bfloat16": 2.0**-12}
"""Relative error of the total by the precision of the features.

Measured as the largest deviation from a parabola along short lines through results at 64 and 128
pixels: 1.6e-7 with float32 features, 1.9e-4 with bfloat16.
"""


class Rates(NamedTuple):
    """What Adam reads of the settings, float32 scalars: see `adam_update`."""

    learning_rate: tf.Tensor
    beta_1: tf.Tensor
    epsilon: tf.Tensor


class Update(NamedTuple):
    """What an optimizer made of the image."""

    image: tf.Tensor
    state: AdamState | LBFGSState
    losses: Mapping[str, float]
    evaluations: int


class Stepper:
    """Takes the steps of one scale.

    Args:
        network: from `model.feature_model`.
        terms: of the objective.
        targets: at this scale.
        settings: of the run.
    """

    def __init__(
        self, network: Network, terms: Sequence[Term], targets: Targets, settings: Settings
    ) -> None:
        self._network = network
        self._terms = tuple(terms)
        self._targets = targets
        self._settings = settings
        self._epoch: int | None = None
        self._variable: tf.Variable | None = None
        self._held: tf.Tensor | None = None  # what the variable holds

    def step(self, state: RunState, epoch: int) -> tuple[RunState, Mapping[str, float]]:
        """Return the state after one more step, and the losses before it.

        Args:
            state: at this scale.
            epoch: the one whose weights count.

        Raises:
            FloatingPointError: the losses or the gradient are not finite; the losses are the
                argument.
            MemoryError: memory ran out, even by the smallest blocks.
        """
        if epoch != self._epoch:
            self._epoch, self._at = epoch, self._settings.at(epoch)
            self._weights = step_weights(self._at, self._terms)
        if epoch != state.epoch and self._at != self._settings.at(state.epoch):
            # Another objective: its losses and curvature have nothing to do with the last one's.
            state = dataclasses.replace(state, window=(), watch=state.watch.reset())
            if isinstance(state.optimizer, LBFGSState):
                state = dataclasses.replace(state, optimizer=lbfgs_start())

        def attempt(plan: Plan) -> Update:
            evaluator = compiled(
                self._network, self._terms, tuple(state.image.shape), plan.winograd, plan.block_size
            )
            if isinstance(state.optimizer, LBFGSState):
                return self._lbfgs(evaluator, state.image, state.optimizer, plan)
            gentleness = RATE_REDUCTION if state.watch.reduced_rate else 1.0
            return self._adam(evaluator, state.image, state.optimizer, gentleness)

        update, plan = with_less_memory(attempt, state.plan)
        average = state.average
        if self._settings.averaging:
            average = average_update(average, update.image, self._settings.averaging)
        after = dataclasses.replace(
            state,
            step=state.step + 1,
            scale_step=state.scale_step + 1,
            epoch=epoch,
            image=update.image,
            optimizer=update.state,
            average=average,
            evaluations=state.evaluations + update.evaluations,
        )
        return after.fallen_back(plan), update.losses

    def _adam(
        self, evaluator: Evaluator, image: tf.Tensor, state: AdamState, gentleness: float
    ) -> Update:
        if self._variable is None or self._held is not image:
            self._variable = tf.Variable(image, trainable=False)
        at = self._at
        # A relative loss is a mean over pixels: so is its gradient, and ε has to follow.
        pixels = math.prod(image.shape[1:3]) if at.loss == "relative" else 1
        rate = at.learning_rate * gentleness
        rates = Rates(*map(tf.constant, (rate, at.beta_1, at.epsilon / pixels)))
        train_step = evaluator.train_step(_adam_if_finite)
        self._held = None  # a step that fails may have changed the variable
        losses, (finite, state) = train_step(
            self._variable, self._targets, self._weights, state, rates
        )
        numbers = read(losses)
        if not finite:
            raise FloatingPointError(numbers)
        self._held = self._variable.value()
        return Update(self._held, state, numbers, 1)

    def _lbfgs(
        self, evaluator: Evaluator, image: tf.Tensor, state: LBFGSState, plan: Plan
    ) -> Update:
        def evaluate(point: tf.Tensor) -> Evaluation:
            losses, gradient = evaluator.evaluate(point, self._targets, self._weights)
            return Evaluation(read(losses), gradient)

        step = lbfgs_step(
            image,
            state,
            evaluate,
            memory=plan.lbfgs_memory,
            rounding=ROUNDING[plan.precision],
        )
        return Update(step.image, step.state, step.losses, step.evaluations)


def _adam_if_finite(
    image: tf.Variable,
    losses: Mapping[str, tf.Tensor],
    gradient: tf.Tensor,
    state: AdamState,
    rates: Rates,
) -> tuple[tf.Tensor, AdamState]:
    """Update the image, unless losses or gradient are infinite: Adam's moments would stay so."""
    finite = tf.math.is_finite(losses["total"] + tf.reduce_sum(tf.square(gradient)))
    updated, after = adam_update(image.value(), gradient, state, **rates._asdict())

    def assign() -> tf.Tensor:
        image.assign(updated)
        return finite

    return tf.cond(finite, assign, lambda: finite), after
