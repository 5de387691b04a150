"""L-BFGS in a box: limited-memory quasi-Newton steps for pixels that must stay in [0, 1].

    x ← clip(x − t · H g_free, 0, 1)

H is the L-BFGS approximation of the inverse Hessian (Nocedal and Wright, "Numerical
Optimization", algorithm 7.4) from pairs s = Δx, y = Δg, restricted to the free elements: those
not at a bound with the gradient pushing outwards. This restriction makes the projected
direction one of descent for small t (Bertsekas, "Projected Newton Methods", 1982). The step
length t shrinks from 1 until Armijo's condition

    f(x⁺) ≤ f(x) + c · gᵀ(x⁺ − x) + rounding · |f(x)|

holds. Without usable pairs the step is one along −g_free whose root mean square is `FIRST_RMS`.
If no length is accepted, the pairs are dropped and −g_free is tried; if that fails too, the
point is stationary. No tolerance ends the search earlier. Inner products are computed in the
image's dtype. Those for H g are computed in chunks, whose results are added in float64.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

ARMIJO = 1e-4  # share of the predicted decrease that a step must reach, as in Nocedal and Wright
TRIES = 25  # step lengths tried along one direction
FIRST_RMS = 0.01  # root mean square of a step along −g, in units of the box
CHUNK = 1 << 14  # elements of each vector that are multiplied at once, for the caches
DTYPES = (tf.float32, tf.float64)

Vectors = tuple[tf.Tensor, ...]


class Evaluation(NamedTuple):
    """The objective at one point.

    Attributes:
        losses: its value as "total", a Python number, and its terms, if any.
        gradient: of the total, of the point's shape and dtype.
    """

    losses: Mapping[str, float]
    gradient: tf.Tensor


class LBFGSState(NamedTuple):
    """The state of L-BFGS between steps.

    Attributes:
        moves: the steps s = Δx of the pairs, flat, oldest first.
        changes: the changes y = Δg of the gradient over these steps.
        here: the objective at the current image, or None if it is unknown.
        stationary: whether no step along −g improves the image any more.
    """

    moves: Vectors
    changes: Vectors
    here: Evaluation | None
    stationary: bool


class LBFGSStep(NamedTuple):
    """The outcome of one step.

    Attributes:
        image: after the step.
        state: for the next step.
        losses: of the image before the step.
        evaluations: how often this step evaluated the objective.
    """

    image: tf.Tensor
    state: LBFGSState
    losses: Mapping[str, float]
    evaluations: int


def lbfgs_start() -> LBFGSState:
    """Return the state before the first step, also to be used when the objective changes."""
    return LBFGSState((), (), None, False)


def lbfgs_step(
    image: tf.Tensor,
    state: LBFGSState,
    evaluate: Callable[[tf.Tensor], Evaluation],
    *,
    memory: int,
    rounding: float,
) -> LBFGSStep:
    """Take one step of L-BFGS with two-metric projection to [0, 1]: see the module.

    Args:
        image: float32 or float64 of any shape, with values in [0, 1].
        state: from `lbfgs_start` or the step before. It remains valid if this step fails.
        evaluate: the objective and its gradient at an image. Away from `image` it may return
            values that are not finite.
        memory: number of pairs to keep, at least 1; each takes two images of memory.
        rounding: relative error of the objective's total. With features in half precision it is
            much larger than the rounding error of the image's dtype.

    Raises:
        FloatingPointError: the total or the gradient at `image` is not finite; the losses are the
            argument.
        TypeError: the image has another dtype.
    """
    if image.dtype not in DTYPES:
        raise TypeError(f"L-BFGS needs a float32 or float64 image, not {image.dtype.name}")
    evaluations = 1 if state.here is None else 0
    here = evaluate(image) if state.here is None else state.here
    if state.stationary:
        return LBFGSStep(image, state, here.losses, evaluations)
    if not math.isfinite(here.losses["total"] + _dot(here.gradient, here.gradient)):
        raise FloatingPointError(here.losses)

    oldest = max(len(state.moves) - memory, 0)
    moves, changes = state.moves[oldest:], state.changes[oldest:]
    accepted, tries, quasi_newton = _search(image, here, moves, changes, evaluate, rounding)
    evaluations += tries
    if accepted is None and quasi_newton:
        moves, changes = (), ()
        accepted, tries, _ = _search(image, here, moves, changes, evaluate, rounding)
        evaluations += tries
    if accepted is None:
        return LBFGSStep(image, LBFGSState((), (), here, True), here.losses, evaluations)

    after, there = accepted
    move, change = after - image, there.gradient - here.gradient
    # A pair along which the gradient did not grow makes no Hessian.
    if _is_steep(_dot(move, change), _dot(move, move), _dot(change, change), 1e-10):
        oldest = max(len(moves) + 1 - memory, 0)
        moves = (*moves, _in_host_memory(move))[oldest:]
        changes = (*changes, _in_host_memory(change))[oldest:]
    return LBFGSStep(after, LBFGSState(moves, changes, there, False), here.losses, evaluations)


def _search(
    image: tf.Tensor,
    here: Evaluation,
    moves: Vectors,
    changes: Vectors,
    evaluate: Callable[[tf.Tensor], Evaluation],
    rounding: float,
) -> tuple[tuple[tf.Tensor, Evaluation] | None, int, bool]:
    """Backtrack along the projected direction and return the first iterate accepted, evaluated.

    Also return the number of evaluations, and whether any pair was used.
    """
    direction, quasi_newton = _direction(image, here.gradient, moves, changes)
    total = here.losses["total"]
    evaluations, length = 0, 1.0
    for _ in range(TRIES):
        after = tf.clip_by_value(image + length * direction, 0, 1)
        # The move is not kept during the evaluation: it would take the memory of a picture.
        derivative = _dot(here.gradient, after - image)
        if derivative >= 0:
            if tf.reduce_all(after == image):
                break
            # Far out the projection may bend the path uphill; it starts downhill.
            length *= 0.5
            continue
        there = evaluate(after)
        evaluations += 1
        rise = there.losses["total"] - total
        if rise <= ARMIJO * derivative + rounding * abs(total):
            return (after, there), evaluations, quasi_newton
        # The minimum of the parabola through both values and the derivative, within reason.
        best = -0.5 * derivative / (rise - derivative)
        length *= min(max(best, 0.1), 0.5) if math.isfinite(best) else 0.1
    return None, evaluations, quasi_newton


def _direction(
    image: tf.Tensor, gradient: tf.Tensor, moves: Vectors, changes: Vectors
) -> tuple[tf.Tensor, bool]:
    """Return −H g on the free elements and 0 on the others, and whether any pair was used."""
    free = ((image > 0) | (gradient < 0)) & ((image < 1) | (gradient > 0))
    free = tf.reshape(tf.cast(free, image.dtype), [-1])
    vectors = [*moves, *changes, tf.reshape(gradient, [-1])]
    gram = inner_products(vectors, free)
    weights = two_loop_coefficients(gram, range(len(moves))[::-1])
    quasi_newton = bool(np.any(weights[:-1]))
    if not quasi_newton:
        rms = math.sqrt(gram[-1, -1] / len(free))
        weights[-1] = -FIRST_RMS / rms if rms else 0.0
    return tf.reshape(combination(vectors, weights, free), image.shape), quasi_newton


def inner_products(vectors: Sequence[tf.Tensor], free: tf.Tensor, chunk: int = CHUNK) -> np.ndarray:
    """Return the inner products of vectors with each other on the free elements, float64 `[n, n]`.

    Args:
        vectors: n tensors `[N]`.
        free: 1 for a free element and 0 for another, `[N]` of the same dtype.
        chunk: elements of each at once: a copy of all vectors may not fit into memory or caches.
    """
    gram = np.zeros([len(vectors)] * 2)
    mask = _array(free)
    for part, rows in _chunks(vectors, chunk):
        rows *= mask[part]
        gram += rows @ rows.T
    return gram


def combination(
    vectors: Sequence[tf.Tensor], weights: np.ndarray, free: tf.Tensor, chunk: int = CHUNK
) -> tf.Tensor:
    """Return the sum of weighted vectors on the free elements, 0 on the others.

    Args:
        vectors, free, chunk: as for `inner_products`.
        weights: `[n]`.
    """
    total = np.empty_like(_array(free))
    for part, rows in _chunks(vectors, chunk):
        np.matmul(weights.astype(total.dtype), rows, out=total[part])
    return tf.constant(total) * free


def _chunks(vectors: Sequence[tf.Tensor], chunk: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of the vectors as `[n, ≤ chunk]`, in memory that is used again."""
    arrays = [_array(vector) for vector in vectors]
    size, dtype = len(arrays[0]), arrays[0].dtype
    memory = np.empty([len(arrays), min(chunk, size)], dtype)
    for start in range(0, size, chunk):
        part = slice(start, min(start + chunk, size))
        rows = memory[:, : part.stop - part.start]
        for row, array in zip(rows, arrays, strict=True):
            row[:] = array[part]
        yield part, rows


