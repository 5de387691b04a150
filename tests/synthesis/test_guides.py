import numpy as np
import pytest
from PIL import Image

from nst_tf.synthesis import guides
from tests.synthesis.conftest import noise


@pytest.mark.parametrize("deviation", [0.5, 2.0])
def test_a_blur_is_the_gaussian_mean_of_the_neighbourhood(deviation):
    plane = np.zeros((31, 31, 1), np.float32)
    plane[15, 15] = 1
    y, x = np.mgrid[-15:16, -15:16]
    expected = np.exp(-0.5 * (y * y + x * x) / deviation**2)
    result = guides.blurred(plane, deviation)[..., 0]
    np.testing.assert_allclose(result, expected / expected.sum(), atol=3e-3)
    assert result.sum() == pytest.approx(1)


def test_a_blur_keeps_what_is_even_up_to_the_borders():
    even = np.full((3, 5, 3), 0.25, np.float32)
    np.testing.assert_allclose(guides.blurred(even, 2.0), even, rtol=1e-6)


def test_edges_have_the_contrast_of_the_picture():
    photo = noise(0, 30, 40)
    half = 0.25 + photo / 2
    np.testing.assert_allclose(
        guides.photo_edges(photo, half), guides.photo_edges(photo, photo) / 2, atol=1e-6
    )


def test_an_even_photo_has_no_edges_and_a_guide_that_is_the_blurred_picture():
    photo, picture = np.full((30, 40, 3), 0.5, np.float32), noise(0, 30, 40)
    blurred, share = guides.blurred(picture, guides.BLUR), np.ones((3, 4), np.float32)
    np.testing.assert_allclose(guides.network_guide(picture, photo, share), blurred, atol=1e-6)
    np.testing.assert_array_equal(guides.network_guide(picture, None, None), blurred)


def test_edges_count_where_the_photo_has_detail():
    photo, picture = noise(1, 30, 40), noise(0, 30, 40)
    share = np.zeros((30, 40), np.float32)
    share[:, 20:] = 1
    added = guides.network_guide(picture, photo, share) - guides.blurred(picture, guides.BLUR)
    expected = np.float32(guides.EDGES) * guides.photo_edges(photo, picture)
    np.testing.assert_allclose(added[:, 20:, :1], expected[:, 20:], atol=1e-6)
    assert not added[:, :20].any()


@pytest.mark.parametrize("size", [(200, 256), (600, 768)])
def test_detail_is_found_where_the_photo_is_not_flat(size):
    height, width = size
    photo = np.full((*size, 3), 0.5, np.float32)
    coarse = noise(0, 100, 64).repeat(height // 100, 0).repeat(width // 128, 1)
    photo[:, width // 2 :] = coarse[:, : width // 2]
    share = guides.detail_share(photo, 0.5)
    assert share.shape == (200, 256)
    assert share[:, :100].max() < 1e-6
    assert share[:, 156:].min() > 0.5
    assert share.mean() == pytest.approx(0.5, abs=0.1)


def test_the_ends_of_the_range_are_all_bold_and_all_fine():
    photo = noise(0, 60, 80)
    assert guides.detail_share(photo, 0).max() == 0
    assert (guides.detail_share(photo, 1) == 1).mean() > 0.99


def test_a_flat_photo_has_no_detail():
    assert not guides.detail_share(np.full((40, 50, 3), 0.3, np.float32), 0.5).any()


def test_the_guide_of_an_enlarged_picture_is_the_picture_with_the_detail_of_the_photo():
    image, photo = noise(0, 20, 30), noise(1, 40, 60)
    guide = guides.enlarged_guide(image, None, (40, 60))
    np.testing.assert_array_equal(guide, guides.sized(image, (40, 60), Image.Resampling.BICUBIC))
    grey = guides.luminance(photo)
    missing = grey - guides.sized(guides.sized(grey, (20, 30)), (40, 60), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(
        guides.enlarged_guide(image, photo, (40, 60)), guide + missing, atol=1e-6
    )


def test_a_painting_is_softened_as_an_enlarged_picture_is():
    painting = noise(0, 50, 70)
    soft = guides.enlarged_reference(painting, (20, 30), (40, 60))
    reduced = guides.sized(painting, (25, 35))
    np.testing.assert_array_equal(soft, guides.sized(reduced, (50, 70), Image.Resampling.BICUBIC))
