"""Faces: found where they are, nowhere else; soft masks of them."""

import sys

import numpy as np
import pytest

from nst_tf import load_image
from nst_tf.images import faces
from nst_tf.images.color import luminance
from nst_tf.images.faces import face_mask, find_faces, find_in_grey
from tests.conftest import ASSETS


@pytest.fixture(scope="module")
def astronaut():
    """Return the photograph at half its size, 256x256 pixels."""
    pytest.importorskip("skimage")
    return load_image(ASSETS / "astronaut.jpg", 256)


@pytest.fixture(scope="module")
def head(astronaut):
    """Return the head, 96x96 pixels."""
    return astronaut[:, :96, 64:160]


def overlap(box, other):
    """Return the shared area over the joint one."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = [(right - left) * (bottom - top) for left, top, right, bottom in (box, other)]
    return common / (sum(areas) - common)


# From the brows to the chin, as seen in the picture of 512x512 pixels.
FACE = (175, 72, 275, 190)


def test_the_astronauts_face_is_found_and_nothing_else(astronaut):
    (box,) = find_faces(astronaut)
    assert overlap(np.multiply(box, 2), FACE) > 0.6


def test_a_mirrored_picture_has_the_mirrored_face(head):
    (box,), (other,) = find_faces(head), find_faces(head[:, :, ::-1])
    mirrored = (96 - other[2], other[1], 96 - other[0], other[3])
    assert overlap(box, mirrored) > 0.8


def grey(image):
    return luminance(image)[0, :, :, 0]


def test_a_box_is_in_pixels_of_the_picture_that_was_given(head):
    large = np.repeat(np.repeat(head, 3, axis=1), 3, axis=2)
    (box,), (tripled,) = find_faces(head), find_in_grey(grey(large), side=96)
    assert overlap(np.multiply(box, 3), tripled) > 0.8


def test_two_faces_are_two_boxes_the_larger_first(head):
    scene = np.full((1, 96, 192, 3), 0.5, np.float32)
    scene[:, 24:72, 8:56] = head.reshape(1, 48, 2, 48, 2, 3).mean(axis=(2, 4))
    scene[:, :, 96:] = head
    large, small = find_faces(scene)
    assert large[0] > 96
    assert small[2] < 64
    assert large[2] - large[0] > 1.5 * (small[2] - small[0])


@pytest.mark.parametrize("name", ["temple", "coffee", "great_wave"])
def test_no_face_is_found_where_there_is_none(name):
    pytest.importorskip("skimage")
    assert find_faces(load_image(ASSETS / f"{name}.jpg", 256)) == []


def test_no_face_is_found_upside_down(head):
    assert find_faces(head[:, ::-1]) == []


def test_no_face_is_found_in_a_soft_spot_of_light():
    pytest.importorskip("skimage")
    # The classifier passes the reflection on the helmet in every view.
    helmet = load_image(ASSETS / "astronaut.jpg")[:, 384:496, 370:490]
    assert find_faces(helmet) == []
    assert find_in_grey(grey(helmet), least_detail=0)


@pytest.mark.parametrize("size", [(1, 1), (4, 400), (40, 60)])
def test_pictures_that_can_hold_no_face_hold_none(size):
    pytest.importorskip("skimage")
    assert find_faces(np.full((1, *size, 3), 0.5, np.float32)) == []


def test_the_threads_of_the_classifier_do_not_change_the_boxes(head):
    class Shuffled:
        def __init__(self, cascade):
            self.cascade, self.random = cascade, np.random.default_rng(0)

        def detect_multi_scale(self, **options):
            return self.random.permutation(self.cascade.detect_multi_scale(**options))

    assert find_in_grey(grey(head), cascade=Shuffled(faces._cascade())) == find_faces(head)


def test_without_scikit_image_the_error_names_the_remedy(monkeypatch):
    faces._cascade.cache_clear()
    for module in ("skimage", "skimage.data", "skimage.feature"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OSError, match=r"pip install 'nst_tf\[faces\]'$") as caught:
        find_faces(np.full((1, 64, 64, 3), 0.5, np.float32))
    assert "\n" not in str(caught.value)


def test_a_mask_is_1_on_the_face_0_far_away_and_falls_between():
    mask = face_mask((200, 160), [(60, 80, 100, 120)])
    assert mask.shape == (200, 160)
    assert mask.dtype == np.float32
    assert (mask[80:120, 60:100] == 1).all()  # to the corners of the box
    # Half width and height are 20, the centre is row 98: up to r = 1 there are 36 rows.
    assert (mask[98 - 35 : 98 + 35, 80] == 1).all()  # hair to chin
    assert (mask[: 98 - 51] == 0).all()
    assert (mask[98 + 51 :] == 0).all()
    edge = mask[98, 80:]
    assert (np.diff(edge) <= 0).all()
    assert np.abs(np.diff(edge)).max() < 1.5 / 0.4 / 28 + 1e-3  # the steepest slope, a pixel


def test_a_mask_halfway_through_its_edge_is_a_half():
    # Half width 25: r = 1.2 lies 42 pixels to the right of the centre, at the middle of a pixel.
    mask = face_mask((101, 201), [(75.5, 1.0, 125.5, 100.0)])
    height = 99 / 2
    row = int(50.5 - 0.1 * height)
    assert mask[row, 100 + 42] == pytest.approx(0.5, abs=0.01)
    assert mask[row, 100 - 42] == pytest.approx(0.5, abs=0.01)


def test_masks_of_several_faces_are_their_maximum_and_of_none_are_empty():
    boxes = [(10.0, 10.0, 40.0, 40.0), (30.0, 20.0, 70.0, 60.0)]
    single = [face_mask((90, 80), [box]) for box in boxes]
    np.testing.assert_array_equal(face_mask((90, 80), boxes), np.maximum(*single))
    assert not face_mask((90, 80), []).any()
