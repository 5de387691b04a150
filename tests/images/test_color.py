import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf import Settings, load_image, stylize
from nst_tf.images.color import Colors, color_map, luminance, luminance_map, with_luminance
from tests.conftest import ASSETS

SHALLOW = Settings(
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"], epochs=1,
    steps_per_epoch=3, max_dim=0, style_scale=0,
)  # fmt: skip

# Rows of the RGB to YIQ matrix of NTSC.
YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])


def chroma(image):
    return image.astype(np.float64) @ YIQ[1:].T


def moments(image):
    colors = image.reshape(-1, 3).astype(np.float64)
    return colors.mean(axis=0), np.cov(colors.T, bias=True)


@pytest.fixture(scope="module")
def photo():
    return load_image(ASSETS / "cat.jpg", 128)


@pytest.fixture(scope="module")
def painting():
    return load_image(ASSETS / "great_wave.jpg", 128)


def test_matched_colours_have_the_mean_and_covariance_that_were_asked_for(photo, painting):
    matched = color_map(painting, photo)(painting)
    assert matched.dtype == np.float32
    for ours, theirs in zip(moments(matched), moments(photo), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert np.abs(moments(painting)[0] - moments(photo)[0]).max() > 0.05


def test_matching_an_image_to_itself_changes_nothing(photo):
    np.testing.assert_allclose(color_map(photo, photo)(photo), photo, atol=1e-6)


def test_a_grey_image_varies_along_one_colour_only(photo, painting):
    rng = np.random.default_rng(0)
    noise = rng.uniform(-0.4, 0.4, painting.shape) / 255  # of rounding and compression
    grey = np.clip(np.repeat(luminance(painting), 3, axis=-1) + noise, 0, 1).astype(np.float32)
    matched = color_map(grey, photo)(grey)
    mean, covariance = moments(matched)
    np.testing.assert_allclose(mean, moments(photo)[0], atol=1e-6)
    variances = np.linalg.eigvalsh(covariance)
    assert variances[1] < 1e-6 < 1e-3 < variances[2]


def test_a_grey_photo_makes_the_painting_grey(photo, painting):
    grey = np.repeat(luminance(photo), 3, axis=-1)
    matched = color_map(painting, grey)(painting)
    assert np.abs(matched - matched.mean(axis=-1, keepdims=True)).max() < 1e-5
    assert matched.std() == pytest.approx(grey.std(), rel=1e-4)


def test_flat_images_stay_flat(photo):
    flat = np.full((1, 8, 9, 3), 0.25, np.float32)
    expected = np.broadcast_to(moments(photo)[0], flat.shape)
    np.testing.assert_allclose(color_map(flat, photo)(flat), expected, atol=1e-6)
    np.testing.assert_allclose(color_map(photo, flat)(photo), np.full_like(photo, 0.25), atol=1e-6)
    assert luminance_map(flat, photo)(flat).std() == 0
    np.testing.assert_allclose(luminance_map(photo, flat)(photo), 0.25, atol=1e-6)


def test_luminance_has_the_mean_and_deviation_that_were_asked_for(photo, painting):
    moved, wanted = luminance_map(painting, photo)(painting), luminance(photo)
    assert moved.mean() == pytest.approx(wanted.mean(), abs=1e-5)
    assert moved.std() == pytest.approx(wanted.std(), abs=1e-5)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_a_new_luminance_leaves_the_chroma(seed, saturation):
    rng = np.random.default_rng(seed)
    image = saturation * rng.random((1, 5, 7, 3), np.float32).round() + (1 - saturation) * (
        rng.random((1, 5, 7, 3), np.float32)
    )
    image = image.astype(np.float32)
    target = rng.random((1, 5, 7, 1), np.float32)
    result = with_luminance(image, target)
    assert 0 <= result.min() <= result.max() <= 1
    np.testing.assert_allclose(chroma(result), chroma(image), atol=1e-5)
    # Where the colour leaves room, luminance is what was asked for.
    change = target - luminance(image)
    room = ((image + change >= 0) & (image + change <= 1)).all(axis=-1)
    np.testing.assert_allclose(luminance(result)[room], target[room], atol=1e-5)


def test_a_run_on_luminance_keeps_the_photos_chroma(photo, painting):
    small, style = photo[:, 30:78, 40:104], painting[:, :40, :50]
    seen = []
    settings = dataclasses.replace(SHALLOW, preserve_color="luminance", content_weight=1)
    image = stylize(small, style, settings, callbacks=[lambda p: seen.append(p.image())])
    for picture in (*seen, image):
        assert np.abs(chroma(picture) - chroma(small)).max() < 1 / 255
    np.testing.assert_array_equal(seen[-1], image)
    assert np.abs(luminance(image) - luminance(small)).max() > 0.05


def test_a_run_with_matched_colours_is_one_with_a_matched_style(photo, painting):
    small, style = photo[:, 30:78, 40:104], painting[:, :40, :50]
    expected = stylize(small, np.clip(color_map(style, small)(style), 0, 1), SHALLOW)
    image = stylize(small, style, dataclasses.replace(SHALLOW, preserve_color="match"))
    np.testing.assert_array_equal(image, expected)


def test_every_scale_is_shown_in_its_colours(photo, painting):
    seen = []
    settings = dataclasses.replace(SHALLOW, preserve_color="luminance", scales=2, min_dim=16)
    stylize(photo, painting, settings, callbacks=[lambda p: seen.append(p.image())])
    colors = Colors("none", photo, [painting])
    assert colors.restore_colors(seen[0]) is seen[0]
    assert seen[0].shape[1] < seen[-1].shape[1] == photo.shape[1]
    assert np.abs(chroma(seen[0])).max() > 0.05
