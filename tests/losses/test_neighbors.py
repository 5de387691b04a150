import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Settings, stylize
from nst_tf.compute.evaluate import compiled
from nst_tf.compute.passes import summarize_tiles
from nst_tf.images.masks import Region
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.hypercolumns import fold, layer_columns, unfold
from nst_tf.losses.neighbors import Neighbor, dot_and_square, nearest_rows
from nst_tf.losses.objective import step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import make_targets
from nst_tf.network.layers import stride
from nst_tf.network.model import extract_features
from nst_tf.transfer.measure import measure, whole_targets
from nst_tf.transfer.scales import load_model

SETTINGS = Settings(
    loss="relative", optimizer="lbfgs", content_weight=0.1, style_weight=1,
    total_variation_weight=0.05, neighbor_weight=2, content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"], max_dim=0, style_scale=0, epochs=1,
    steps_per_epoch=3,
)  # fmt: skip
LAYERS = SETTINGS.neighbor_layers


def target(content, styles, settings=SETTINGS, regions=(), start=None, block_size=0, most=None):
    """Return the neighbour term's targets, one for each region, of `most` candidates or fewer."""
    fitted, network = prepare_inputs(content, styles, settings, regions), load_model(settings)
    terms = make_terms(settings)
    if most:
        terms = [Neighbor(settings.neighbor_layers, candidates=most)]
    if block_size:
        targets = make_targets(
            terms, settings, fitted.content, fitted.styles,
            summarize_tiles(network, block_size), fitted.regions, start,
        )  # fmt: skip
    else:
        targets = whole_targets(network, terms, fitted)
    return [part.values for key, part in targets.parts.items() if key[0] == "neighbor"]


