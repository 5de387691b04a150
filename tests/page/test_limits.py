"""What a run may take."""

import dataclasses

import pytest

from nst_tf.inputs.pyramid import plan_scales
from nst_tf.page.limits import Limits, planned_steps
from nst_tf.recipes import RECIPES
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("side", [128, 512, 4961])
def test_the_bound_is_what_a_square_photo_takes(name, side):
    settings = dataclasses.replace(RECIPES[name], max_dim=side)
    network = settings.network_limit
    assert network == (min(side, settings.network_dim) if settings.repaint else side)
    size = (network, network)
    (*_, last) = plan_scales(settings, size, [size])
    assert planned_steps(settings) == last.steps_before + last.steps
    assert planned_steps(settings) <= Limits().steps
    Limits().check(dataclasses.replace(settings, max_dim=min(side, Limits().side)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_dim": 4962}, "max_dim must be from 1 to 4961 here, not 4962"),
        ({"epochs": 10**9}, "plan 100000000000 steps, and a run may have 10000 here: lower epochs"),
        ({"steps_per_epoch": 10**18}, "a run may have 10000 here"),
        ({"time_limit": 61}, "time_limit must be at most 60 seconds here, not 61"),
    ],
)
def test_what_is_too_much_is_named_with_its_bound(changes, words):
    with pytest.raises(UserError, match=words):
        Limits(run_seconds=60).check(Settings(**changes))


def test_a_description_names_the_bounds():
    assert Limits(side=800, steps=9, run_seconds=90).describe() == (
        "At most 800 pixels on the long side, 9 steps, 1.5 minutes."
    )
