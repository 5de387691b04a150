"""The detector's networks, compared with the same layers in Keras."""

import keras
import numpy as np
import pytest

from nst_tf.images import mtcnn


def network(name, pools):
    """Return the layers of a network in Keras, with its weights, up to its outputs.

    `pools` are the side and padding of the maxima after each of the first convolutions.
    """
    arrays = iter([array for key, array in mtcnn._arrays().items() if key.startswith(name)])
    convolutions = {"pnet": 3, "rnet": 3, "onet": 4}[name]

    def build(x):
        for number in range(convolutions):
            kernel, bias, slope = (next(arrays) for _ in range(3))
            x = keras.ops.nn.conv(x, kernel, padding="valid") + bias
            x = keras.ops.where(x > 0, x, slope * x)
            if number < len(pools):
                side, padding = pools[number]
                x = keras.ops.nn.max_pool(x, side, 2, padding)
        if name == "pnet":
            outputs = [x @ next(arrays) + next(arrays) for _ in range(2)]
        else:
            x = keras.ops.reshape(keras.ops.transpose(x, (0, 2, 1, 3)), (len(x), -1))
            x = x @ next(arrays) + next(arrays)
            x = keras.ops.where(x > 0, x, next(arrays) * x)
            outputs = [x @ next(arrays) + next(arrays) for _ in range(2 if name == "rnet" else 3)]
        assert next(arrays, None) is None
        *others, scores = outputs
        return [np.asarray(part) for part in (keras.ops.softmax(scores)[..., 1], *others)]

    return build


def noise(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize("size", [(12, 12), (23, 38), (40, 31)])
def test_proposals_are_those_of_keras(size):
    image = noise(*size, 3)
    scores, boxes = mtcnn.propose(image)
    expected, moves = network("pnet", [(2, "same")])(image[None])
    np.testing.assert_allclose(scores, expected[0], atol=1e-5)
    np.testing.assert_allclose(boxes, moves[0], atol=1e-5)
    # A window of 12 pixels, every two pixels.
    assert scores.shape == tuple((side - 12 + 1) // 2 + 1 for side in size)


def test_refinement_is_that_of_keras():
    patches = noise(3, 24, 24, 3)
    expected = network("rnet", [(3, "same"), (3, "valid")])(patches)
    for found, wanted in zip(mtcnn.refine(patches), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_landmarks_are_those_of_keras():
    patches = noise(2, 48, 48, 3)
    scores, boxes, points = mtcnn.locate(patches)
    expected, moves, flat = network("onet", [(3, "same"), (3, "valid"), (2, "same")])(patches)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    np.testing.assert_allclose(boxes, moves, atol=1e-5)
    assert points.shape == (2, 5, 2)
    np.testing.assert_allclose(points[..., 0], flat[:, :5], atol=1e-5)
    np.testing.assert_allclose(points[..., 1], flat[:, 5:], atol=1e-5)