def columns(image):
    """Return the hypercolumns `[h, w, 960]` by plain loops over the definition."""
    features = extract_features(load_model(SETTINGS), tf.constant(image))
    height, width = (side // 8 * 2 for side in image.shape[1:3])
    parts = []
    for layer in LAYERS:
        values = features[layer].numpy()[0] / features[layer].shape[-1]
        step = 2 ** (int(layer[5]) - 1)
        grid = np.empty((height, width, values.shape[-1]))
        for row in range(height):
            for column in range(width):
                if step <= 4:
                    k = 4 // step
                    square = values[row * k : row * k + k, column * k : column * k + k]
                    grid[row, column] = square.mean(axis=(0, 1))
                else:
                    grid[row, column] = values[row // 2, column // 2]
        parts.append(grid)
    return np.concatenate(parts, axis=-1)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def centred(rows):
    return unit(rows - rows.mean(axis=0))


def test_places_are_means_of_fine_layers_and_repeats_of_coarse_ones(pixels):
    image = pixels(45, 62)
    features = extract_features(load_model(SETTINGS), tf.constant(image))
    ours = np.concatenate([layer_columns(features[name], name, 8)[0] for name in LAYERS], axis=-1)
    assert ours.shape == (10, 14, 960)
    np.testing.assert_allclose(ours, columns(image), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layer", ["block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1"])
def test_places_pull_back_what_they_are_means_of(layer, pixels):
    step = stride(layer)
    shape = (1, 45 // step, 62 // step, 3)
    features = tf.constant(pixels(*shape[1:3]))
    upstream = tf.constant(pixels(10, 14, 1))
    with tf.GradientTape() as tape:
        tape.watch(features)
        values = layer_columns(features, layer, 8)
    slope = tape.gradient(values, features, output_gradients=upstream).numpy()
    expected = np.zeros(shape)
    for row in range(40):
        for column in range(56):  # a pixel's share of its place, whatever the layer's stride
            at = (0, row // step, column // step)
            expected[at] += upstream[0, row // 4, column // 4] / 3 / 16
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("count", [1, 4])
def test_products_pull_back_like_the_automatic_gradient(pixels, count):
    ours, *theirs = (tf.constant(pixels(6, 5, seed)) for seed in range(count + 1))
    upstream = [tf.constant(pixels(6, 5, 10 + seed)[..., :1]) for seed in range(count + 1)]
    results = []
    for function in (
        dot_and_square,
        lambda x, *t: [tf.reduce_sum(x * y, axis=-1, keepdims=True) for y in (*t, x)],
    ):
        with tf.GradientTape() as tape:
            tape.watch(ours)
            values = function(ours, *theirs)
        results.append([*values, tape.gradient(values, ours, output_gradients=upstream)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_folding_by_cells_and_back(pixels):
    values = pixels(6, 8)[..., :1]
    folded = fold(tf.constant(values), 2)
    assert folded.shape == (1, 3, 4, 4)
    np.testing.assert_array_equal(folded[0, 1, 2], values[0, 2:4, 4:6, 0].ravel())
    np.testing.assert_array_equal(unfold(folded, 2), values)


@pytest.mark.parametrize("chunk", [7, 64])
def test_the_nearest_rows_are_those_of_brute_force(chunk):
    random = np.random.default_rng(0)
    queries = random.standard_normal((40, 12)).astype(np.float32)
    rows = unit(random.standard_normal((30, 12))).astype(np.float32)
    bias = random.uniform(0, 0.3, 30).astype(np.float32)
    cosines = unit(queries) @ rows.T + bias
    np.testing.assert_array_equal(nearest_rows(queries, rows, bias, chunk), cosines.argmax(axis=1))


def candidates(values):
    """Return the candidates' columns without the zeros that fill them up to a power of two."""
    rows = np.concatenate([values.columns[name] for name in LAYERS], axis=3)[0, :, 0]
    assert len(rows).bit_count() == 1
    used = rows.any(axis=1)
    assert used[: used.sum()].all()
    assert used.sum() > len(rows) / 2
    return rows[used]


def test_matches_are_those_of_brute_force(pixels):
    content, style = pixels(40, 56), pixels(48, 32, 1)
    (values,) = target(content, style)
    ours, theirs = columns(content).reshape(-1, 960), columns(style).reshape(-1, 960)
    cosines = centred(ours) @ centred(theirs).T
    match = unfold(values.nearest, 2).numpy().ravel()
    best = cosines.max(axis=1)
    # Rounding may decide between two that are alike, but never for a worse one.
    np.testing.assert_allclose(cosines[np.arange(len(match)), match], best, atol=1e-5)
    assert (match == cosines.argmax(axis=1)).mean() > 0.99
    found = candidates(values)
    np.testing.assert_allclose(found, centred(theirs), rtol=1e-3, atol=1e-5)


def test_the_loss_is_the_mean_distance_of_matched_columns(pixels):
    content, style, image = pixels(40, 56), pixels(48, 32, 1), pixels(40, 56, 2)
    (values,) = target(content, style)
    match = unfold(values.nearest, 2).numpy()[0, ..., 0]
    theirs = columns(style).reshape(-1, 960)
    ours = unit(columns(image) - theirs.mean(axis=0))
    expected = 2 * (1 - (ours * centred(theirs)[match]).sum(axis=-1)).mean()
    found = measure(image, content, style, SETTINGS)["neighbor"]
    assert found == pytest.approx(expected, rel=1e-4)


def test_a_painting_matched_with_itself_has_no_loss(pixels):
    painting = pixels(48, 64)
    assert measure(painting, painting, painting, SETTINGS)["neighbor"] == pytest.approx(0, abs=1e-5)


def test_quarter_turns_find_a_turned_painting(pixels):
    painting = pixels(48, 64)
    turned = np.rot90(painting, -1, axes=(1, 2))
    losses = [
        measure(painting, painting, turned, dataclasses.replace(SETTINGS, neighbor_rotations=turns))
        for turns in (0, 1, 3)
    ]
    assert losses[0]["neighbor"] > 0.05
    # The network is not symmetric, but the turned picture is the picture itself.
    assert losses[1]["neighbor"] == pytest.approx(0, abs=1e-5)
    assert losses[2]["neighbor"] == pytest.approx(0, abs=1e-5)


def test_many_candidates_are_sampled_on_a_grid(pixels):
    content, style = pixels(40, 56), pixels(64, 64, 1)
    (values,) = target(content, style, most=64)
    found = candidates(values)
    expected = centred(columns(style)[::2, ::2].reshape(-1, 960))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


def test_there_are_no_more_candidates_than_the_limit(pixels):
    """Thin places whose grid does not divide them evenly."""
    for height, width in ((36, 40), (44, 68), (100, 36)):
        (values,) = target(pixels(40, 56), pixels(height, width, 1), most=64)
        assert 40 <= len(candidates(values)) <= 64
        assert values.columns["block1_conv1"].shape[1] == 64  # no larger shape for the rest


@pytest.mark.parametrize("block_size", [24])
def test_targets_and_gradient_by_blocks(smooth, block_size):
    content, style, image = smooth(61, 90, 0), smooth(77, 60, 1), smooth(61, 90, 2)
    left = np.zeros((61, 90), np.float32)
    left[:, :50] = 1
    part = np.zeros((77, 60), np.float32)
    part[30:] = 1
    regions = [Region(left, {0: part}), Region(1 - left, {0: None})]
    settings = dataclasses.replace(SETTINGS, style_statistics="covariance", mean_weight=1)
    for whole, parts in zip(
        target(content, style, settings, regions),
        target(content, style, settings, regions, block_size=block_size),
        strict=True,
    ):
        assert (whole.nearest.numpy() == parts.nearest.numpy()).mean() > 0.99
        for name in LAYERS:
            np.testing.assert_allclose(
                parts.columns[name], whole.columns[name], rtol=1e-3, atol=1e-6
            )
    network, terms = load_model(settings), make_terms(settings)
    targets = whole_targets(network, terms, prepare_inputs(content, style, settings, regions))
    weights = step_weights(settings, terms)
    (losses, slope), (losses_by, slope_by) = (
        compiled(network, terms, image.shape, False, size).evaluate(
            tf.constant(image), targets, weights
        )
        for size in (0, block_size)
    )
    for name in losses:
        assert float(losses_by[name]) == pytest.approx(float(losses[name]), rel=1e-5)
    assert tf.norm(slope_by - slope) <= 1e-5 * tf.norm(slope)


def test_regions_never_borrow_from_another_region(pixels):
    content = pixels(48, 64)
    # The left half of the painting is the photo itself, but the region may only use the right.
    style = np.concatenate([content, pixels(48, 64, 1)], axis=2)
    right = np.zeros((48, 128), np.float32)
    right[:, 64:] = 1
    (values,) = target(content, style, regions=[Region(None, {0: right})])
    found = candidates(values)
    theirs = columns(style)[:, 16:].reshape(-1, 960)
    np.testing.assert_allclose(found, centred(theirs), rtol=1e-3, atol=1e-5)
    (free,) = target(content, style)
    assert len(candidates(free)) == 2 * len(found)


def test_a_region_weighs_its_own_places(pixels):
    content, style = pixels(48, 64), pixels(48, 64, 1)
    mask = np.zeros((48, 64), np.float32)
    mask[:16, :32] = 1
    (values,) = target(content, style, regions=[Region(mask, {0: None})])
    weights = unfold(values.weights, 2).numpy()[0, ..., 0]
    np.testing.assert_allclose(weights[:4, :8], 1 / 32, rtol=1e-6)
    assert weights.sum() == pytest.approx(1)
    assert np.count_nonzero(weights) == 32


def test_shares_are_priors_between_paintings(pixels):
    content, styles = pixels(48, 64), [pixels(48, 64, 1), pixels(48, 64, 2)]

    def share_of_first(blend):
        settings = dataclasses.replace(SETTINGS, style_blend=blend)
        (values,) = target(content, styles, settings)
        return (values.nearest.numpy() < 12 * 16).mean()

    shares = [share_of_first(blend) for blend in ((1, 20), (1, 1), (20, 1))]
    assert shares[0] < 0.2
    assert 0.2 < shares[1] < 0.8
    assert shares[2] > 0.8
    settings = dataclasses.replace(SETTINGS, style_blend=(1, 0))
    (values,) = target(content, styles, settings)
    assert len(candidates(values)) == 12 * 16


def test_the_second_scale_asks_for_the_image_too(pixels):
    content, style, start = pixels(48, 64), pixels(48, 64, 1), pixels(48, 64, 2)
    (photo,) = target(content, style, block_size=32)
    (mixed,) = target(content, style, block_size=32, start=start)
    (expected,) = target(0.65 * content + 0.35 * start, style, block_size=32)
    np.testing.assert_array_equal(mixed.nearest, expected.nearest)
    assert (mixed.nearest.numpy() != photo.nearest.numpy()).any()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_runs_repeat_exactly_and_fall(pixels, optimizer):
    settings = dataclasses.replace(
        SETTINGS, optimizer=optimizer, scales=2, min_dim=16, steps_per_epoch=6, epsilon=1e-6
    )
    runs = []
    for _ in range(2):
        losses = []
        picture = stylize(
            pixels(48, 64), pixels(48, 64, 1), settings,
            callbacks=[lambda p, losses=losses: losses.append(p.losses["neighbor"])],
        )  # fmt: skip
        runs.append((picture, losses))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    assert runs[0][1][5] < runs[0][1][0]
    assert runs[0][1][-1] < runs[0][1][6]
