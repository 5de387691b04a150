import dataclasses
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from nst_tf import Settings, stylize
from nst_tf.compute.evaluate import TiledObjective, compiled
from nst_tf.compute.passes import summarize_tiles, summarize_whole
from nst_tf.compute.plan import HALOS, TILES_COST
from nst_tf.compute.tiles import make_stages
from nst_tf.images.masks import Region
from nst_tf.losses.objective import step_weights
from nst_tf.losses.regions import layer_guides
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import make_targets
from nst_tf.losses.term import Source, Sources, Statistics
from nst_tf.network.layers import LAYERS, stride
from nst_tf.network.model import extract_features
from nst_tf.transfer.scales import load_model
from tests import forked

SETTINGS = Settings(
    loss="relative", content_weight=0.5, style_weight=1, total_variation_weight=0.05, max_dim=0,
    style_scale=0,
)  # fmt: skip
SHALLOW = dataclasses.replace(
    SETTINGS, content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"]
)


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (["block1_conv1"], [(1, 1, 1)]),
        (["block1_conv2", "block1_conv1"], [(1, 1, 2)]),
        (["block1_pool"], [(1, 2, 2)]),
        (["block2_conv1"], [(1, 2, 2 + 2)]),
        (["block3_pool"], [(1, 8, 2 + 2 * 2 + 4 * 4)]),
        (["block4_conv2", "block1_conv1"], [(1, 8, 22), (8, 1, 2)]),
        (["block5_conv2"], [(1, 8, 22), (8, 2, 4), (16, 1, 2)]),
    ],
)
def test_a_halo_reaches_as_far_as_a_stages_convolutions(layers, expected):
    stages = make_stages(layers)
    assert [(stage.stride, stage.grid, stage.halo) for stage in stages] == expected


