"""Events that fill in the form."""

import pytest

from nst_tf.page.events import _as_flag, _as_value


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("False", False), ("0.5", 0.5), ("none", "none")]
)
def test_a_recorded_setting_fills_its_field_and_returns(text, value):
    assert _as_value(text) == value
    assert _as_flag(value) == text
