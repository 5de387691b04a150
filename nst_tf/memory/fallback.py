"""Going on by smaller blocks where memory runs out."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import tensorflow as tf

from nst_tf.losses.formulas import Losses
from nst_tf.memory.plan import Plan
from nst_tf.optimizers.adam import Adam, Optimizer

Result = TypeVar("Result")


def with_less_memory(action: Callable[[Plan], Result], plan: Plan) -> tuple[Result, Plan]:
    """Return what `action` returns, and the plan that it succeeded with: `plan` or a smaller one.

    Args:
        action: is tried with plans of falling size, until memory suffices.
        plan: the first to try.

    Raises:
        tf.errors.ResourceExhaustedError: the smallest blocks take too much memory too.
    """
    while True:
        try:
            return action(plan), plan
        except tf.errors.ResourceExhaustedError:
            smaller = plan.smaller()
            if smaller is None:
                raise
        plan = smaller
        warnings.warn(f"memory ran out: going on by blocks of {plan.block_size} pixels")


class Retrying:
    """An `Optimizer` around one that is made anew, for the image as it is, if memory runs out.

    Args:
        make: returns the optimizer for a plan, with the Adam to go on from, if there is one.
        plan: the first to try.
        before: what worked at the coarser scale.

    Attributes:
        plan: the one in use.
    """

    def __init__(
        self,
        make: Callable[[Plan, Adam | None], Optimizer],
        plan: Plan,
        before: "Retrying | None" = None,
    ) -> None:
        self._make = make
        self.plan = plan
        self._adam = before.adam if before else None
        self._inner: Optimizer | None = None
        self._evaluations = 0

    @property
    def adam(self) -> Adam | None:
        """What works now, if it is Adam, whose moments outlive it."""
        return self._inner if isinstance(self._inner, Adam) else self._adam

    @property
    def evaluations(self) -> int:
        """Times that the objective has been evaluated."""
        return self._evaluations + (self._inner.evaluations if self._inner else 0)

    @property
    def stationary(self) -> bool:
        """Whether no step can improve the image any more."""
        return self._inner is not None and self._inner.stationary

    def step(self, knobs: Any) -> Losses:
        """Apply one step, with smaller blocks if need be: see `Optimizer`.

        Raises:
            FloatingPointError: as for an `Optimizer`.
            tf.errors.ResourceExhaustedError: the smallest blocks take too much memory too.
        """

        def attempt(plan: Plan) -> Losses:
            if plan != self.plan:
                self._adam, self._evaluations, self._inner = self.adam, self.evaluations, None
                self.plan = plan
            if self._inner is None:
                self._inner = self._make(plan, self._adam)
            return self._inner.step(knobs)

        return with_less_memory(attempt, self.plan)[0]
