"""Events that fill in the form."""

import pytest

from nst_tf.page.filling import field_value, flag_text
from nst_tf.recipes import RECIPES
from tests.page.caller import Caller


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("False", False), ("0.5", 0.5), ("none", "none")]
)
def test_a_recorded_setting_fills_its_field_and_returns(text, value):
    assert field_value(text) == value
    assert flag_text(value) == text


@pytest.mark.parametrize("name", ["tutorial", "quality"])
def test_a_recipe_sets_faces_as_usual_and_no_size(address, name):
    caller = Caller(address)
    event = caller.event("recipe", "input")
    parts = [caller.components[number]["props"].get("elem_id") for number in event["outputs"]]
    found = dict(zip(parts, caller.call(event, [name, True, None]).json()["data"], strict=True))
    assert "max_dim" not in found
    assert found["keep_faces"] == RECIPES[name].keep_faces


def test_a_page_that_is_not_touched_keeps_faces(address):
    caller = Caller(address)
    event = caller.event("paint")
    assert caller.usual(event)[caller.place(event, "keep_faces")] is True
    assert "Traceback" not in caller.call(event, caller.fill(event, keep_faces="yes")).text
