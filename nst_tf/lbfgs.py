"""L-BFGS in a box: limited-memory quasi-Newton steps for pixels that must stay in [0, 1]."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.losses import Losses


class Evaluation(NamedTuple):
    """The objective at one point: its terms as numbers, and its gradient."""

    losses: Losses
    gradient: tf.Tensor


class ProjectedLBFGS:
    """Minimise a function of a variable held in [0, 1] by two-metric projection.

        x ← clip(x − t · H g_free, 0, 1)

    H is the L-BFGS approximation of the inverse Hessian (Nocedal and Wright, "Numerical
    Optimization", algorithm 7.4) from the pairs s = Δx, y = Δg, restricted to the elements that are
    free: those not at a bound with the gradient pushing outwards. That restriction is what makes
    the projected direction one of descent (Bertsekas, "Projected Newton Methods", 1982). The step
    t shrinks from 1 until Armijo's condition f(x⁺) ≤ f(x) + c · gᵀ(x⁺ − x) holds. A pair without
    positive curvature is left out. If no step is accepted the memory is dropped and the steepest
    descent tried; there is no tolerance that could stop it earlier.

    Args:
        image: variable of any floating dtype and shape with values in [0, 1], updated in place.
        evaluate: objective and gradient at a tensor of the image's shape, for given knobs.
        memory: pairs kept; each takes two images of memory.
    """

    ARMIJO = 1e-4
    TRIES = 25
    FIRST_RMS = 0.01  # of the first step, which has no scale to go by, in units of the box

    def __init__(
        self,
        image: tf.Variable,
        evaluate: Callable[[tf.Tensor, Any], Evaluation],
        memory: int,
    ) -> None:
        self._image = image
        self._evaluate = evaluate
        shape = (memory, *image.shape)
        self._moves = tf.Variable(tf.zeros(shape, image.dtype), trainable=False)
        self._changes = tf.Variable(tf.zeros(shape, image.dtype), trainable=False)
        self._memory = memory
        self._direction = tf.function(two_loop_direction)
        self._pairs = 0  # ever stored; the latest is at (pairs − 1) mod memory
        self._here: Evaluation | None = None
        self._knobs: Any = None
        self.evaluations = 0
        self.stationary = False

    def step(self, knobs: Any = None) -> Losses:
        """Move to the next accepted iterate; return the objective's terms before the move.

        At a stationary point, where not even the steepest descent is accepted, the image stays and
        `stationary` is set. With other `knobs` than before, the objective is another: the memory is
        dropped.

        Raises:
            FloatingPointError: it is not finite at the start; the terms are the argument.
        """
        if self._here is None or knobs is not self._knobs:
            self._knobs, self._pairs = knobs, 0
            self._here = self._measure(self._image.value())
        here = self._here
        if not math.isfinite(here.losses.total):
            raise FloatingPointError(here.losses)
        for attempt in ("quasi-Newton", "steepest descent"):
            if attempt == "steepest descent":
                if not self._pairs:
                    break
                self._pairs = 0
            if self._search(here):
                return here.losses
        self.stationary = True
        return here.losses

    def _measure(self, image: tf.Tensor) -> Evaluation:
        self.evaluations += 1
        return self._evaluate(image, self._knobs)

    def _search(self, here: Evaluation) -> bool:
        """Backtrack along the projected direction; whether an iterate was accepted."""
        before = self._image.value()
        direction = self._direction(
            before,
            here.gradient,
            self._moves,
            self._changes,
            tf.constant(self._pairs),
            tf.constant(min(self._pairs, self._memory)),
        )
        scale = 1.0
        if not self._pairs:
            rms = float(tf.sqrt(tf.reduce_mean(tf.square(direction))))
            if rms == 0:
                return False
            scale = self.FIRST_RMS / rms
        rounding = abs(here.losses.total) * 2 * _EPSILON[self._image.dtype]
        for _ in range(self.TRIES):
            after = tf.clip_by_value(before + scale * direction, 0, 1)
            move = after - before
            slope = float(tf.reduce_sum(here.gradient * move))
            if slope >= 0:
                return False
            there = self._measure(after)
            rise = there.losses.total - here.losses.total
            if rise <= self.ARMIJO * slope + rounding:
                self._accept(after, move, here, there)
                return True
            # The minimum of the parabola through both values and the slope, within reason.
            best = -0.5 * slope / (rise - slope)
            scale *= min(max(best, 0.1), 0.5) if math.isfinite(best) else 0.1
        return False

    def _accept(
        self,
        after: tf.Tensor,
        move: tf.Tensor,
        here: Evaluation,
        there: Evaluation,
    ) -> None:
        change = there.gradient - here.gradient
        curvature = float(tf.reduce_sum(move * change))
        if curvature > 1e-10 * float(tf.norm(move) * tf.norm(change)):
            slot = self._pairs % self._memory
            self._moves[slot].assign(move)
            self._changes[slot].assign(change)
            self._pairs += 1
        self._image.assign(after)
        self._here = there


_EPSILON = {tf.float32: 2.0**-23, tf.float64: 2.0**-52}


def two_loop_direction(
    image: tf.Tensor,
    gradient: tf.Tensor,
    moves: tf.Tensor,
    changes: tf.Tensor,
    pairs: tf.Tensor,
    count: tf.Tensor,
) -> tf.Tensor:
    """Return −H g on the free elements and 0 on those held at a bound.

    Args:
        image: the iterate, in [0, 1].
        gradient: there, same shape.
        moves: the memory of s, `[memory, *shape]`, a ring.
        changes: the memory of y, alike.
        pairs: number of pairs ever stored, int32; the latest is at (pairs − 1) mod memory.
        count: number of pairs to use, at most the memory.
    """
    memory = tf.shape(moves)[0]
    free = ((image > 0) | (gradient < 0)) & ((image < 1) | (gradient > 0))
    zero = tf.zeros([], gradient.dtype)

    def pair(age):
        slot = (pairs - 1 - age) % memory
        s, y = tf.where(free, moves[slot], zero), tf.where(free, changes[slot], zero)
        curvature = tf.reduce_sum(s * y)
        # Restricted to the free elements a good pair may turn out flat; then it is passed over.
        flat = curvature <= 1e-8 * tf.norm(s) * tf.norm(y)
        return s, y, tf.where(flat, zero, tf.math.divide_no_nan(tf.ones_like(curvature), curvature))

    direction = tf.where(free, -gradient, zero)
    scale = tf.ones([], gradient.dtype)
    alphas = tf.TensorArray(gradient.dtype, size=count)
    for age in tf.range(count):
        s, y, rho = pair(age)
        alpha = rho * tf.reduce_sum(s * direction)
        alphas = alphas.write(age, alpha)
        direction -= alpha * y
        if age == 0 and rho > 0:
            scale = 1 / (rho * tf.reduce_sum(tf.square(y)))
    direction *= scale
    for age in tf.range(count - 1, -1, -1):
        s, y, rho = pair(age)
        direction += s * (alphas.read(age) - rho * tf.reduce_sum(y * direction))
    return direction
