import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.optimizers.adam import adam_resample, adam_start, adam_update

TUTORIAL = {"learning_rate": 0.02, "beta_1": 0.99, "epsilon": 0.1}
SHAPE = (1, 4, 5, 3)


@pytest.fixture
def gradients():
    # Spread over magnitudes around epsilon, where its place in the formula shows.
    rng = np.random.default_rng(1)
    values = rng.normal(size=(50, *SHAPE)) * 10 ** rng.uniform(-3, 2, (50, 1, 1, 1, 1))
    return values.astype(np.float32)


def start(low=0.4, high=0.6):
    return np.random.default_rng(0).uniform(low, high, SHAPE).astype(np.float32)


def run(image, gradients, update=adam_update):
    image, state = tf.constant(image), adam_start(SHAPE)
    for gradient in gradients:
        image, state = update(image, tf.constant(gradient), state, **TUTORIAL)
    return image, state


def test_the_updates_are_those_of_the_formula_in_float64(gradients):
    alpha, beta_1, epsilon = TUTORIAL.values()
    x, m, v = start(0, 1).astype(np.float64), 0.0, 0.0
    for t, g in enumerate(gradients[:8].astype(np.float64), 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = 0.999 * v + 0.001 * g**2
        rate = alpha * np.sqrt(1 - 0.999**t) / (1 - beta_1**t)
        x = np.clip(x - rate * m / (np.sqrt(v) + epsilon), 0, 1)
    image, state = run(start(0, 1), gradients[:8])
    np.testing.assert_allclose(image, x, atol=1e-6)
    np.testing.assert_allclose(state.first_moment, m, rtol=1e-4, atol=1e-6 * np.abs(m).max())
    np.testing.assert_allclose(state.second_moment, v, rtol=1e-4)
    assert int(state.step) == 8
    assert np.any((x == 0) | (x == 1))


def test_keras_adam_moves_the_same_way(gradients):
    theirs, optimizer = tf.Variable(start()), keras.optimizers.Adam(**TUTORIAL)
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), theirs)])
        theirs.assign(tf.clip_by_value(theirs, 0.0, 1.0))
    ours, _ = run(start(), gradients)
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert np.abs(ours - start()).max() > 0.01


def test_one_trace_serves_all_steps_and_settings(gradients):
    compiled = tf.function(adam_update)

    def update(*arguments, **settings):
        tensors = {name: tf.constant(value) for name, value in settings.items()}
        return compiled(*arguments, **tensors)

    eager, _ = run(start(), gradients[:5])
    traced, _ = run(start(), gradients[:5], update)
    np.testing.assert_allclose(traced, eager, atol=1e-6)
    assert compiled.experimental_get_tracing_count() == 1


def test_the_first_step_has_the_closed_form():
    # m = (1 − β₁) g and √v = √(1 − β₂) |g|: the corrections leave α g / (|g| + ε/√(1 − β₂)).
    gradient = np.resize(np.array([3.0, -0.5, 0.0], np.float32), SHAPE)
    image, _ = run(np.full(SHAPE, 0.5, np.float32), [gradient])
    step = 0.02 * gradient / (np.abs(gradient) + 0.1 / np.sqrt(0.001))
    np.testing.assert_allclose(image, 0.5 - step, rtol=1e-5)


def test_the_image_stays_in_range():
    gradient = np.resize(np.array([1e6, -1e6, 0.0], np.float32), SHAPE)
    image, _ = run(np.resize(np.array([0.001, 0.999, 0.5], np.float32), SHAPE), [gradient] * 5)
    np.testing.assert_array_equal(image, np.resize(np.array([0, 1, 0.5], np.float32), SHAPE))


def test_a_step_repeated_from_the_same_state_is_the_same_step(gradients):
    # After a step that was interrupted, say because memory ran out.
    image, state = run(start(), gradients[:3])
    kept = [np.copy(value) for value in (image, *state)]
    first = adam_update(image, tf.constant(gradients[3]), state, **TUTORIAL)
    second = adam_update(image, tf.constant(gradients[3]), state, **TUTORIAL)
    np.testing.assert_array_equal(first[0], second[0])
    for once, twice in zip(first[1], second[1], strict=True):
        np.testing.assert_array_equal(once, twice)
    for value, before in zip((image, *state), kept, strict=True):
        np.testing.assert_array_equal(value, before)


def test_moments_are_resampled_with_the_gradients_scale():
    rng = np.random.default_rng(0)
    state = adam_start((1, 6, 8, 3))._replace(
        step=tf.constant(7, tf.int64), first_moment=tf.fill((1, 6, 8, 3), -3.0)
    )
    state = state._replace(second_moment=tf.fill((1, 6, 8, 3), 16.0))
    finer = adam_resample(state, (1, 12, 16, 3), 1 / 4)
    assert int(finer.step) == 7
    np.testing.assert_allclose(finer.first_moment, np.full((1, 12, 16, 3), -3 / 4), rtol=1e-5)
    np.testing.assert_allclose(finer.second_moment, np.full((1, 12, 16, 3), 16 / 16), rtol=1e-5)

    rough = tf.constant(rng.exponential(size=(1, 6, 8, 3)) ** 4, tf.float32)
    state = state._replace(first_moment=rough, second_moment=rough)
    assert adam_resample(state, (1, 17, 23, 3), 1.0).second_moment.numpy().min() >= 0
    same = adam_resample(state, (1, 6, 8, 3), 1.0)
    np.testing.assert_allclose(same.first_moment, rough, rtol=1e-5)
    np.testing.assert_allclose(same.second_moment, rough, rtol=1e-5)
