import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nst_tf.losses.regions import LEAST_LEFT, block_means, erode, layer_guide
from nst_tf.network.layers import LAYERS, receptive_radius, stride
from nst_tf.network.model import extract_features, feature_model
from nst_tf.network.weights import load_weights
from tests.conftest import ASSETS


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(0, 50), st.integers(0, 2**32 - 1)
)  # fmt: skip
def test_erosion_is_the_minimum_of_a_square(height, width, radius, seed):
    mask = np.random.default_rng(seed).random((height, width), np.float32)
    expected = scipy.ndimage.minimum_filter(mask, 2 * radius + 1, mode="constant", cval=np.inf)
    np.testing.assert_array_equal(erode(mask, radius), expected)


def test_block_means_drop_what_is_left_over():
    mask = np.arange(15, dtype=np.float32).reshape(3, 5)
    np.testing.assert_array_equal(block_means(mask, 2), [[3, 5]])
    np.testing.assert_array_equal(block_means(mask, 1), mask)


@pytest.mark.parametrize(
    ("layer", "pixels"),
    [("block1_conv1", 1), ("block2_conv1", 4), ("block3_conv1", 10), ("block5_conv2", 86)],
)
def test_the_receptive_radius_counts_the_convolutions(layer, pixels):
    assert receptive_radius(layer) == pixels


@pytest.mark.parametrize("layer", LAYERS)
def test_the_guide_of_everything_counts_all_locations_alike(layer):
    side = stride(layer)
    guide = layer_guide(np.ones((67, 90), np.float32), layer)
    shape = (1, 67 // side, 90 // side, 1)
    np.testing.assert_allclose(guide, np.full(shape, 1 / np.prod(shape)), rtol=1e-6)


@pytest.mark.parametrize("layer", ["block1_conv1", "block2_conv1", "block3_conv1"])
def test_eroded_by_all_of_its_radius_no_location_sees_what_is_outside(layer):
    mask = np.zeros((64, 96), np.float32)
    mask[:, 13:] = 1
    guide = layer_guide(mask, layer, erosion=1.0)
    model = feature_model(load_weights("bundled"), (layer,), "max")
    random = np.random.default_rng(0)
    image = random.random((1, 64, 96, 3), np.float32)
    other = np.where(mask[None, :, :, None] > 0, image, random.random(image.shape, np.float32))
    before, after = (extract_features(model, tf.constant(x))[layer] for x in (image, other))
    change = np.abs(after - before).max(axis=-1, keepdims=True)
    assert change.max() > 0.1
    assert (change[guide > 0] == 0).all()
    # It is as wide as it may be: of the locations beside it, some do see that.
    rim = (guide == 0) & (np.roll(guide, -1, axis=2) > 0)
    assert change[rim].max() > 0


@pytest.mark.parametrize("layer", ["block2_conv1", "block3_conv1", "block4_conv1"])
def test_locations_of_a_guide_depend_little_on_what_is_outside(layer):
    with Image.open(ASSETS / "cat.jpg") as photo:
        image = tf.constant(np.asarray(photo.crop((100, 100, 228, 228)), np.float32)[None] / 255)
    mask = np.zeros((128, 128), np.float32)
    mask[:, 32:] = 1
    guide = layer_guide(mask, layer)
    first = np.flatnonzero(guide[0, 0, :, 0])[0]
    model = feature_model(load_weights("bundled"), (layer,), "max")
    shares = []
    for seed in range(4):
        with tf.GradientTape() as tape:
            tape.watch(image)
            rim = extract_features(model, image)[layer][0, :, first]
            value = tf.reduce_sum(rim * np.random.default_rng(seed).standard_normal(rim.shape))
        energy = np.square(tape.gradient(value, image)).sum(axis=(0, 1, 3))
        shares.append(energy[:32].sum() / energy.sum())
    assert 0 < np.mean(shares) < 0.1


@given(st.integers(1, 60), st.integers(1, 60), st.sampled_from(LAYERS))
def test_of_a_small_region_enough_is_left(height, width, layer):
    mask = np.zeros((96, 112), np.float32)
    mask[20 : 20 + height, 30 : 30 + width] = 1
    guide = layer_guide(mask, layer)
    assert guide.sum() == pytest.approx(1, rel=1e-5)
    assert guide.min() >= 0
    assert (guide > 0).sum() * stride(layer) ** 2 >= LEAST_LEFT * mask.sum()


def test_a_region_that_no_location_belongs_to_has_no_guide():
    mask = np.zeros((40, 40), np.float32)
    mask[38:] = 1  # beyond the last location of 8 pixels, and of 16
    assert layer_guide(mask, "block3_pool") is not None
    assert layer_guide(mask, "block4_pool") is None
