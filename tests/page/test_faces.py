"""The outlines of faces: where they are, and what a visitor chooses with them."""

import re
import shutil

import pytest

from nst_tf.page import faces
from nst_tf.page.faces import FoundFaces, found_faces
from nst_tf.page.visitor import INVALID_VALUE
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from tests.conftest import ASSETS
from tests.page.caller import Caller, picture


@pytest.fixture(scope="module")
def astronaut():
    return found_faces(ASSETS / "astronaut.jpg", 10**8)


def test_the_place_of_a_face_is_a_value_of_the_flag(astronaut):
    (place,) = astronaut.places
    x, y = map(float, place.split(","))
    assert (x, y) == pytest.approx((0.437, 0.231), abs=0.006)
    assert Settings(skip_faces=[x, y]).skipped_places == ((x, y),)


def test_a_place_within_a_face_stands_for_the_face(astronaut):
    assert astronaut.nearest(["0.45,0.25", "0.9,0.9"]) == astronaut.places
    assert astronaut.nearest([]) == []


def test_outlines_are_at_the_faces(astronaut):
    (label,) = re.findall(r"label:nth-of-type\(1\) (\{.*?\})", astronaut.style)
    found = [float(number) for number in re.findall(r"([\d.]+)%", label)]
    left, top, right, bottom = (100 * side / 512 for side in (180, 64, 267, 173))
    assert found == pytest.approx([left, top, right - left, bottom - top], abs=1)
    assert "aspect-ratio: 512 / 512" in astronaut.style
    assert "url(data:image/jpeg;base64," in astronaut.style


def test_checkboxes_are_the_faces_and_keep_what_is_checked(astronaut):
    style, group = faces.updates(astronaut, [*astronaut.places, "0.900,0.900"])
    assert style == astronaut.style
    assert group["choices"] == [("Paint face 1 like the rest", astronaut.places[0])]
    assert (group["value"], group["visible"]) == (astronaut.places, True)
    for none in (None, FoundFaces(astronaut.photo, ())):
        style, group = faces.updates(none, astronaut.places)
        assert (style, group["choices"], group["value"], group["visible"]) == ("", [], [], False)


@pytest.mark.parametrize(
    ("count", "skipped", "words"),
    [
        (1, 0, "1 face is kept; click it to paint it like the rest"),
        (2, 0, "2 faces are kept; click one to paint it like the rest"),
        (3, 1, "2 of 3 faces are kept; click one to change that"),
        (3, 2, "1 of 3 faces is kept; click one to change that"),
        (1, 1, "No face is kept; click it to change that"),
        (2, 2, "No face is kept; click one to change that"),
    ],
)
def test_a_sentence_counts_the_faces(count, skipped, words):
    assert faces.sentence(count, skipped) == words


def test_another_photo_under_the_same_name_has_its_own_faces(tmp_path):
    path = tmp_path / "photo.jpg"
    counts = []
    for name in ("astronaut", "temple"):
        shutil.copy(ASSETS / f"{name}.jpg", path)
        counts.append(len(found_faces(path, 10**8).faces))
    assert counts == [1, 0]
    path.unlink()
    with pytest.raises(UserError, match=r"photo\.jpg is no longer here"):
        found_faces(path, 10**8)


class Visitor(Caller):
    """A visitor who has uploaded a portrait."""

    def __init__(self, address):
        super().__init__(address)
        self.photo, self.painting = self.upload(
            *(
                (f"{name}.jpg", (ASSETS / f"{name}.jpg").read_bytes())
                for name in ("astronaut", "auvers")
            )
        )

    def shown(self, part, *data):
        """Return the checkboxes after a change of a part of the page."""
        name = "change" if part == "keep_faces" else "input"
        event = self.event(part, name)
        parts = [self.components[number]["props"].get("elem_id") for number in event["outputs"]]
        answer = self.call(event, [*data], click=False).json()["data"]
        return dict(zip(parts, answer, strict=True))["skip_faces"]


def test_faces_are_outlined_only_where_they_are_kept(address, astronaut):
    visitor = Visitor(address)
    group = visitor.shown("keep_faces", visitor.photo, True, [])
    assert [value for _, value in group["choices"]] == astronaut.places
    assert group["visible"]
    assert "value" not in group  # an earlier picture may check a face meanwhile
    for photo, kept in ((visitor.photo, False), (None, True)):
        assert visitor.shown("keep_faces", photo, kept, [])["visible"] is False
    chosen = visitor.shown("skip_faces", visitor.photo, astronaut.places)
    assert chosen["label"] == "No face is kept; click it to change that"


def test_only_places_of_faces_are_accepted(address):
    visitor = Visitor(address)
    for value in (["0.4"], ["0.4,0.2"], "0.400,0.200", [0.4, 0.2], None, ["0.400,0.200"] * 501):
        answer = visitor.paint(visitor.photo, [visitor.painting], skip_faces=value)
        assert INVALID_VALUE in answer.text
    answer = visitor.paint(visitor.photo, [visitor.painting], skip_faces=["1.900,0.200"])
    assert "skip_faces must be at least 0 and at most 1, not 1.9" in answer.text


def test_faces_of_a_file_that_is_not_ones_own_are_not_shown(address):
    owner, other = Visitor(address), Visitor(address)
    event = other.event("keep_faces", "change")
    answer = other.call(event, [owner.photo, True, []], click=False).text
    assert "choices" not in answer
    (blank,) = other.upload(("blank.png", picture()))
    assert other.shown("keep_faces", blank, True, [])["visible"] is False
