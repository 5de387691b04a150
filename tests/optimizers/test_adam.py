import keras
import numpy as np
import tensorflow as tf

from nst_tf.optimizers.adam import adam_state, adam_update

TUTORIAL = {"learning_rate": 0.02, "beta_1": 0.99, "epsilon": 0.1}


def update(image, gradient, state, **knobs):
    tensors = {name: tf.constant(value) for name, value in (TUTORIAL | knobs).items()}
    adam_update(image, gradient, state, **tensors)


def test_adam_follows_keras_over_many_steps():
    rng = np.random.default_rng(0)
    start = rng.uniform(0.4, 0.6, (1, 4, 5, 3)).astype(np.float32)
    ours, theirs = tf.Variable(start), tf.Variable(start)
    state, optimizer = adam_state(start.shape), keras.optimizers.Adam(**TUTORIAL)
    for _ in range(50):
        # Spread over magnitudes around epsilon, where its place in the formula shows.
        gradient = tf.constant(rng.normal(size=start.shape) * 10 ** rng.uniform(-3, 2), tf.float32)
        update(ours, gradient, state)
        optimizer.apply_gradients([(gradient, theirs)])
        theirs.assign(tf.clip_by_value(theirs, 0.0, 1.0))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert np.abs(ours - start).max() > 0.01


def test_the_first_step_has_the_closed_form():
    # m = (1 − β₁) g and √v = √(1 − β₂) |g|: the corrections leave α g / (|g| + ε/√(1 − β₂)).
    gradient = np.array([3.0, -0.5, 0.0], np.float32).reshape(1, 1, 1, 3)
    image = tf.Variable(np.full((1, 1, 1, 3), 0.5, np.float32))
    update(image, tf.constant(gradient), adam_state(image.shape))
    step = 0.02 * gradient / (np.abs(gradient) + 0.1 / np.sqrt(0.001))
    np.testing.assert_allclose(image, 0.5 - step, rtol=1e-5)


def test_the_image_stays_in_range():
    image = tf.Variable([[[[0.001, 0.999, 0.5]]]])
    state = adam_state(image.shape)
    for _ in range(5):
        update(image, tf.constant([[[[1e6, -1e6, 0.0]]]]), state)
    np.testing.assert_array_equal(image, [[[[0.0, 1.0, 0.5]]]])
