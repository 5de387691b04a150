import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.borders import border_width, painted_box
from nst_tf.images.io import load_image
from tests.conftest import ROOT
from tests.synthesis.conftest import noise

PAINTINGS = ("great_wave", "composition_viii", "summertime")


@pytest.mark.parametrize("painting", PAINTINGS)
def test_a_painting_that_fills_its_picture_is_kept_whole(painting):
    image = load_image(ROOT / f"assets/{painting}.jpg")[0]
    height, width = image.shape[:2]
    assert painted_box(image) == (0, height, 0, width)


def test_the_light_strip_at_the_right_of_a_scan_is_found():
    image = load_image(ROOT / "assets/auvers.jpg")[0]
    assert painted_box(image) == (0, 464, 0, 595)


@given(st.tuples(*[st.integers(0, 3)] * 4), st.sampled_from([0.0, 0.9, 1.0]), st.integers(0, 9))
def test_frames_are_found_at_each_side(widths, shade, seed):
    top, bottom, left, right = widths
    picture = 0.1 + 0.7 * noise(seed, 70, 80)
    framed = np.pad(
        picture, ((top, bottom), (left, right), (0, 0)), constant_values=np.float32(shade)
    )
    assert painted_box(framed) == (top, 70 + top, left, 80 + left)


def test_a_soft_edge_belongs_to_the_border():
    picture = np.full((100, 50, 3), 0.5, np.float32)
    picture[0], picture[1] = 0, 0.25
    assert border_width(picture) == 2


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2)])
def test_tiny_paintings_are_kept_whole(size):
    assert painted_box(np.full((*size, 3), 0.5, np.float32)) == (0, size[0], 0, size[1])


def test_edges_far_from_the_borders_are_painted():
    picture = np.zeros((100, 100, 3), np.float32)
    picture[20:] = 1
    assert painted_box(picture) == (0, 100, 0, 100)