@given(
    st.integers(1, 300), st.integers(1, 300), st.integers(1, 150),
    st.lists(st.sampled_from(LAYERS), min_size=1, max_size=3),
)  # fmt: skip
def test_blocks_own_every_location_once_and_see_their_halo(height, width, block_size, layers):
    for stage in make_stages(layers):
        grid, shape = stage.grid, (height, width)
        longest = max(grid, (block_size << stage.depth) // stage.stride)
        owners, lengths = np.zeros(shape, int), set()
        for block in stage.tiles(*shape, block_size):
            for length, seen, owned in (
                (height, block.rows, block.owned_rows),
                (width, block.columns, block.owned_columns),
            ):
                assert seen[0] % grid == owned[0] % grid == 0
                assert owned[1] == length or owned[1] % grid == 0
                assert seen[0] == 0 or seen[0] <= owned[0] - stage.halo
                assert seen[1] == length or seen[1] >= owned[1] + stage.halo
                assert 0 <= seen[0] <= owned[0] < owned[1] <= seen[1] <= length
                assert owned[1] - owned[0] < longest + grid
            owners[slice(*block.owned_rows), slice(*block.owned_columns)] += 1
            lengths.add(tuple(stop - start for start, stop in block[:2]))
        assert (owners == 1).all()
        assert len(lengths) == 1


def both_ways(smooth, size, settings, block_size, regions=(), stages=None):
    """Return losses and gradient of the whole picture and by blocks, of given stages if any."""
    content, image = smooth(*size, 0), smooth(*size, 1)
    styles = [smooth(150, 170, 2), smooth(90, 100, 3)][: len(settings.style_blend) or 1]
    network, terms = load_model(settings), make_terms(settings)
    targets = make_targets(terms, settings, content, styles, summarize_whole(network), regions)
    weights, results = step_weights(settings, terms), []
    for blocks in (0, block_size):
        evaluate = compiled(network, terms, image.shape, False, blocks).evaluate
        if blocks and stages:
            tiled = TiledObjective(network, terms, image.shape, blocks, stages, lambda *_: {})
            evaluate = tiled.evaluate
        losses, gradient = evaluate(tf.constant(image), targets, weights)
        whole = [name for name in losses if "/" not in name]
        assert list(losses)[: len(whole)] == whole == ["total", *(term.name for term in terms)]
        results.append(({name: float(loss) for name, loss in losses.items()}, gradient.numpy()))
    return results


def assert_equal(whole, by_blocks):
    (losses, gradient), (losses_by, gradient_by) = whole, by_blocks
    assert losses_by == pytest.approx(losses, rel=1e-5)
    assert np.linalg.norm(gradient_by - gradient) <= 1e-5 * np.linalg.norm(gradient)


@pytest.mark.parametrize(
    ("size", "block_size", "changes"),
    [
        ((97, 203), 64, {}),
        ((107, 61), 16, {"pooling": "average"}),
        ((64, 160), 96, {"style_sizes": 3}),
        ((131, 117), 48, {"style_blend": (0.7, 0.3), "content_layers": ["block4_conv2"]}),
        ((120, 133), 64, {"content_layers": ["block1_conv1", "block3_pool"], "style_sizes": 2}),
        ((17, 30), 1, {}),
        ((97, 120), 48, {"style_statistics": "covariance", "mean_weight": 0.3, "style_sizes": 2}),
        ((70, 81), 32, {"content_layers": ["block1_conv1", "block4_conv1"],
                        "content_layer_weights": (0, 2), "style_layer_weights": (1, 0, 2, 0, 3)}),
        ((64, 64), 1000, {"loss": "absolute", "content_weight": 1e4, "style_weight": 1e-2}),
    ],
)  # fmt: skip
def test_blocks_equal_the_whole_picture(smooth, size, block_size, changes):
    settings = dataclasses.replace(SETTINGS, **changes)
    assert_equal(*both_ways(smooth, size, settings, block_size))


@pytest.mark.parametrize(
    "changes",
    [{}, {"style_sizes": 2}, {"style_statistics": "covariance", "mean_weight": 0.3}],
)
def test_blocks_equal_the_whole_picture_with_regions(smooth, changes):
    settings = dataclasses.replace(SETTINGS, style_blend=(0.7, 0.3), **changes)
    left, soft = np.zeros((120, 133), np.float32), np.zeros((60, 66), np.float32)
    left[10:, :70] = 1
    soft[:50, 20:] = np.linspace(0, 1, 46)
    part = np.zeros((80, 80), np.float32)
    part[:, 30:] = 1
    regions = [Region(left, {0: None}), Region(soft, {0: part, 1: None})]
    assert_equal(*both_ways(smooth, (120, 133), settings, 64, regions))


def test_the_work_ahead_knows_that_blocks_take_longer(pixels):
    settings = dataclasses.replace(
        SHALLOW, epochs=1, steps_per_epoch=2, scales=2, min_dim=8, block_size=32
    )
    ahead = []
    stylize(
        pixels(24, 48), pixels(20, 20), settings, callbacks=[lambda p: ahead.append(p.remaining)]
    )
    cost = TILES_COST * (1 + HALOS / 32) ** 2  # of the larger size, which alone is cut
    assert ahead == pytest.approx([1 + 2 * 4 * cost, 2 * 4 * cost, 1, 0])


@pytest.mark.parametrize("name", ["style", "content", "mean"])
def test_the_targets_of_a_region_are_the_same_by_blocks(smooth, name):
    settings = dataclasses.replace(SETTINGS, style_statistics="covariance", mean_weight=1)
    network = load_model(settings)
    (term,) = (term for term in make_terms(settings) if term.name == name)
    mask = np.zeros((100, 140), np.float32)
    mask[20:, 30:] = 1
    sources = [
        Source(tf.constant(smooth(100, 140, 0)), mask, layer_guides(mask, term.layers), summarize)
        for summarize in (summarize_whole(network), summarize_tiles(network, 48))
    ]
    results = [term.target(Sources(source, {0: source}, {0: 1.0})).values for source in sources]
    whole, by_blocks = results
    assert set(whole) == set(by_blocks) == set(term.layers)
    for layer, expected in whole.items():
        error = np.linalg.norm(by_blocks[layer] - expected)
        assert error <= 1e-5 * np.linalg.norm(expected)


@pytest.mark.parametrize("halo", [(14, 4, 2), (22, 2, 2), (22, 4, 0)])
def test_a_narrower_halo_would_show(smooth, halo):
    stages = make_stages(SETTINGS.layers)
    narrower = [stage._replace(halo=width) for stage, width in zip(stages, halo, strict=True)]
    (_, gradient), (_, gradient_by) = both_ways(smooth, (64, 112), SETTINGS, 16, stages=narrower)
    assert np.linalg.norm(gradient_by - gradient) > 1e-5 * np.linalg.norm(gradient)


@pytest.mark.parametrize("joint", [False, True])
def test_features_and_sums_are_the_whole_pictures(smooth, joint):
    image = tf.constant(smooth(75, 131, 0))
    network, grid = load_model(SETTINGS), 2
    features, seen = extract_features(network, image), []

    def function(found, window):
        seen.append(len(found))
        every = {name: value for name, value in found.items() if stride(name) == grid}
        return Statistics({name: tf.reduce_sum(value) for name, value in found.items()}, every)

    found = summarize_tiles(network, 32)(
        image, SETTINGS.layers, function, guides={}, grid=grid, joint=joint
    )
    assert (max(seen) == len(SETTINGS.layers)) == joint
    for name, value in features.items():
        assert float(found.sums[name]) == pytest.approx(float(tf.reduce_sum(value)), rel=1e-5)
    assert set(found.maps) == {"block2_conv1"}
    for name, value in found.maps.items():
        np.testing.assert_allclose(value, features[name], rtol=1e-4, atol=1e-2)


def test_whole_pictures_go_through_the_network_once(smooth):
    network, calls = load_model(SHALLOW), []

    class Counted:
        layers = ()  # none of which has a faster convolution

        def __call__(self, features, training):
            calls.append(features.shape)
            return network(features, training=training)

    picture, painting = smooth(40, 56, 0), [smooth(48, 48, 1)]
    settings = dataclasses.replace(SHALLOW, mean_weight=1)
    make_targets(make_terms(settings), settings, picture, painting, summarize_whole(Counted()))
    assert sorted(calls, key=tuple) == [(1, 40, 56, 3), (1, 48, 48, 3)]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("scales", [1, 2])
def test_runs_by_blocks_are_those_of_the_whole_picture(smooth, optimizer, scales):
    settings = dataclasses.replace(
        SHALLOW, optimizer=optimizer, scales=scales, min_dim=16, epochs=1, steps_per_epoch=3
    )
    content, style = smooth(40, 56, 0), smooth(48, 48, 1)
    whole = stylize(content, style, settings)
    parts = stylize(content, style, dataclasses.replace(settings, block_size=16))
    # Rounding decides which of two like values a pooling takes: not every pixel agrees.
    assert np.linalg.norm(parts - whole) <= 1e-3 * np.linalg.norm(whole)
    assert np.abs(whole - content).max() > 0.01


def test_blocks_with_winograd_are_exact(smooth):
    settings = dataclasses.replace(
        SETTINGS, content_layers=["block3_conv2"], style_layers=["block1_conv1", "block3_conv2"],
        epochs=1, steps_per_epoch=2, optimizer="lbfgs", block_size=128,
    )  # fmt: skip
    runs = {}
    for kind in ("direct", "winograd"):
        losses = []
        stylize(
            smooth(200, 150, 0), smooth(60, 60, 1),
            dataclasses.replace(settings, convolution=kind),
            callbacks=[lambda p, losses=losses: losses.append(list(p.losses.values()))],
        )  # fmt: skip
        runs[kind] = losses
    np.testing.assert_allclose(runs["winograd"], runs["direct"], rtol=1e-4, atol=1e-7)


def test_blocks_are_dealt_out_among_devices():
    script = """
import numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
from nst_tf import Settings, stylize
from nst_tf.compute import stages
stages.tile_devices = lambda: ["CPU:0", "CPU:1"]
used, crop_tile = [], stages.crop_tile
def spy(*arguments):
    part = crop_tile(*arguments)
    used.append(tf.add(part[0], 1).device[-5:])
    return part
stages.crop_tile = spy
settings = Settings(
    content_layers=["block4_conv1"], style_layers=["block1_conv1", "block4_conv1"], epochs=1,
    steps_per_epoch=2, block_size=32,
)
picture = np.random.default_rng(0).random((1, 60, 70, 3), np.float32)
parts = stylize(picture, picture[:, ::-1], settings)
print(sorted(set(used)))
stages.tile_devices = lambda: [None]
np.testing.assert_allclose(parts, stylize(picture, picture[:, ::-1], settings), atol=1e-5)
"""
    done = forked.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['CPU:0', 'CPU:1']\n"
