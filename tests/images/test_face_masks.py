"""Masks of faces, against their formula."""

import dataclasses

import numpy as np
import pytest

from nst_tf.images.face_masks import face_mask, narrowness, parts
from nst_tf.images.faces import Face

# The distance from the eyes to the mouth is 40 pixels.
FACE = Face((60, 50, 140, 160), ((80, 80), (120, 80), (100, 100), (88, 120), (112, 120)), 1.0)
SIZE = (260, 220)


def at(mask, x, y):
    return float(mask[int(y), int(x)])


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.7, 1.0])
def test_features_are_kept_most_then_the_nose_the_face_and_the_hair(strength):
    mask = face_mask(SIZE, [FACE], strength)
    assert (mask.shape, mask.dtype) == (SIZE, np.float32)
    eyes, brows, mouth = [at(mask, 80, 80), at(mask, 120, 68)], at(mask, 80, 68), at(mask, 100, 120)
    np.testing.assert_allclose([*eyes, brows, mouth], 4 * strength, rtol=1e-6)
    assert at(mask, 100, 97) == pytest.approx(3 * strength, rel=1e-6)
    assert at(mask, 66, 105) == pytest.approx(1.5 * strength**1.5, rel=1e-6)
    assert at(mask, 100, 10) == pytest.approx(strength**4, rel=1e-6)
    assert at(mask, 5, 5) == 0


@pytest.mark.parametrize(("width", "factor"), [(80, 1), (64, 1), (40, 1.6), (20, 3.2), (12, 4)])
def test_a_narrow_face_is_kept_more(width, factor):
    scale = width / FACE.width
    size = tuple(round(4 * scale * side) for side in SIZE)
    face = _moved(FACE, 0, 0).scaled(SIZE, size)
    face = dataclasses.replace(face, box=(0, 0, width, width))
    assert narrowness(width) == pytest.approx(factor)
    mask = face_mask(size, [face], 0.5)
    middle = np.mean(np.array(face.points)[3:], axis=0)  # of the mouth
    assert at(mask, *middle) == pytest.approx(2 * factor, rel=1e-6)


def test_a_part_fades_along_a_smooth_step():
    mask = face_mask((400, 400), [_moved(FACE, 100, 100)], 1.0)
    # The head's centre is 16 pixels above the middle of eyes and mouth, its half width 60 pixels.
    row, centre = 184, 200
    for r, expected in ((0.98, 1), (1.25, 0.5), (1.125, 0.84375), (1.52, 0)):
        assert at(mask, centre + 60 * r, row) == pytest.approx(expected, abs=0.03)
        assert at(mask, centre - 60 * r, row) == pytest.approx(expected, abs=0.03)
    assert np.abs(np.diff(mask[row, centre + 66 :])).max() < 0.1


def _moved(face, x, y):
    left, top, right, bottom = face.box
    points = tuple((a + x, b + y) for a, b in face.points)
    return dataclasses.replace(face, box=(left + x, top + y, right + x, bottom + y), points=points)


def test_a_strength_of_0_and_no_faces_keep_nothing():
    assert not face_mask(SIZE, [FACE], 0).any()
    assert not face_mask(SIZE, [], 1).any()


def test_the_mask_turns_with_the_face():
    """A face on its side has the same mask on its side."""
    size = 240
    turned = dataclasses.replace(FACE, points=tuple((y, size - x) for x, y in FACE.points))
    mask = face_mask((size, size), [FACE], 0.7)
    np.testing.assert_allclose(face_mask((size, size), [turned], 0.7), np.rot90(mask), atol=1e-5)


def test_where_faces_overlap_the_larger_value_counts():
    other = _moved(FACE, 30, 40)
    single = [face_mask(SIZE, [face], 0.5) for face in (FACE, other)]
    np.testing.assert_array_equal(face_mask(SIZE, [FACE, other], 0.5), np.maximum(*single))


def test_a_face_at_the_border_and_one_outside_are_masked_as_far_as_they_are_seen():
    whole = face_mask((300, 300), [_moved(FACE, 40, 30)], 0.7)
    near = face_mask((300, 300), [_moved(FACE, -60, -50)], 0.7)
    np.testing.assert_allclose(near[:200, :200], whole[80:280, 100:], atol=1e-6)
    assert not face_mask((50, 50), [_moved(FACE, 500, -900)], 1).any()


def test_a_vanishing_face_is_kept_less():
    half = dataclasses.replace(FACE, presence=0.5)
    mask = face_mask(SIZE, [FACE], 0.7)
    np.testing.assert_allclose(face_mask(SIZE, [half], 0.7), mask / 2, rtol=1e-6)


def test_a_face_without_height_has_parts_of_its_width():
    """Landmarks on one spot are those of no real face, but must not divide by 0."""
    flat = Face((0, 0, 90, 90), ((45, 45),) * 5, 1.0)
    assert all(np.isfinite(part.axes).all() for part in parts(flat))
    assert face_mask((90, 90), [flat], 1).max() == 4
