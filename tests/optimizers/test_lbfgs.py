import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_tf.optimizers.lbfgs import (
    FIRST_RMS,
    Evaluation,
    LBFGSState,
    combination,
    inner_products,
    lbfgs_start,
    lbfgs_step,
    two_loop_coefficients,
)

ROUNDING = {"float32": 2.0**-22, "float64": 2.0**-51}


def rosenbrock(x):
    """The chained Rosenbrock function on [-1, 1.5], seen from the unit box."""
    z = 2.5 * x - 1
    return tf.reduce_sum(100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2)


def low_rosenbrock(x):
    """The same on [-1, 0.7], so that the optimum lies on the box's faces."""
    z = 1.7 * x - 1
    return tf.reduce_sum(100 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2)


def quadratic(x):
    """A badly scaled quadratic whose unbounded minimum lies outside the box."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((40, 40)))
    matrix = basis @ np.diag(np.logspace(0, 3, 40)) @ basis.T
    offset = x - tf.constant(rng.uniform(-0.5, 1.5, 40))
    return 0.5 * tf.tensordot(offset, tf.linalg.matvec(tf.constant(matrix), offset), 1)


def differentiate(function):
    @tf.function
    def evaluate(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return value, tape.gradient(value, x)

    return evaluate


class Objective:
    """What `lbfgs_step` evaluates, with a record of the points."""

    def __init__(self, function):
        self._evaluate = differentiate(function)
        self.points = []

    def __call__(self, x):
        self.points.append(x.numpy())
        value, gradient = self._evaluate(x)
        return Evaluation({"total": float(value)}, gradient)


def step(image, state, evaluate, memory=10, rounding=None):
    rounding = ROUNDING[image.dtype.name] if rounding is None else rounding
    return lbfgs_step(image, state, evaluate, memory=memory, rounding=rounding)


def minimise(function, start, steps, goal=-np.inf, **options):
    """Return the last image, the values before each step, the last state and the evaluations."""
    image, state, values, evaluations = tf.constant(start), lbfgs_start(), [], 0
    evaluate = Objective(function)
    while len(values) < steps and (not values or values[-1] > goal):
        image, state, losses, count = step(image, state, evaluate, **options)
        values.append(losses["total"])
        evaluations += count
    assert evaluations == len(evaluate.points)
    return image.numpy(), values, state, evaluations


def scipy_minimise(function, start):
    evaluate = differentiate(function)
    return scipy.optimize.minimize(
        lambda x: [array.numpy() for array in evaluate(tf.constant(x))],
        start, jac=True, method="L-BFGS-B", bounds=[(0, 1)] * len(start),
        options={"maxcor": 10, "maxiter": 2000, "maxfun": 5000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip


@pytest.mark.parametrize("function", [rosenbrock, low_rosenbrock, quadratic])
def test_the_optimum_is_that_of_scipy(function):
    start = np.random.default_rng(1).uniform(0.1, 0.4, 40)
    theirs = scipy_minimise(function, start)
    ours, values, _, _ = minimise(function, start, 600)
    assert float(function(tf.constant(ours))) <= theirs.fun * (1 + 1e-8) + 1e-12
    np.testing.assert_allclose(ours, theirs.x, atol=1e-4)
    assert np.all(np.diff(values) <= 1e-12 * np.abs(values[:-1]) + 1e-300)
    if function is not rosenbrock:  # whose optimum lies inside
        assert np.any((ours == 0) | (ours == 1))
        goal = theirs.fun * (1 + 1e-6) + 1e-9
        assert minimise(function, start, 600, goal)[-1] <= theirs.nfev


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_separable_quadratic_is_solved_by_clipping_its_centre(dtype):
    rng = np.random.default_rng(2)
    centre = rng.uniform(-0.5, 1.5, (1, 6, 7, 3)).astype(dtype)
    scales = 10 ** rng.uniform(0, 1, centre.shape).astype(dtype)
    start = rng.uniform(0, 1, centre.shape).astype(dtype)
    image, *_ = minimise(lambda x: tf.reduce_sum(scales * (x - centre) ** 2), start, 40)
    assert image.dtype == dtype
    np.testing.assert_allclose(image, np.clip(centre, 0, 1), atol=2e-4)


@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(1, 12),
    memory=st.integers(1, 6),
    dtype=st.sampled_from(["float32", "float64"]),
)
@settings(max_examples=40, deadline=None)
def test_images_stay_in_the_box_and_values_fall(seed, size, memory, dtype):
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((size, size))
    matrix = (matrix + matrix.T).astype(dtype)  # indefinite: any minimum is one of the box
    slope = rng.standard_normal(size).astype(dtype)
    start = rng.choice([0, 1, rng.random()], size).astype(dtype)

    def evaluate(x):
        assert np.all((x.numpy() >= 0) & (x.numpy() <= 1))
        product = tf.linalg.matvec(matrix, x)
        value = tf.tensordot(x, 0.5 * product + slope, 1)
        return Evaluation({"total": float(value)}, product + slope)

    image, state, values = tf.constant(start), lbfgs_start(), []
    for _ in range(12):
        image, state, losses, _ = step(image, state, evaluate, memory, rounding=0.0)
        values.append(losses["total"])
        assert len(state.moves) == len(state.changes) <= memory
    assert np.all(np.diff(values) <= 0)


def test_steps_count_accepted_iterates_and_values_come_before_them():
    start = np.full(5, 0.2)
    _, values, _, evaluations = minimise(rosenbrock, start, 7)
    assert values[0] == pytest.approx(float(rosenbrock(tf.constant(start))))
    assert np.all(np.diff(values) < 0)
    assert evaluations >= 8


def test_a_stationary_point_is_noticed_and_left_alone():
    corner = np.zeros(3)
    image, values, state, evaluations = minimise(lambda x: tf.reduce_sum(x + 1), corner, 3)
    assert state.stationary
    assert evaluations == 1
    np.testing.assert_array_equal(image, corner)
    assert values == [3, 3, 3]


def test_values_that_are_not_finite_are_backed_away_from():
    # The first, unscaled steps reach beyond the logarithm's domain.
    def barrier(x):
        return tf.reduce_sum(-tf.math.log(0.5 - x) - 3 * x)

    image, _, _, evaluations = minimise(barrier, np.full(4, 0.499), 60)
    np.testing.assert_allclose(image, 0.5 - 1 / 3, atol=1e-6)
    assert evaluations < 200


@pytest.mark.parametrize(
    ("total", "slope"), [(np.nan, 1.0), (np.inf, 1.0), (1.0, np.inf), (1.0, np.nan)]
)
def test_what_is_not_finite_at_the_image_is_an_error(total, slope):
    losses = {"total": total, "style": 2.0}

    def evaluate(x):
        return Evaluation(losses, tf.constant([0.0, slope]))

    with pytest.raises(FloatingPointError) as error:
        step(tf.constant([0.5, 0.0]), lbfgs_start(), evaluate)
    assert error.value.args == (losses,)


@pytest.mark.parametrize("dtype", [tf.bfloat16, tf.float16, tf.int32])
def test_images_of_other_types_are_refused(dtype):
    with pytest.raises(TypeError, match=f"float32 or float64 image, not {dtype.name}"):
        lbfgs_step(tf.zeros(3, dtype), lbfgs_start(), None, memory=1, rounding=0.0)


def test_an_objective_that_is_less_exact_than_the_image_does_not_end_the_search():
    # As of features in half precision: the error hides any decrease.
    start = tf.constant([0.5003, 0.4998])

    def evaluate(x):
        error = 0.0 if np.array_equal(x, start) else 5e-4
        total = 1 + float(tf.reduce_sum((x - 0.5) ** 2)) + error
        return Evaluation({"total": total}, 2 * (x - 0.5))

    exact = step(start, lbfgs_start(), evaluate)
    assert exact.state.stationary
    allowed = step(start, lbfgs_start(), evaluate, rounding=1e-3)
    assert not allowed.state.stationary
    assert allowed.evaluations == 2


def test_a_path_that_the_projection_bends_uphill_is_followed_where_it_falls():
    # The pairs know the Hessian. The second element, whose decrease outweighs the increase of the
    # first, soon stops at its bound: at t = 1 the gradient along the projected move is positive.
    coupling = 0.9
    hessian = np.array([[1, coupling], [coupling, 1]])
    image, gradient = np.array([0.5, 0.01]), np.array([0.01, 0.05])
    moves = np.array([[1.0, 0.0], [-coupling, 1.0]])  # conjugate
    newton = -np.linalg.solve(hessian, gradient)
    assert gradient @ newton < 0 < gradient @ (np.clip(image + newton, 0, 1) - image)
    centre = image + newton

    def evaluate(x):
        slope = tf.linalg.matvec(hessian, x - centre)
        return Evaluation({"total": float(tf.tensordot(x - centre, slope, 1)) / 2}, slope)

    image = tf.constant(image)
    pairs = tuple(map(tf.constant, moves)), tuple(map(tf.constant, moves @ hessian))
    start = LBFGSState(*pairs, evaluate(image), False)
    after = step(image, start, evaluate)
    assert after.state.here.losses["total"] < after.losses["total"]
    assert len(after.state.moves) == 3  # the pairs were not given up


def test_without_a_usable_pair_the_first_element_moves_as_far_as_in_a_first_step():
    # On the one free element the pair has negative curvature, though not on both.
    def evaluate(x):
        return Evaluation({"total": float(1e6 * x[0] + x[1])}, tf.constant([1e6, 1.0]))

    image = tf.constant([0.5, 0.0])
    pair = (tf.constant([0.1, 0.1]),), (tf.constant([-1.0, 3.0]),)
    after = step(image, LBFGSState(*pair, None, False), evaluate)
    expected = [0.5 - FIRST_RMS * np.sqrt(2), 0]
    np.testing.assert_allclose(after.image, expected, rtol=1e-5)


def several_steps(count=8):
    image, state, evaluate = tf.constant(np.full(9, 0.2)), lbfgs_start(), Objective(rosenbrock)
    for _ in range(count):
        image, state, _, _ = step(image, state, evaluate)
    return image, state, evaluate


def test_a_smaller_memory_keeps_the_newest_pairs():
    image, state, evaluate = several_steps()
    assert len(state.moves) == 8
    cut = state._replace(moves=state.moves[-3:], changes=state.changes[-3:])
    fewer, expected = step(image, state, evaluate, 3), step(image, cut, evaluate, 3)
    np.testing.assert_array_equal(fewer.image, expected.image)
    assert len(fewer.state.moves) == 3
    assert fewer.state.moves[0] is state.moves[-2]
    assert not np.array_equal(fewer.image, step(image, state, evaluate).image)


def test_a_step_that_failed_can_be_repeated_from_its_state():
    image, state, evaluate = several_steps()
    before = [vector.numpy().copy() for vector in (image, *state.moves, *state.changes)]

    def fail(x):
        raise MemoryError

    with pytest.raises(MemoryError):
        step(image, state, fail)
    once, twice = step(image, state, evaluate), step(image, state, evaluate)
    np.testing.assert_array_equal(once.image, twice.image)
    for vector, value in zip((image, *state.moves, *state.changes), before, strict=True):
        np.testing.assert_array_equal(vector, value)


@pytest.mark.parametrize("chunk", [4, 10, 11])
def test_products_in_chunks_are_those_of_the_whole_vectors(chunk):
    rng = np.random.default_rng(0)
    vectors, free = rng.standard_normal((5, 10)), rng.integers(0, 2, 10).astype(float)
    found = inner_products([tf.constant(vector) for vector in vectors], tf.constant(free), chunk)
    np.testing.assert_allclose(found, (vectors * free) @ vectors.T, rtol=1e-9)


@pytest.mark.parametrize("chunk", [4, 10, 11])
def test_a_combination_in_chunks_is_that_of_the_whole_vectors(chunk):
    rng = np.random.default_rng(0)
    vectors, free = rng.standard_normal((5, 10)), rng.integers(0, 2, 10).astype(float)
    weights = rng.standard_normal(5)
    tensors = [tf.constant(vector) for vector in vectors]
    found = combination(tensors, weights, tf.constant(free), chunk)
    np.testing.assert_allclose(found, weights @ vectors * free, rtol=1e-9)


def test_the_direction_is_that_of_the_recursion_on_the_vectors_themselves():
    rng = np.random.default_rng(0)
    memory, size = 4, 9
    s = rng.standard_normal((memory, size))
    y = s * rng.uniform(0.5, 2, size) + 0.01 * rng.standard_normal((memory, size))
    y[2] = -y[2]  # negative curvature: to be passed over
    g = rng.standard_normal(size)
    order = [1, 0, 3, 2]
    hessian = np.eye(size) * (s[1] @ y[1]) / (y[1] @ y[1])
    for pair in (3, 0, 1):  # oldest first: the dense inverse update
        rho = 1 / (s[pair] @ y[pair])
        left = np.eye(size) - rho * np.outer(s[pair], y[pair])
        hessian = left @ hessian @ left.T + rho * np.outer(s[pair], s[pair])
    vectors = np.concatenate([s, y, g[None]])
    coefficients = two_loop_coefficients(vectors @ vectors.T, order)
    np.testing.assert_allclose(coefficients @ vectors, -hessian @ g, rtol=1e-9)
