"""Sizes for screens, prints, and of one's own."""

import pytest

from nst_tf.page.sizes import choice_of, choices, long_side, print_sizes
from nst_tf.recipes import RECIPES


@pytest.mark.parametrize(
    ("most", "prints"),
    [
        (8000, {"A4": 3508, "A3": 4961}),
        (4096, {"A4": 3508, "A3": 4096}),  # 248 dots per inch
        (3000, {"A4": 3000}),
        (1024, {}),
    ],
)
def test_prints_have_300_dots_per_inch_or_as_many_as_the_server_allows(most, prints):
    assert print_sizes(most) == prints
    assert [value for _, value in choices(most)] == ["screen", *prints, "own"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_size_for_a_screen_is_the_recipes(name):
    assert long_side("screen", 77, name, 4096) == RECIPES[name].max_dim
    assert long_side("screen", 77, name, 100) == 100


@pytest.mark.parametrize(
    ("side", "chosen"), [(512, "screen"), (3508, "A4"), (4096, "A3"), (700, "own")]
)
def test_a_long_side_leads_back_to_its_choice(side, chosen):
    assert choice_of(side, "painting", 4096) == chosen
    assert long_side(chosen, side, "painting", 4096) == side
