import numpy as np
import pytest

from nst_tf.images.masks import Region
from nst_tf.synthesis.sources import PaintSource, make_canvas, region_map
from tests.synthesis.conftest import noise


@pytest.mark.parametrize(
    ("side", "ratio", "size"),
    [(80, 1, (60, 80)), (80, 0.5, (30, 40)), (400, 1, (60, 80)), (400, 0.1, (30, 40))],
)
def test_a_painting_is_reduced_with_the_picture_and_never_enlarged(side, ratio, size):
    assert PaintSource(noise(0, 60, 80), side).size_at(ratio) == size


def test_paintings_lie_below_each_other():
    first, second = noise(0, 5, 9), noise(1, 4, 6)
    canvas = make_canvas([first, second], 3)
    np.testing.assert_array_equal(canvas.colors[:5], first)
    np.testing.assert_array_equal(canvas.colors[5:, :6], second)
    allowed = canvas.allowed.reshape(1, 9, 9)
    assert allowed[0, :3, :7].all()
    assert allowed[0, 5:7, :4].all()
    assert allowed.sum() == 3 * 7 + 2 * 4


def test_parts_of_other_arrays_and_read_only_ones_are_copied_for_the_compiled_loops():
    whole = noise(0, 9, 9)
    read_only = np.broadcast_to(np.float32(0.5), (5, 6, 3))
    for painting in (whole[2:7, 1:7], read_only, whole):
        colors = make_canvas([painting], 3).colors
        np.testing.assert_array_equal(colors, painting)
        assert colors.flags.c_contiguous
        assert colors.flags.writeable
    assert colors is whole


def test_patches_lie_wholly_in_the_masks_of_their_region():
    mask = np.zeros((8, 8), np.float32)
    mask[2:6, 1:5] = 0.8
    canvas = make_canvas([noise(0, 8, 8)], 3, [Region(None, {0: mask})])
    expected = np.zeros((8, 8))
    expected[2:4, 1:3] = 1
    np.testing.assert_array_equal(canvas.allowed.reshape(8, 8), expected)


def test_a_mask_without_room_for_a_patch_allows_those_that_show_most_of_it():
    mask = np.zeros((8, 8), np.float32)
    mask[4, 4] = 1
    canvas = make_canvas([noise(0, 8, 8)], 3, [Region(None, {0: mask})])
    expected = np.zeros((8, 8))
    expected[2:5, 2:5] = 1
    np.testing.assert_array_equal(canvas.allowed.reshape(8, 8), expected)


def test_the_region_at_a_place_is_that_of_the_largest_mask_at_the_middle_of_its_patch():
    left = np.tile(np.float32([0.9, 0.6, 0.4, 0, 0, 0]), (4, 1))
    regions = [Region(left, {0: None}), Region(1 - left, {1: None})]
    np.testing.assert_array_equal(region_map(regions, (4, 6), 3), np.tile([0, 1, 1, 1], (2, 1)))


def test_without_regions_there_is_one():
    assert not region_map((), (5, 6), 3).any()
