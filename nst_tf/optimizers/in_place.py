"""The optimizers with state in variables, until the callers hold it. To be deleted with them."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf


class Optimizer(Protocol):
    """What `stylize` needs of an optimizer.

    Attributes:
        evaluations: times that the objective has been evaluated.
        stationary: whether no step can improve the image any more.
    """

    evaluations: int
    stationary: bool

    def step(self, knobs: Any) -> Any:
        """Update the image and return the losses before the update, both as `knobs` weigh them.

        Raises:
            FloatingPointError: they or the gradient are not finite; the losses are its argument.
                The image is left as it was.
        """
        ...


def update_in_place(image, gradient, state, **knobs):
    """Apply `adam_update` to variables."""
    from nst_tf.optimizers.adam import adam_update

    new, after = adam_update(image.value(), gradient, state, **knobs)
    image.assign(new)
    for variable, value in zip(state, after, strict=True):
        variable.assign(value)


def adam_state(shape):
    """Return variables."""
    from nst_tf.optimizers.adam import AdamState, adam_start

    return AdamState(*(tf.Variable(tensor, trainable=False) for tensor in adam_start(shape)))


def resampled(state, shape, factor):
    """Return variables."""
    from nst_tf.optimizers.adam import AdamState, adam_resample

    new = adam_resample(state, shape, factor)
    return AdamState(*(tf.Variable(tensor, trainable=False) for tensor in new))


class Adam:
    """Adam as an `Optimizer`.

    Args:
        update: the compiled step on the image, given the state and the knobs.
        state: where to go on.
    """

    stationary = False

    def __init__(
        self,
        update: Callable[[Any, Any], tuple[Any, tf.Tensor]],
        state: Any,
    ) -> None:
        self.state = state
        self._update = update
        self.evaluations = 0

    def step(self, knobs: Any) -> Any:
        """Apply one step: see `Optimizer`."""
        self.evaluations += 1
        tensors, finite = self._update(self.state, knobs)
        losses = type(tensors)(*(float(term) for term in tensors))
        if not finite:
            raise FloatingPointError(losses)
        return losses


class Average:
    """The running average of a variable, free of its start: Σ dⁿ⁻ᵏ x_k / Σ dⁿ⁻ᵏ.

    Polyak's averaging of iterates with an exponential window; Adam's steps jitter, their average
    does not.

    Args:
        variable: float32 of any shape.
        decay: d in [0, 1).
    """

    def __init__(self, variable: tf.Variable, decay: float) -> None:
        self._variable = variable
        self._decay = decay
        self._average = tf.Variable(variable, trainable=False)
        self._weight = 0.0

    def update(self) -> None:
        """Take in the variable as it is now."""
        self._weight = self._decay * self._weight + 1
        self._average.assign_add((self._variable - self._average) / self._weight)

    def numpy(self) -> np.ndarray:
        """Return the average, or before the first update the variable."""
        return self._average.numpy()


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
        evaluate: Callable[[tf.Tensor, Any], Any],
        memory: int,
    ) -> None:
        self._image = image
        self._evaluate = evaluate
        self._memory = memory
        # Flat s = Δx and y = Δg, oldest first: tensors, as slices of a variable would be copies.
        self._moves: list[tf.Tensor] = []
        self._changes: list[tf.Tensor] = []
        self._here: Any | None = None
        self._knobs: Any = None
        self.evaluations = 0
        self.stationary = False

    def step(self, knobs: Any = None) -> Any:
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

    def _measure(self, image: tf.Tensor) -> Any:
        self.evaluations += 1
        return self._evaluate(image, self._knobs)

    def _search(self, here: Any) -> bool:
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
        from nst_tf.optimizers import lbfgs

        newest_first = range(len(self._moves))[::-1]
        direction = tf.zeros_like(free)
        for weight, vector in zip(
            lbfgs.two_loop_coefficients(products, newest_first), vectors, strict=True
        ):
            direction += tf.constant(weight, free.dtype) * vector
        return tf.reshape(direction * free, image.shape)

    def _accept(
        self,
        after: tf.Tensor,
        move: tf.Tensor,
        here: Any,
        there: Any,
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
