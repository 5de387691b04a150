"""The fields of all settings."""

import dataclasses

import gradio as gr
import pytest

from nst_tf.page.fields import advanced_fields, placeholders
from nst_tf.page.order import EVERYDAY_SETTINGS, SERVER_SETTINGS
from nst_tf.recipes import RECIPES
from nst_tf.settings import Settings


@pytest.fixture(scope="module")
def fields():
    with gr.Blocks():
        return advanced_fields("painting")


def test_every_setting_has_one_place(fields):
    names = {entry.name for entry in dataclasses.fields(Settings)}
    assert names == {*fields, *EVERYDAY_SETTINGS, *SERVER_SETTINGS}


def test_every_field_is_named_and_explained(fields):
    for name, field in fields.items():
        assert field.label == name.replace("_", " ")
        assert len(field.info) > 10
        assert field.value == ""


def test_choices_are_those_of_the_setting(fields):
    assert [value for _, value in fields["pooling"].choices] == ["", "max", "average", "mixed"]
    assert [value for _, value in fields["tf32"].choices] == ["", "true", "false"]
    assert [value for _, value in fields["init"].choices] == [
        "", "content", "style", "noise", "white",
    ]  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_empty_fields_show_the_values_of_the_recipe(fields, name):
    updates = dict(zip(fields, placeholders(name, fields), strict=True))
    settings = RECIPES[name]
    assert updates["epochs"]["placeholder"] == str(settings.epochs)
    assert updates["pooling"]["choices"][0] == (f"as the recipe ({settings.pooling})", "")
