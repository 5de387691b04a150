import dataclasses
import math

import numpy as np
import pytest

from nst_tf.network.layers import LAYERS, smallest_side
from nst_tf.recipes import RECIPES, recipe
from nst_tf.settings import Settings
from nst_tf.validation import parse_bytes


def test_defaults_are_those_of_the_tutorial():
    settings = Settings()
    assert settings == RECIPES["tutorial"]
    assert (settings.epochs, settings.steps_per_epoch, settings.finest_steps) == (10, 100, 1000)
    assert (settings.learning_rate, settings.beta_1, settings.epsilon) == (0.02, 0.99, 0.1)
    weights = (settings.content_weight, settings.style_weight, settings.total_variation_weight)
    assert weights == (1e4, 1e-2, 30)
    assert settings.content_layers == ("block5_conv2",)
    assert settings.style_layers == tuple(f"block{n}_conv1" for n in range(1, 6))
    assert settings.max_dim == 512


def test_layers_come_in_the_order_of_the_network_and_once():
    settings = Settings(
        content_layers=["block2_conv1"], style_layers=["block3_conv1", "block2_conv1"]
    )
    assert settings.layers == ("block2_conv1", "block3_conv1")


def test_every_knob_documents_itself():
    for knob in dataclasses.fields(Settings):
        assert len(knob.metadata["help"]) > 10, knob.name
        assert knob.metadata["group"], knob.name


@pytest.mark.parametrize(
    ("layers", "side"),
    [
        ([], 1),
        (["block1_conv2"], 1),
        (["block1_pool"], 2),
        (["block3_conv4", "block1_conv1"], 4),
        (["block5_conv2"], 16),
        (["block5_pool"], 32),
    ],
)
def test_smallest_side_halves_once_a_pooling(layers, side):
    assert smallest_side(layers) == side


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"block_size": 1.5}, "block_size must be auto or a whole number, not 1.5"),
        ({"memory_budget": "0GiB"}, "memory_budget must be auto or a size such as 3.5GiB"),
        ({"memory_budget": "4"}, "memory_budget must be auto or a size"),
        ({"tf32": 1}, "tf32 must be True or False, not 1"),
        ({"epochs": 1.5}, "epochs must be a whole number, not 1.5"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"epochs": math.inf}, "epochs must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be more than 0"),
        ({"learning_rate": math.nan}, "learning_rate must be finite, not nan"),
        ({"learning_rate": "fast"}, "learning_rate must be a number, not 'fast'"),
        ({"beta_1": 1}, "beta_1 must be at least 0 and at most 0.9999, not 1"),
        ({"beta_1": 0.99999999}, "beta_1 must be"),
        ({"epsilon": 1e-50}, "epsilon must be at least 1e-12"),
        ({"style_layer_weights": [0] * 5}, "set style_weight to 0 instead"),
        ({"epsilon": -1}, "epsilon must be at least 1e-12"),
        ({"content_weight": math.inf}, "content_weight must be finite"),
        ({"style_weight": -1}, "style_weight must be at least 0"),
        ({"content_weight": 0, "style_weight": 0}, "nothing to optimise"),
        ({"content_layers": ()}, "set content_weight to 0"),
        ({"content_layers": "block5_conv2"}, "content_layers must be a sequence"),
        ({"content_layers": ["block5_con2"]}, "did you mean 'block5_conv2'"),
        ({"style_layers": ["block1_conv1"] * 2}, "twice"),
        ({"style_layers": [3]}, "must hold layer names"),
        ({"style_layer_weights": [1, 2]}, "2 values for 5 style layers"),
        ({"style_layer_weights": [1, 2, 3, 4, -5]}, "at least 0, not -5"),
        ({"content_layer_weights": ["x"]}, "must be a number, not 'x'"),
        ({"style_blend": [0, 0]}, "share above 0"),
        ({"skip_faces": [0.4, 0.2, 0.7]}, "x and y of each place, not (0.4, 0.2, 0.7)"),
        ({"skip_faces": [0.4, 220]}, "skip_faces must be at least 0 and at most 1, not 220"),
        ({"skip_faces": "0.4,0.2"}, "skip_faces must be a sequence"),
        ({"pooling": "avrage"}, "unknown pooling 'avrage': did you mean 'average'"),
        ({"max_dim": -1}, "max_dim must be at least 0"),
        ({"style_scale": 17}, "at most 16"),
        ({"seed": 2**32}, "seed must be at least 0 and at most"),
        ({"init": ""}, "init must not be empty"),
        ({"time_limit": "soon"}, "such as 60, 90s, 2min or 1h30min, not 'soon'"),
        ({"time_limit": "1h30"}, "such as 60, 90s, 2min or 1h30min, not '1h30'"),
        ({"time_limit": ""}, "time_limit must be a duration"),
        ({"time_limit": "-5"}, "time_limit must be at least 0, not -5"),
        ({"time_limit": "inf"}, "time_limit must be finite, not inf"),
        ({"style_layers": ["relu6_1"]}, "unknown style layer 'relu6_1'"),
        ({"style_layers": ["Relu4_1"]}, "unknown style layer 'Relu4_1'"),
        ({"style_layers": ["relu4_1", "block4_conv1"]}, "names 'block4_conv1' twice"),
    ],
)
def test_bad_values_are_named_with_the_mend(change, words):
    with pytest.raises(ValueError) as caught:
        Settings(**change)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_like_no_other_gets_the_whole_list():
    with pytest.raises(ValueError, match=", ".join(LAYERS)):
        Settings(style_layers=["zzz"])


