"""L-BFGS in a box: limited-memory quasi-Newton steps for pixels that must stay in [0, 1]."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.losses.formulas import Losses


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
    CHUNK = 1 << 18  # elements of each vector of which products are taken at once

    def __init__(
        self,
        image: tf.Variable,
        evaluate: Callable[[tf.Tensor, Any], Evaluation],
        memory: int,
    ) -> None:
        self._image = image
        self._evaluate = evaluate
        self._memory = memory
        # Flat s = Δx and y = Δg, oldest first: tensors, as slices of a variable would be copies.
        self._moves: list[tf.Tensor] = []
        self._changes: list[tf.Tensor] = []
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
            FloatingPointError: it or its gradient is not finite; the terms are the argument.
        """
        if self._here is None or knobs is not self._knobs:
            self._forget()
            self._knobs, self.stationary = knobs, False
            self._here = self._measure(self._image.value())
        here = self._here
        if self.stationary:
            return here.losses
        if not math.isfinite(here.losses.total + float(tf.reduce_sum(tf.square(here.gradient)))):
            raise FloatingPointError(here.losses)
        for attempt in ("quasi-Newton", "steepest descent"):
            if attempt == "steepest descent":
                if not self._moves:
                    break
                self._forget()
            if self._search(here):
                return here.losses
        self.stationary = True
        return here.losses

    def _forget(self) -> None:
        self._moves.clear()
        self._changes.clear()

    def _measure(self, image: tf.Tensor) -> Evaluation:
        self.evaluations += 1
        return self._evaluate(image, self._knobs)

    def _search(self, here: Evaluation) -> bool:
        """Backtrack along the projected direction; whether an iterate was accepted."""
        before = self._image.value()
        direction = self._direction(before, here.gradient)
        scale = 1.0
        if not self._moves:
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

    def _direction(self, image: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        """Return −H g on the free elements and 0 on those held at a bound."""
        free = ((image > 0) | (gradient < 0)) & ((image < 1) | (gradient > 0))
        free = tf.reshape(tf.cast(free, image.dtype), [-1])
        vectors = [*self._moves, *self._changes, tf.reshape(gradient, [-1])]
        products = np.zeros([len(vectors)] * 2)
        for start in range(0, len(free), self.CHUNK):  # a copy of all of them may not fit
            part = slice(start, start + self.CHUNK)
            rows = tf.stack([vector[part] for vector in vectors]) * free[part]
            products += tf.matmul(rows, rows, transpose_b=True).numpy()
        newest_first = range(len(self._moves))[::-1]
        direction = tf.zeros_like(free)
        for weight, vector in zip(
            two_loop_coefficients(products, newest_first), vectors, strict=True
        ):
            direction += tf.constant(weight, free.dtype) * vector
        return tf.reshape(direction * free, image.shape)

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
            self._moves.append(tf.reshape(move, [-1]))
            self._changes.append(tf.reshape(change, [-1]))
            del self._moves[: -self._memory], self._changes[: -self._memory]
        self._image.assign(after)
        self._here = there


_EPSILON = {tf.float32: 2.0**-23, tf.float64: 2.0**-52}


def two_loop_coefficients(products: np.ndarray, newest_first: Sequence[int]) -> np.ndarray:
    """Return −H g as coefficients of the vectors s_0 … s_{m−1}, y_0 … y_{m−1}, g.

    The two-loop recursion needs of these vectors nothing but their inner products (Chen, Wang and
    Zhou, "Large-scale L-BFGS using MapReduce", 2014): one matrix product instead of 4m passes.

    Args:
        products: `[2m + 1, 2m + 1]`, the inner products of all pairs of the vectors.
        newest_first: the pairs in use, by index. One without positive curvature, which a good pair
            may become when it is restricted to the free elements, is passed over.

    Returns:
        `[2m + 1]`.
    """
    memory = len(products) // 2

    def curvature(pair):
        return products[pair, memory + pair]

    def is_steep(pair):
        squares = products[pair, pair] * products[memory + pair, memory + pair]
        return curvature(pair) > 1e-8 * np.sqrt(squares)

    pairs = [pair for pair in newest_first if is_steep(pair)]
    direction, alphas = np.zeros(len(products)), {}
    direction[-1] = -1
    for pair in pairs:
        alphas[pair] = products[pair] @ direction / curvature(pair)
        direction[memory + pair] -= alphas[pair]
    if pairs:
        newest = memory + pairs[0]
        direction *= curvature(pairs[0]) / products[newest, newest]
    for pair in reversed(pairs):
        beta = products[memory + pair] @ direction / curvature(pair)
        direction[pair] += alphas[pair] - beta
    return direction
