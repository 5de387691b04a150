"""The types of settings for type checkers, compared with the settings themselves."""

from dataclasses import fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from nst_tf import Settings
from nst_tf.keywords import AllOverrides, Overrides, Ramp, Seconds
from nst_tf.validation import checked_duration, checked_ramp

HINTS = get_type_hints(AllOverrides)


def test_every_setting_has_a_type_and_every_type_a_setting():
    assert list(get_type_hints(Overrides)) == [n for n in Settings.__annotations__ if n in HINTS
                                               and n != "memory_budget"]  # fmt: skip
    assert HINTS.keys() == {entry.name for entry in fields(Settings)}
    assert HINTS.keys() - get_type_hints(Overrides).keys() == {"memory_budget"}


@pytest.mark.parametrize("entry", fields(Settings), ids=lambda entry: entry.name)
def test_a_type_has_the_choices_and_the_kind_of_its_setting(entry):
    hint = HINTS[entry.name]
    choices, check = entry.metadata["choices"], entry.metadata["check"]
    if choices:
        assert get_origin(hint) is Literal
        assert get_args(hint) == choices
    elif check is checked_ramp:
        assert hint == Ramp
    elif check is checked_duration:
        assert hint == Seconds
    elif isinstance(entry.default, tuple):
        assert get_origin(hint) is not None
        assert get_args(hint) == (str if entry.name.endswith("_layers") else float,)
    else:
        kinds = get_args(hint) or (hint,)
        assert type(entry.default) in kinds
