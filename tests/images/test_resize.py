import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.resize import as_image, cover, fit_size, long_side_size, resize

SIDES = st.integers(1, 4000)


@given(SIDES, SIDES, st.integers(1, 4000))
def test_fitting_limits_the_long_side_keeps_the_aspect_and_settles(height, width, limit):
    fitted = fit_size(height, width, limit)
    assert max(fitted) == min(max(height, width), limit)
    assert fit_size(*fitted, limit) == fitted
    scale = max(fitted) / max(height, width)
    assert all(
        abs(a - max(1, b * scale)) <= 0.5 for a, b in zip(fitted, (height, width), strict=True)
    )


def test_zero_keeps_the_size():
    assert fit_size(3000, 5000, 0) == (3000, 5000)


def test_long_side_size_enlarges_too():
    assert long_side_size(30, 40, 80) == (60, 80)
    assert long_side_size(1, 1000, 100) == (1, 100)


def test_the_right_size_passes_through_untouched(pixels):
    image = pixels(17, 23)
    assert resize(image, (17, 23)) is image


def test_resizing_keeps_a_flat_image_flat_and_the_range(pixels):
    np.testing.assert_allclose(
        resize(np.full((1, 9, 7, 3), 0.3, np.float32), (5, 20)), 0.3, atol=1e-6
    )
    board = (np.indices((40, 40)).sum(0) // 4 % 2).astype(np.float32)
    resized = resize(np.repeat(board[None, ..., None], 3, -1), (97, 61))
    assert resized.dtype == np.float32
    assert resized.min() >= 0
    assert resized.max() <= 1


def test_shrinking_is_antialiased():
    # Every second row: picking rows would give black or white, averaging gives grey.
    stripes = np.zeros((1, 64, 64, 3), np.float32)
    stripes[:, ::2] = 1
    inner = resize(stripes, (16, 16))[:, 2:-2]
    np.testing.assert_allclose(inner, 0.5, atol=0.02)


def test_resizing_keeps_the_channels_apart():
    image = np.zeros((1, 8, 8, 3), np.float32)
    image[..., 1] = 1
    np.testing.assert_allclose(
        resize(image, (4, 5)), np.broadcast_to([0, 1, 0], (1, 4, 5, 3)), atol=1e-6
    )


@pytest.mark.parametrize("size", [(10, 40), (40, 10), (25, 25), (20, 30)])
def test_covering_crops_about_the_centre(pixels, size):
    image = np.zeros((1, 20, 30, 3), np.float32)
    image[:, 5:15, 10:20] = 1
    covered = cover(image, size)
    assert covered.shape == (1, *size, 3)
    np.testing.assert_allclose(covered, covered[:, ::-1, ::-1], atol=1e-5)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((4, 4)), "has shape [4, 4]"),
        (np.zeros((2, 4, 4, 3)), "has shape [2, 4, 4, 3]"),
        (np.zeros((1, 0, 4, 3)), "expected [1, H, W, 3]"),
        (np.zeros((4, 4, 4)), "expected [1, H, W, 3]"),
        (np.zeros((4, 4, 3), np.uint8), "dtype uint8: expected floats in [0, 1]"),
        (np.full((4, 4, 3), np.nan), "holds NaN"),
        (np.full((4, 4, 3), 255.0), "ranges from 255 to 255: expected [0, 1]"),
    ],
)
def test_what_is_no_image_is_refused_by_name(image, words):
    with pytest.raises(ValueError) as caught:
        as_image("content", image)
    assert str(caught.value).startswith("content")
    assert words in str(caught.value)
