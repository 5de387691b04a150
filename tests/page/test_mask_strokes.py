"""Masks from strokes."""

import numpy as np
import pytest

from nst_tf.page.mask_strokes import COLORS, painted_masks

ORANGE, BLUE, GREEN, PINK = COLORS.values()


def layer(height, width, *strokes):
    """Return a layer with rectangles: colour, rows, columns."""
    pixels = np.zeros((height, width, 4), np.uint8)
    for color, rows, columns in strokes:
        pixels[rows, columns] = (*color, 255)
    return pixels


LEFT, RIGHT, ALL = slice(0, 10), slice(10, 20), slice(None)


def test_no_strokes_are_no_mask():
    assert painted_masks([], (40, 80), 1) == []
    assert painted_masks([layer(20, 20)], (40, 80), 2) == []


@pytest.mark.parametrize("color", [ORANGE, BLUE, PINK])
@pytest.mark.parametrize("paintings", [1, 3])
def test_one_colour_is_one_mask_of_the_photos_size(color, paintings):
    (mask,) = painted_masks([layer(20, 20, (color, ALL, LEFT))], (60, 100), paintings)
    assert mask.shape == (60, 100)
    assert mask.dtype == np.uint8
    assert (mask[:, :48] == 255).all()
    assert (mask[:, 52:] == 0).all()


def test_colours_are_masks_in_the_order_of_paintings():
    drawn = layer(20, 20, (BLUE, ALL, LEFT), (ORANGE, ALL, RIGHT))
    first, second = painted_masks([drawn], (20, 20), 2)
    assert (first[:, 10:] == 255).all()
    assert (first[:, :10] == 0).all()
    np.testing.assert_array_equal(second, 255 - first)


def test_later_layers_lie_above_and_faint_strokes_do_not_count():
    under, over = layer(20, 20, (ORANGE, ALL, ALL)), layer(20, 20, (BLUE, ALL, LEFT))
    faint = layer(20, 20, (GREEN, ALL, ALL))
    faint[..., 3] = 100
    first, second = painted_masks([under, over, faint], (20, 20), 2)
    assert (second[:, :10] == 255).all()
    assert (first[:, 10:] == 255).all()


def test_colours_that_compression_has_changed_are_the_nearest_brush():
    drawn = layer(20, 20, (np.add(ORANGE, (-20, 10, 15)), ALL, LEFT), (BLUE, ALL, RIGHT))
    assert len(painted_masks([drawn], (20, 20), 2)) == 2


@pytest.mark.parametrize(
    ("colors", "paintings", "words"),
    [
        ((ORANGE, BLUE), 1, "orange and blue, but there is 1 painting: use one colour"),
        ((ORANGE, BLUE), 3, "there are 3 paintings: use orange and blue and green"),
        ((BLUE, GREEN), 2, "blue and green, but there are 2 paintings: use orange and blue"),
    ],
)
def test_colours_and_paintings_must_agree(colors, paintings, words):
    drawn = layer(20, 20, (colors[0], ALL, LEFT), (colors[1], ALL, RIGHT))
    with pytest.raises(ValueError, match=words):
        painted_masks([drawn], (20, 20), paintings)
