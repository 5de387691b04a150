"""Faces: found where they are, nowhere else."""

import dataclasses
import json

import numpy as np
import pytest

from nst_tf import load_image
from nst_tf.images.channels import Decoded
from nst_tf.images.faces import Face, face_at, faces_of, find_faces
from nst_tf.images.levels import quantize
from tests.conftest import ASSETS

# The eyes, the nose and the corners of the mouth, as seen in the picture of 512x512 pixels.
POINTS = [(204, 100), (245, 103), (225, 127), (202, 140), (245, 141)]


@pytest.fixture(scope="module")
def astronaut():
    return load_image(ASSETS / "astronaut.jpg")


@pytest.fixture(scope="module")
def head(astronaut):
    """Return the head, 192x192 pixels."""
    return astronaut[:, :192, 128:320]


def test_the_astronauts_face_is_found_with_its_landmarks_and_nothing_else(astronaut):
    (face,) = find_faces(astronaut)
    np.testing.assert_allclose(face.box, (180, 64, 267, 173), atol=4)
    np.testing.assert_allclose(face.points, POINTS, atol=4)
    assert face.confidence > 0.99
    assert face.presence == 1


@pytest.mark.parametrize(
    "name",
    ["temple", "cat", "coffee", "great_wave", "auvers", "composition_viii", "summertime"],
)
def test_no_face_is_found_where_there_is_none(name):
    assert find_faces(load_image(ASSETS / f"{name}.jpg")) == ()


def test_a_mirrored_picture_has_the_mirrored_face(head):
    (face,), (other,) = find_faces(head), find_faces(head[:, :, ::-1])
    mirrored = [(192 - x, y) for x, y in other.points]
    same = [1, 0, 2, 4, 3]  # the left one in the picture comes first
    np.testing.assert_allclose(np.take(mirrored, same, axis=0), face.points, atol=3)


def test_a_tilted_face_is_found_with_tilted_landmarks(head):
    from PIL import Image

    tilted = np.asarray(Image.fromarray(quantize(head[0])).rotate(20, fillcolor=(90, 90, 90)))
    (face,) = find_faces(tilted / np.float32(255))
    (left, right), angle = face.points[:2], np.deg2rad(20)
    slope = np.arctan2(left[1] - right[1], right[0] - left[0])
    assert slope == pytest.approx(angle, abs=0.12)


def test_faces_are_the_same_each_time(astronaut):
    assert find_faces(astronaut) == find_faces(astronaut)


def test_the_widest_face_comes_first(head):
    scene = np.full((1, 192, 384, 3), 0.5, np.float32)
    scene[:, 48:144, 16:112] = head.reshape(1, 96, 2, 96, 2, 3).mean(axis=(2, 4))
    scene[:, :, 192:] = head
    large, small = find_faces(scene)
    assert large.box[0] > 192
    assert small.box[2] < 128
    assert large.width > 1.5 * small.width


def test_a_small_face_is_found_in_a_large_photo(astronaut):
    """Faces count at the photo's own size, not only at that of the picture."""
    scene = np.full((1024, 1024, 3), 140, np.uint8)
    scene[40:296, 30:286] = quantize(astronaut.reshape(1, 256, 2, 256, 2, 3).mean(axis=(2, 4))[0])
    decoded = Decoded(list(np.moveaxis(scene, -1, 0)), None, False)
    (face,) = faces_of(decoded, (256, 256))
    points = (np.multiply(POINTS, 0.5) + np.array([30, 40])) / 4
    np.testing.assert_allclose(face.points, points, atol=1)
    assert 9 < face.width < 13
    assert faces_of(decoded, (64, 64)) == ()


def test_grey_and_deep_photos_show_the_same_face(astronaut):
    grey = quantize(astronaut[0].mean(axis=-1))
    (face,) = faces_of(Decoded([grey], None, False), (512, 512))
    np.testing.assert_allclose(face.points, POINTS, atol=5)
    planes = [plane.astype(np.uint16) * 257 for plane in np.moveaxis(quantize(astronaut[0]), -1, 0)]
    (deep,) = faces_of(Decoded(planes, None, False), (512, 512))
    np.testing.assert_allclose(deep.points, POINTS, atol=4)


@pytest.mark.parametrize("size", [(1, 1), (4, 400), (40, 60)])
def test_pictures_that_can_hold_no_face_hold_none(size):
    assert find_faces(np.full((1, *size, 3), 0.5, np.float32)) == ()


def test_what_is_not_a_picture_is_refused():
    with pytest.raises(ValueError, match=r"image has shape \[5\]"):
        find_faces(np.zeros(5, np.float32))


def test_a_face_is_scaled_with_its_picture():
    face = Face((10, 20, 30, 50), ((12, 30), (24, 30), (18, 36), (13, 44), (23, 44)), 0.9)
    half = face.scaled((100, 80), (50, 160))
    assert half.box == (20, 10, 60, 25)
    assert half.points[2] == (36, 18)
    assert (half.width, half.confidence) == (40, 0.9)


def test_a_face_survives_its_record():
    face = Face((10.5, 20, 30, 50), ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10.25)), 0.9, 0.5)
    assert Face.from_record(json.loads(json.dumps(dataclasses.asdict(face)))) == face


def test_a_place_is_that_of_the_nearest_face_around_it():
    left, right = (Face((x, 20, x + 40, 60), ((0, 0),) * 5, 1.0) for x in (10, 40))
    size, both = (100, 200), [left, right]
    assert left.place(size) == (0.15, 0.4)
    for face in both:
        assert face_at(both, face.place(size), size) is face
    assert face_at(both, (0.21, 0.4), size) is left  # in both boxes
    assert face_at(both, (0.24, 0.4), size) is right
    assert face_at(both, (0.05, 0.21), size) is left
    assert face_at(both, (0.049, 0.4), size) is None
    assert face_at([], (0.2, 0.4), size) is None
