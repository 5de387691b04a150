"""What brushstrokes are taken from."""

import numpy as np
import pytest

from nst_tf.images.io import load_image
from nst_tf.images.masks import Region
from nst_tf.inputs.paint import take_paint
from tests.conftest import ASSETS


def test_a_scans_border_is_no_paint():
    painting = load_image(ASSETS / "auvers.jpg")
    width = painting.shape[2]
    paint = take_paint(0, painting, 2 * width, ())
    assert paint.cropped
    assert paint.image.shape[1:3] == (464, 595)  # its own pixels
    assert paint.side == pytest.approx(2 * 595)
    half = take_paint(0, painting, width // 2, ())
    assert half.image.shape[2] == round(width // 2 * 595 / width)


def test_a_part_that_a_region_names_is_taken_as_it_is():
    painting = load_image(ASSETS / "auvers.jpg")
    everywhere = np.ones(painting.shape[1:3], np.float32)
    paint = take_paint(0, painting, 1000, [Region(None, {0: everywhere})])
    assert not paint.cropped
    np.testing.assert_array_equal(paint.image, painting)
    assert take_paint(0, painting, 1000, [Region(None, {1: everywhere})]).cropped
