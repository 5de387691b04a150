import numpy as np
import pytest

from nst_tf.images.resize import resize
from nst_tf.synthesis.guides import blurred, luminance
from nst_tf.synthesis.sharpness import sharp_size, sharpness
from nst_tf.synthesis.sources import PaintSource
from tests.synthesis.conftest import noise

SIZES = (60, 80), (120, 160), (240, 320)


def soft(seed, size, divisor):
    """Return noise at a fraction of a size, enlarged, float32 `[1, *size, 3]`."""
    return resize(noise(seed, size[0] // divisor, size[1] // divisor)[None], size)


def test_sharpness_compares_fine_with_coarse_contrast():
    image = noise(0, 40, 50)
    grey = luminance(image)
    fine = np.abs(grey - blurred(grey, 1)).mean()
    coarse = np.abs(blurred(grey, 2) - blurred(grey, 4)).mean()
    assert sharpness([image]) == pytest.approx(fine / coarse, rel=0.05)
    assert sharpness([0.25 + image / 2]) == pytest.approx(fine / coarse, rel=0.05)
    assert sharpness([np.ones((9, 7, 3), np.float32)]) == pytest.approx(1, abs=0.01)


def test_the_pixels_of_all_images_count():
    image = noise(0, 40, 50)
    flat = np.full((40, 50, 3), 0.5, np.float32)
    assert sharpness([image, flat, flat]) == pytest.approx(sharpness([image]), rel=0.05)


@pytest.mark.parametrize(("divisor", "index"), [(1, 2), (2, 1), (4, 0), (16, 0)])
def test_a_picture_counts_at_the_size_at_which_it_is_sharp(divisor, index):
    picture, photo = soft(0, SIZES[2], divisor), soft(2, (480, 640), 2)
    sources = [PaintSource(noise(1, 300, 500), 500)]
    assert sharp_size(picture, photo, sources, (480, 640), SIZES) == SIZES[index]


def test_a_picture_is_as_sharp_as_a_blurred_photo_or_painting():
    picture, sharp = soft(0, SIZES[2], 4), noise(1, 240, 320)
    blurry = soft(3, SIZES[2], 4)
    for photo, painting in ((blurry, sharp), (sharp[None], blurry[0]), (None, blurry[0])):
        sources = [PaintSource(painting, 320)]
        assert sharp_size(picture, photo, sources, SIZES[2], SIZES) == SIZES[2]


def test_an_even_picture_is_not_blurred():
    even, sources = np.full((1, 240, 320, 3), 0.5, np.float32), [PaintSource(np.ones((9, 9, 3)), 9)]
    assert sharp_size(even, even, sources, SIZES[2], SIZES) == SIZES[2]
