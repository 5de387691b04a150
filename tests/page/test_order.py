"""What a visitor asks for, as a command."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.cli.flags import parse
from nst_tf.page.order import SERVER_SETTINGS, Order, as_flags, safe_names, settings_from_metadata
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings


def test_what_the_recipe_has_is_left_out():
    order = Order("a.jpg", ("b.png",), "fast", {"strength": "1.0", "max_dim": "512", "detail": ""})
    assert order.command() == "nst-tf a.jpg b.png --recipe fast --output a-b-fast.png"


def test_all_that_differs_is_in_the_command():
    order = Order(
        "a b.jpg", ("c.png", "d.png"), "painting",
        {"strength": "0.7", "style_blend": "0.3,0.7", "keep_faces": "False"}, ("a-mask-1.png",),
    )  # fmt: skip
    assert shlex.split(order.command())[1:] == [
        "a b.jpg", "c.png", "d.png", "--recipe", "painting", "--strength=0.7",
        "--style_blend=0.3,0.7", "--keep_faces=False", "--content_mask=a-mask-1.png",
        "--output", "a b-c-d-painting-strength-0.7.png",
    ]  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_as_flags_is_the_recipe(name):
    flags = as_flags(recipe(name))
    if flags["scales"] == "1":  # these are refused without scales
        flags |= dict.fromkeys(("min_dim", "scale_factor", "coarse_steps"), "")
    words = [f"--{key}={value}" for key, value in flags.items() if value]
    assert parse(["nst-tf", "a.jpg", "b.jpg", *words]).settings == recipe(name)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("max_dim", "0", "max_dim must be from 1 to 4961"),
        ("max_dim", "5000", "max_dim must be from 1 to 4961"),
        ("init", "/etc/passwd", "init must be one of content, style, noise, white"),
        ("weights", "/tmp/x.npz", "weights cannot be chosen"),
        ("memory_budget", "99GiB", "memory_budget cannot be chosen"),
        ("strength", "-1", "strength must be at least 0"),
        ("epochs", "many", "epochs"),
    ],
)
def test_what_visitors_may_not_choose_is_refused(setting, value, words):
    with pytest.raises(ValueError, match=words):
        Order("a.jpg", ("b.jpg",), "fast", {setting: value}).check()


def test_settings_cannot_smuggle_other_flags_in():
    """A value is one word, whatever it holds."""
    order = Order("a.jpg", ("b.jpg",), "fast", {"style_layers": "block1_conv1 --output=/tmp/x"})
    with pytest.raises(ValueError, match="style layer"):
        order.check()


def test_variants_differ_in_strength_alone():
    order = Order("a.jpg", ("b.jpg",), "fast", {"detail": "2"})
    strengths = [
        parse(["nst-tf", *one.arguments()]).settings.strength for one in order.variants((0.5, 1, 2))
    ]
    assert strengths == [0.5, 1, 2]
    assert {one.settings["detail"] for one in order.variants((0.5, 2))} == {"2"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_record_gives_recipe_and_changes_back(name):
    import dataclasses

    settings = dataclasses.replace(recipe(name), strength=0.3, tf32=True)
    record = {"recipe": name, "settings": dataclasses.asdict(settings)}
    assert settings_from_metadata(record) == (name, {"strength": "0.3", "tf32": "True"})


def test_a_record_keeps_the_servers_settings_and_files_out():
    import dataclasses

    asked = Settings(init="photo.jpg", weights="other.npz", memory_budget="1GiB", seed=4)
    record = {"recipe": "tutorial", "settings": dataclasses.asdict(asked)}
    assert settings_from_metadata(record) == ("tutorial", {"seed": "4"})
    assert {"weights", "memory_budget"} == set(SERVER_SETTINGS)


@pytest.mark.parametrize(
    "record", [{}, {"settings": 3}, {"settings": {"strength": -1}}, {"settings": {}, "recipe": "x"}]
)
def test_a_record_that_is_not_valid_is_refused(record):
    with pytest.raises(ValueError, match="picture"):
        settings_from_metadata(record)


@given(st.lists(st.text(max_size=100), max_size=5))
def test_names_are_safe_and_all_different(names):
    safe = safe_names(names)
    assert len(safe) == len(names) == len({name.casefold() for name in safe})
    for name in safe:
        assert name
        assert not name.startswith(("-", "."))
        assert not set(name) & set("/\\\0'\"$;&|<> ")


def test_ordinary_names_stay():
    assert safe_names(["cat.jpg", "été 1.png", "cat.jpg"]) == ["cat.jpg", "été_1.png", "cat-2.jpg"]
