import numpy as np
import pytest
import tensorflow as tf

from nst_tf.optimizers.averaging import average_update


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.97])
def test_the_average_is_the_weighted_mean_of_all_images(decay):
    images = np.random.default_rng(0).random((12, 1, 2, 3, 3)).astype(np.float32)
    state = None
    for count, image in enumerate(images, 1):
        state = average_update(state, tf.constant(image), decay)
        weights = float(decay) ** np.arange(count)[::-1]
        expected = np.tensordot(weights / weights.sum(), images[:count], 1)
        np.testing.assert_allclose(state.average, expected, atol=1e-6)
        assert state.weight == pytest.approx(weights.sum())


def test_earlier_states_remain_as_they_are():
    first = average_update(None, tf.fill((1, 2, 2, 3), 0.25), 0.9)
    average_update(first, tf.fill((1, 2, 2, 3), 0.75), 0.9)
    np.testing.assert_array_equal(first.average, np.full((1, 2, 2, 3), 0.25))
    assert first.weight == 1