def test_recipes_are_found_by_name():
    assert recipe("tutorial") is RECIPES["tutorial"]
    with pytest.raises(ValueError, match="did you mean 'tutorial'"):
        recipe("tutoral")


def test_whole_numbers_stand_for_floats_and_lists_for_tuples():
    settings = Settings(content_weight=1, style_blend=[2, 1])
    assert settings.content_weight == 1.0
    assert isinstance(settings.content_weight, float)
    assert settings.style_blend == (2.0, 1.0)
    assert hash(settings) == hash(Settings(content_weight=1.0, style_blend=(2.0, 1.0)))


def test_ramps_are_geometric_over_the_epochs():
    settings = Settings(epochs=3, content_weight="100:1", style_weight=(1, 4))
    assert settings.content_weight == (100, 1)
    plain = [settings.at(epoch) for epoch in range(3)]
    assert [s.content_weight for s in plain] == pytest.approx([100, 10, 1])
    assert [s.style_weight for s in plain] == pytest.approx([1, 2, 4])
    assert Settings().at(5) == Settings()
    assert Settings(content_weight="7").content_weight == 7


@pytest.mark.parametrize("ramp", ["1:2:3", "1:", "a:b", "0:1", (1, -2), (), "nan:1"])
def test_bad_ramps_are_named_with_the_mend(ramp):
    with pytest.raises(ValueError, match="content_weight must be a number or a ramp such as 100:1"):
        Settings(content_weight=ramp)


def test_the_weights_of_gatys_are_those_of_his_equations():
    # Random features stand for those of a 512x384 picture at block4_conv2, and one style layer.
    rng = np.random.default_rng(0)
    settings, alpha_over_beta = RECIPES["gatys"], 1e-3
    count = 64 * 48 * 512
    features, gram = rng.random(1000), rng.random((8, 8))
    locations = 64 * 48
    his_content = 0.5 * np.sum(features**2) * count / features.size
    his_style = np.sum((gram * locations) ** 2) / (4 * 8**2 * locations**2)
    ours = settings.content_weight * np.mean(features**2), settings.style_weight * np.mean(gram**2)
    assert ours[0] / ours[1] == pytest.approx(alpha_over_beta * his_content / his_style, rel=2e-3)


def test_the_weights_of_lbfgs_256_are_those_of_unit_variance_and_grams_by_c():
    rng = np.random.default_rng(0)
    settings, k, channels = RECIPES["lbfgs-256"], 255 * 0.226, 64
    features, gram = rng.random(1000), rng.random((channels, channels))
    its_content = np.mean((features / k) ** 2)
    its_style = 1e5 * np.mean((gram / k**2 / channels) ** 2)
    factor = settings.style_layer_weights[0] / len(settings.style_layers)
    ours = (
        settings.content_weight * np.mean(features**2),
        settings.style_weight * factor * np.mean(gram**2),
    )
    assert ours[0] / ours[1] == pytest.approx(its_content / its_style)


def test_two_phase_ends_at_the_balance_of_gatys():
    settings, gatys = RECIPES["two-phase"], RECIPES["gatys"]
    end = settings.at(settings.epochs - 1)
    assert end.content_weight == pytest.approx(gatys.content_weight)
    assert end.style_weight == pytest.approx(gatys.style_weight)
    ratios = [
        settings.at(epoch).style_weight / settings.at(epoch).content_weight for epoch in range(10)
    ]
    assert ratios == sorted(ratios)


@pytest.mark.parametrize("name", ["painting", "fast", "quality"])
def test_relative_recipes_weigh_shares(name):
    settings = RECIPES[name]
    assert settings.loss == "relative"
    assert settings.style_weight == 1
    assert 0 < settings.total_variation_weight < settings.content_weight < 1


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("3.5GiB", 3.5 * 2**30),
        ("800 MiB", 800 * 2**20),
        ("4GB", 4e9),
        (".5tib", 2**39),
        ("1kB", 1000),
    ],
)
def test_sizes_in_words_are_bytes(words, size):
    assert parse_bytes(words) == size


def test_blocks_are_auto_or_a_number_in_any_form():
    assert Settings().block_size == Settings(block_size="auto").block_size == "auto"
    assert Settings(block_size="512") == Settings(block_size=512) == Settings(block_size=512.0)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (60, 60),
        (0.5, 0.5),
        ("60", 60),
        ("1e2", 100),
        ("60s", 60),
        ("1.5 s", 1.5),
        ("2min", 120),
        ("1h30min", 5400),
        ("1H 2Min 3S", 3723),
        ("0", 0),
    ],
)
def test_durations_may_have_units(given, seconds):
    limit = Settings(time_limit=given).time_limit
    assert limit == seconds
    assert isinstance(limit, float)


def test_every_layer_has_the_names_of_papers():
    for layer in LAYERS:
        if "conv" in layer:
            for kind in ("relu", "conv"):
                name = layer.replace("block", kind).replace("_conv", "_")
                assert Settings(style_layers=[name]).style_layers == (layer,)
    layers = ("block1_conv1", "block3_pool")
    for field in ("content_layers", "style_layers", "neighbor_layers", "keep_layers"):
        changed = Settings(**{field: ["relu1_1", "block3_pool"]})
        assert getattr(changed, field) == layers
        assert changed == Settings(**{field: layers})
