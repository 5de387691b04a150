"""The request that parsing makes."""

import dataclasses

import pytest

from nst_tf import Settings
from nst_tf.cli.flags import OTHER_FLAGS, parse
from nst_tf.cli.request import Request


def test_a_request_has_a_field_for_each_flag_and_cannot_be_changed():
    request = parse(["nst-tf", "a.jpg", "b.jpg", "--max_dim=64", "--resume_anyway"])
    names = {field.name for field in dataclasses.fields(Request)}
    steps = {"steps"}  # which the settings contain
    assert names == {flag.name for flag in OTHER_FLAGS} - steps | {"settings", "recipe_given"}
    assert (request.settings, request.recipe_given) == (Settings(max_dim=64), False)
    assert request.resume
    hash(request)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.content = "c.jpg"


def test_every_picture_of_a_request_can_get_another_path():
    words = ["a.jpg", "b.jpg", "c.jpg", "--content_mask=d.png", "--keep_mask=e.png"]
    request = parse(["nst-tf", *words]).with_pictures(lambda path: f"copy/{path}")
    assert request.paths("content") == ("copy/a.jpg",)
    assert request.style == ("copy/b.jpg", "copy/c.jpg")
    assert request.content_mask == ("copy/d.png",)
    assert (request.style_mask, request.keep_mask) == ((), ("copy/e.png",))
    assert parse(["nst-tf", "--style=b.jpg"]).with_pictures(str.upper).content is None