def _array(tensor: tf.Tensor) -> np.ndarray:
    """Return the elements of a tensor; if it is in the processor's memory, without a copy."""
    return np.frombuffer(tensor, tensor.dtype.as_numpy_dtype)


def _in_host_memory(tensor: tf.Tensor) -> tf.Tensor:
    """Return a tensor, flat, in the memory of the processor, where inner products are computed."""
    with tf.device("CPU"):
        return tf.identity(tf.reshape(tensor, [-1]))


def _dot(a: tf.Tensor, b: tf.Tensor) -> float:
    return float(tf.reduce_sum(a * b))


def _is_steep(product: float, square: float, other_square: float, least: float) -> bool:
    """Return whether the cosine of two vectors exceeds `least`, given their inner products."""
    return product > least * math.sqrt(square) * math.sqrt(other_square)


def two_loop_coefficients(gram: np.ndarray, newest_first: Sequence[int]) -> np.ndarray:
    """Return −H g as coefficients of the vectors s_0 … s_{m−1}, y_0 … y_{m−1}, g.

    The two-loop recursion (Nocedal and Wright, algorithm 7.4) needs only the inner products of
    these vectors (Chen, Wang and Zhou, "Large-scale L-BFGS using MapReduce", 2014): one matrix
    product instead of 4m passes over the image.

        index    0 … m−1    m … 2m−1    2m
        vector   s_i        y_i         g

    In the textbook, d is a vector. Here it is the list of its coefficients, so ⟨v, d⟩ is the row of
    v in the Gram matrix times d, and d ← d + c v adds c to the coefficient of v.

        d ← −g
        for i from the newest pair to the oldest:
            α_i ← ⟨s_i, d⟩ / ⟨s_i, y_i⟩
            d ← d − α_i y_i
        d ← d · ⟨s_k, y_k⟩ / ⟨y_k, y_k⟩                     k: the newest pair
        for i from the oldest pair to the newest:
            β ← ⟨y_i, d⟩ / ⟨s_i, y_i⟩
            d ← d + (α_i − β) s_i

    Args:
        gram: `[2m + 1, 2m + 1]`, the inner products of all the vectors with each other.
        newest_first: indices of the pairs to use. A pair without positive curvature is skipped: a
            good pair may lose its curvature when it is restricted to the free elements.

    Returns:
        `[2m + 1]`. Without a usable pair, −1 for g and 0 for the others.
    """
    memory = len(gram) // 2

    def y(pair: int) -> int:
        return memory + pair

    def curvature(pair: int) -> float:
        return gram[pair, y(pair)]

    def is_usable(pair: int) -> bool:
        return _is_steep(curvature(pair), gram[pair, pair], gram[y(pair), y(pair)], 1e-8)

    pairs = [pair for pair in newest_first if is_usable(pair)]
    direction, alphas = np.zeros(len(gram)), {}
    direction[-1] = -1
    for pair in pairs:
        alphas[pair] = gram[pair] @ direction / curvature(pair)
        direction[y(pair)] -= alphas[pair]
    if pairs:
        newest = y(pairs[0])
        direction *= curvature(pairs[0]) / gram[newest, newest]
    for pair in reversed(pairs):
        beta = gram[y(pair)] @ direction / curvature(pair)
        direction[pair] += alphas[pair] - beta
    return direction
