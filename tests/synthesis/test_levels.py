import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.masks import Region
from nst_tf.synthesis.levels import carry, level_sizes
from nst_tf.synthesis.sources import make_canvas
from tests.synthesis.conftest import noise


@pytest.mark.parametrize(
    ("picture", "size", "sizes"),
    [
        ((342, 512), (342, 512), [(86, 128), (171, 256), (342, 512)]),
        ((171, 256), (342, 512), [(86, 128), (171, 256), (342, 512)]),
        ((342, 512), (1024, 1536), [(86, 128), (171, 256), (342, 512), (592, 887), (1024, 1536)]),
        ((100, 60), (100, 60), [(100, 60)]),
        ((1, 1), (1, 2), [(1, 1), (1, 2)]),
        ((1, 400), (1, 400), [(1, 100), (1, 200), (1, 400)]),
    ],
)
def test_levels_double_to_the_picture_and_grow_evenly_to_the_result(picture, size, sizes):
    assert list(level_sizes(picture, size)) == sizes


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(1, 16))
def test_no_level_is_much_larger_than_twice_the_one_before(height, width, ratio):
    size = round(height * ratio), round(width * ratio)
    sizes = level_sizes((height, width), size)
    assert sizes[-1] == size
    for smaller, larger in itertools.pairwise(sizes):
        assert max(larger) <= 2.03 * max(smaller) + 1
        assert larger != smaller


def test_matches_of_a_doubled_level_begin_at_doubled_places():
    canvas, onto = make_canvas([noise(0, 6, 7)], 3), make_canvas([noise(0, 12, 14)], 3)
    y, x = np.mgrid[:4, :5]
    region = np.zeros((10, 12), np.uint16)
    carried = carry((y * 7 + x).astype(np.int32), (6, 7), canvas.layout, (12, 14), onto, region)
    rows, columns = np.mgrid[:10, :12]
    inside = (rows < 8) & (columns < 10)
    np.testing.assert_array_equal(carried[inside], (rows * 14 + columns)[inside])


@pytest.mark.parametrize("first", [1, 4, 9])
def test_the_matches_of_a_strip_are_those_of_the_whole(first):
    canvas, onto = make_canvas([noise(0, 6, 7)], 3), make_canvas([noise(0, 11, 13)], 3)
    y, x = np.mgrid[:4, :5]
    arguments = (y * 7 + x).astype(np.int32), (6, 7), canvas.layout, (12, 14), onto
    region = np.zeros((10, 12), np.uint16)
    strip = carry(*arguments, region[first:], first)
    np.testing.assert_array_equal(strip, carry(*arguments, region)[first:])


def test_matches_keep_the_pixels_of_a_painting_that_does_not_grow():
    canvas = make_canvas([noise(0, 30, 30)], 3)
    matches = np.full((4, 4), 5 * 30 + 8, np.int32)
    carried = carry(matches, (6, 6), canvas.layout, (12, 12), canvas, np.zeros((10, 10), np.uint16))
    np.testing.assert_array_equal(carried[:2, :2], [[158, 159], [188, 189]])
    np.testing.assert_array_equal(carried[2:4, 2:4], carried[:2, :2])


def test_matches_stay_in_their_painting():
    smaller = make_canvas([noise(0, 6, 9), noise(1, 8, 5)], 3)
    larger = make_canvas([noise(0, 12, 18), noise(1, 16, 10)], 3)
    places = np.flatnonzero(smaller.allowed[0])
    matches = np.resize(places, (7, 8)).astype(np.int32)
    region = np.zeros((16, 18), np.uint16)
    carried = carry(matches, (9, 10), smaller.layout, (18, 20), larger, region)
    assert larger.allowed[0, carried].all()
    coarser = matches[np.minimum(np.arange(16) // 2, 6)][:, np.minimum(np.arange(18) // 2, 7)]
    np.testing.assert_array_equal(carried // 18 >= 12, coarser // 9 >= 6)


def test_a_match_outside_its_region_moves_into_it():
    mask = np.zeros((12, 12), np.float32)
    mask[:, 6:] = 1
    canvas = make_canvas([noise(0, 12, 12)], 3, [Region(None, {0: mask})])
    matches = np.zeros((10, 10), np.int32)
    carried = carry(
        matches, (12, 12), canvas.layout, (12, 12), canvas, np.zeros((10, 10), np.uint16)
    )
    assert (carried % 12 >= 6).all()
