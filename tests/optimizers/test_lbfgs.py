import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf.losses.formulas import Losses
from nst_tf.optimizers.lbfgs import Evaluation, ProjectedLBFGS, two_loop_coefficients


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


def minimise(function, start, steps, goal=-np.inf, memory=10):
    evaluate = differentiate(function)

    def evaluation(x, _):
        value, gradient = evaluate(x)
        return Evaluation(Losses(float(value), 0, 0, 0), gradient)

    image = tf.Variable(start)
    optimizer = ProjectedLBFGS(image, evaluation, memory)
    values = []
    while len(values) < steps and (not values or values[-1] > goal):
        values.append(optimizer.step().total)
    return image.numpy(), values, optimizer


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
    ours, values, _ = minimise(function, start, 600)
    assert float(function(tf.constant(ours))) <= theirs.fun * (1 + 1e-8) + 1e-12
    np.testing.assert_allclose(ours, theirs.x, atol=1e-4)
    assert np.all(np.diff(values) <= 1e-12 * np.abs(values[:-1]) + 1e-300)
    if function is not rosenbrock:  # whose optimum lies inside
        assert np.any((ours == 0) | (ours == 1))
        goal = theirs.fun * (1 + 1e-6) + 1e-9
        _, _, optimizer = minimise(function, start, 600, goal)
        assert optimizer.evaluations <= theirs.nfev


def test_steps_count_accepted_iterates_and_values_come_before_them():
    start = np.full(5, 0.2)
    _, values, optimizer = minimise(rosenbrock, start, 7)
    assert len(values) == 7
    assert values[0] == pytest.approx(float(rosenbrock(tf.constant(start))))
    assert np.all(np.diff(values) < 0)
    assert optimizer.evaluations >= 8


def test_a_stationary_point_is_noticed_and_left_alone():
    corner = np.zeros(3)
    image, values, optimizer = minimise(lambda x: tf.reduce_sum(x + 1), corner, 3)
    assert optimizer.stationary
    np.testing.assert_array_equal(image, corner)
    assert values == [3, 3, 3]


def test_values_that_are_not_finite_are_backed_away_from():
    # The first, unscaled steps reach beyond the logarithm's domain.
    def barrier(x):
        return tf.reduce_sum(-tf.math.log(0.5 - x) - 3 * x)

    image, _, optimizer = minimise(barrier, np.full(4, 0.499), 60)
    np.testing.assert_allclose(image, 0.5 - 1 / 3, atol=1e-6)
    assert not np.isnan(image).any()
    assert optimizer.evaluations < 200


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
