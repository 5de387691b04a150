import dataclasses
import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from nst_tf import Settings
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.objective import (
    combine,
    gradient,
    objective,
    overflow_message,
    read,
    step_weights,
)
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Part, level_shares
from nst_tf.losses.term import Statistics, Term
from nst_tf.transfer.measure import whole_targets
from nst_tf.transfer.scales import load_model

SETTINGS = Settings(
    content_layers=["block2_conv1"], style_layers=["block1_conv1", "block2_conv1"],
    content_weight=1, style_weight=1e-6, total_variation_weight=3, style_scale=0,
)  # fmt: skip


class Sums(Term):
    """A term whose losses are its statistics plus what it compares with."""

    layers = ()

    def __init__(self, name):
        self.name = name

    def losses(self, statistics, values):
        return {name: value + values[name] for name, value in statistics.sums.items()}


def test_the_total_is_the_weighted_sum_over_terms_parts_and_layers():
    terms = (Sums("one"), Sums("two"), Sums("idle"))
    ones, halves = {"a": tf.constant(1.0), "b": tf.constant(0.5)}, {"a": tf.constant(0.5)}
    parts = {
        ("one", 0, 0): Part({"a": 10.0, "b": 20.0}, ones, {}),
        ("one", 1, 0): Part({"a": 30.0}, halves, {}),
        ("two", 0, 1): Part({"a": 40.0}, ones, {}),
    }
    statistics = {
        key: Statistics({name: tf.constant(float(key[1] + 1)) for name in part.values})
        for key, part in parts.items()
    }
    weights = {name: tf.constant(value) for name, value in (("one", 2.0), ("two", 3.0))}
    losses = combine(terms, statistics, parts, weights)
    one, two = 2 * ((10 + 1) + 0.5 * (20 + 1) + 0.5 * (30 + 2)), 3 * (40 + 1)
    assert {name: float(loss) for name, loss in losses.items()} == {
        "total": one + two, "one": one, "two": two, "idle": 0,
    }  # fmt: skip
    assert next(iter(losses)) == "total"


@pytest.mark.parametrize("statistics", ["gram", "covariance"])
def test_what_the_layers_add_sums_up_to_their_terms(pixels, statistics):
    settings = dataclasses.replace(
        SETTINGS, style_statistics=statistics, style_sizes=2, mean_weight=2, neighbor_weight=3,
        neighbor_layers=["block1_conv1"], style_layer_weights=(1, 3),
    )  # fmt: skip
    photo, painting, image = (pixels(16, 16, seed) for seed in range(3))
    network, terms = load_model(settings), make_terms(settings)
    targets = whole_targets(network, terms, prepare_inputs(photo, painting, settings))
    weights = step_weights(settings, terms)
    losses = read(objective(network, terms, tf.constant(image), targets, weights))
    layers = {
        "style": settings.style_layers,
        "mean": settings.style_layers,
        "content": ["block2_conv1"],
    }
    assert list(losses) == ["total", *(term.name for term in terms)]
    assert losses.layers.keys() == {f"{name}/{a}" for name, found in layers.items() for a in found}
    assert min(losses.layers.values()) > 0
    for name, found in layers.items():
        shares = sum(losses.layers[f"{name}/{layer}"] for layer in found)
        assert shares == pytest.approx(losses[name], rel=1e-5)


def test_strength_multiplies_all_weights_but_the_contents_by_its_cube():
    terms = make_terms(dataclasses.replace(SETTINGS, mean_weight=5))
    settings = dataclasses.replace(SETTINGS, mean_weight=5, strength=2)
    weights = {name: float(weight) for name, weight in step_weights(settings, terms).items()}
    assert weights == pytest.approx(
        {"style": 8e-6, "content": 1, "total_variation": 24, "mean": 40}, rel=1e-6
    )


@given(st.integers(1, 6))
def test_levels_share_as_their_pixels_do(count):
    shares = level_shares(count)
    assert sum(shares) == pytest.approx(1)
    assert all(a == pytest.approx(4 * b) for a, b in itertools.pairwise(shares))


@pytest.mark.parametrize("changes", [{}, {"style_statistics": "covariance", "mean_weight": 1e-3}])
def test_the_gradient_is_the_slope_of_the_total(pixels, changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    photo, painting, image = (pixels(12, 16, seed) for seed in range(3))
    # Away from the kinks of the total variation.
    image[0] = np.indices((12, 16)).sum(0)[..., None] / 40 + 0.01 * image[0]
    network, terms = load_model(settings), make_terms(settings)
    targets = whole_targets(network, terms, prepare_inputs(photo, painting, settings))
    weights = step_weights(settings, terms)

    def function(point):
        return objective(network, terms, point, targets, weights)

    losses, slope = gradient(function, tf.constant(image))
    direction = np.asarray(slope / tf.norm(slope))
    step = 1e-3
    ends = [float(function(tf.constant(image + s * direction))["total"]) for s in (-step, step)]
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(float(tf.norm(slope)), rel=0.01)
    assert next(iter(losses)) == "total"


@pytest.mark.parametrize(
    ("losses", "worst"),
    [
        ({"style": math.inf, "content": 9e9}, "style"),
        ({"style": 1.0, "content": math.nan}, "content"),
        ({"style": 1e30, "content": 1e38}, "content"),  # the sum overflows, or a square of a slope
    ],
)
def test_an_overflow_names_the_step_and_the_weight_to_lower(losses, worst):
    message = overflow_message(7, {"total": math.inf, **losses})
    assert message == f"the loss is no longer finite at step 7: lower {worst}_weight"
