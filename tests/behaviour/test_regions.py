"""Regions, strength and several styles, as the objective and whole runs see them."""

import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import Region, Settings, pair_masks, stylize
from nst_tf.compute.evaluate import compiled
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.objective import step_weights
from nst_tf.losses.regions import block_means
from nst_tf.losses.registry import make_terms
from nst_tf.network.model import extract_features
from nst_tf.transfer.measure import measure, whole_targets
from nst_tf.transfer.scales import load_model
from tests import oracles

# Two shallow layers: the mathematics of the whole network at a fraction of its time.
FAST = Settings(
    epochs=1,
    steps_per_epoch=6,
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
    style_scale=0,
)
RELATIVE = dataclasses.replace(
    FAST, loss="relative", content_weight=0.3, style_weight=1, total_variation_weight=0.05
)


def left(columns, height=32, width=48):
    mask = np.zeros((height, width), np.float32)
    mask[:, :columns] = 1
    return mask


@pytest.fixture
def pictures(pixels):
    """Return a photo and two paintings."""
    return pixels(32, 48), [pixels(40, 36, seed=1), pixels(30, 44, seed=2) ** 2]


def grams(model, image, weights):
    """Return Gram matrices by NumPy, in which each pixel's features count as its weight."""
    for name, features in extract_features(model, tf.constant(image)).items():
        if name in FAST.style_layers:
            height, width = features.shape[1:3]
            shares = block_means(weights, len(weights) // height)[:height, :width]
            flat = features.numpy().reshape(-1, features.shape[-1]).astype(np.float64)
            yield name, flat.T @ (flat * shares.reshape(-1, 1)) / shares.sum()


@pytest.mark.parametrize("settings", [FAST, RELATIVE])
def test_masks_of_ones_are_no_masks(pictures, pixels, settings):
    photo, paintings = pictures
    regions = pair_masks([np.ones((5, 7), np.float32)], [np.ones((3, 3), np.float32)] * 2, 2)
    image = pixels(32, 48, seed=3)
    with_masks = measure(image, photo, paintings, settings, regions)
    assert with_masks == measure(image, photo, paintings, settings)


def test_the_guided_objective_of_ones_is_the_plain_one(pictures, pixels):
    # Not by way of masks, which leave out the guides where a mask is white all over.
    photo, (painting, _) = pictures
    image = tf.constant(pixels(32, 48, seed=3))
    network, terms = load_model(FAST), make_terms(FAST)
    plain = whole_targets(network, terms, prepare_inputs(photo, painting, FAST))
    guides = {
        name: tf.fill([1, 32 // side, 48 // side, 1], side**2 / (32 * 48))
        for name, side in (("block1_conv1", 1), ("block2_conv1", 2))
    }
    part = plain.parts["style", 0, 0]
    assert not part.guides
    guided = plain._replace(parts={**plain.parts, ("style", 0, 0): part._replace(guides=guides)})
    evaluate = compiled(network, terms, tuple(image.shape), False, 0).evaluate
    weights = step_weights(FAST, terms)
    (losses, gradient), (same, also) = (
        evaluate(image, targets, weights) for targets in (plain, guided)
    )
    for name, loss in losses.items():
        assert float(same[name]) == pytest.approx(float(loss), rel=1e-5)
    assert np.linalg.norm(also - gradient) <= 1e-4 * np.linalg.norm(gradient)


def test_disjoint_regions_have_their_own_gram_losses(pictures, pixels):
    photo, paintings = pictures
    image = pixels(32, 48, seed=3)
    model = load_model(FAST)
    masks = [left(30), 1 - left(30)]
    regions = pair_masks(masks, [], 2)
    expected = 0.0
    for mask, painting in zip(masks, paintings, strict=True):
        theirs = {
            name: oracles.gram(features[0].numpy().astype(np.float64))
            for name, features in extract_features(model, tf.constant(painting)).items()
        }
        padded = np.pad(mask, 2, mode="edge")
        for name, half in (("block1_conv1", 1), ("block2_conv1", 2)):
            # Most of what each layer sees is within the region.
            inside = np.lib.stride_tricks.sliding_window_view(padded, (2 * half + 1,) * 2)
            inside = inside.min(axis=(2, 3))[2 - half :, 2 - half :][:32, :48]
            ours = dict(grams(model, image, inside))[name]
            expected += mask.mean() * np.mean((ours - theirs[name]) ** 2) / 2
    losses = measure(image, photo, paintings, FAST, regions)
    assert losses["style"] == pytest.approx(FAST.style_weight * expected, rel=1e-4)


def test_a_style_mask_takes_the_statistics_of_its_part(pictures, pixels):
    photo, (painting, _) = pictures
    image = pixels(32, 48, seed=3)
    regions = pair_masks([], [left(20, 40, 36)], 1)
    changed = painting.copy()
    changed[:, :, 20:] = 0.5
    settings = dataclasses.replace(FAST, style_layers=["block1_conv1"])  # eroded by all it sees
    expected = measure(image, photo, painting, settings, regions)
    whole = measure(image, photo, painting, settings)
    assert expected["style"] != pytest.approx(whole["style"], rel=1e-3)
    again = measure(image, photo, changed, settings, regions)
    assert again["style"] == pytest.approx(expected["style"], rel=1e-5)


def test_a_style_mask_takes_the_total_variation_of_its_part(pictures, pixels):
    photo, (painting, _) = pictures
    image = pixels(32, 48, seed=3)
    regions = pair_masks([], [left(20, 40, 36)], 1)
    changed = painting.copy()
    changed[:, :, 20:] = 0.5
    part = measure(image, photo, painting, RELATIVE, regions)
    again = measure(image, photo, changed, RELATIVE, regions)
    assert again["total_variation"] == pytest.approx(part["total_variation"], rel=1e-5)
    cropped = measure(image, photo, painting[:, :, :20], RELATIVE)
    assert again["total_variation"] == pytest.approx(cropped["total_variation"], rel=1e-5)


@pytest.mark.parametrize("settings", [FAST, RELATIVE])
def test_the_total_variation_leaves_out_what_no_region_covers(pictures, pixels, settings):
    photo, (painting, _) = pictures
    image, mask = pixels(32, 48, seed=3), np.zeros((32, 48), np.float32)
    mask[10:14, 20:26] = 1
    mask[12, 23] = 0.5
    shown = mask[..., None] * image + (1 - mask[..., None]) * photo
    # The region with its neighbours above and below, and with those on either side.
    parts = shown[:, 9:15, 20:26], shown[:, 10:14, 19:27]
    expected = sum(
        np.abs(np.diff(part.astype(np.float64), axis=axis)).sum()
        for axis, part in enumerate(parts, start=1)
    )
    if settings.loss == "relative":
        expected /= oracles.total_variation(painting) / painting.size * photo.size
    losses = measure(image, photo, painting, settings, [Region(mask)])
    weight = settings.total_variation_weight
    assert losses["total_variation"] == pytest.approx(weight * expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_least_gain_does_not_see_what_no_region_covers(pixels, optimizer):
    # Nothing that is further than three pixels from the region reaches the features that count.
    mask = np.zeros((40, 40), np.float32)
    mask[18:22, 18:22] = 1  # 1 %
    near = np.zeros((40, 40, 1), np.float32)
    near[15:25, 15:25] = 1
    photo, painting = pixels(40, 40), pixels(30, 30, seed=1) ** 3
    flat = np.where(near > 0, photo, np.float32(0.5))
    settings = Settings(
        epochs=1, steps_per_epoch=150, min_gain=0.05, optimizer=optimizer, style_scale=0,
        content_layers=["block1_conv1"], style_layers=["block1_conv1"], content_weight=0.1,
        style_weight=1e-2, total_variation_weight=3, learning_rate=0.005,
    )  # fmt: skip
    images, counts = [], []
    for content in (photo, flat):
        steps = []
        images.append(
            stylize(content, painting, settings, regions=[Region(mask)], callbacks=[steps.append])
        )
        counts.append(len(steps))
    assert counts[0] == counts[1]
    assert 25 < counts[0] < 150
    inside = np.s_[:, 18:22, 18:22]
    np.testing.assert_allclose(images[0][inside], images[1][inside], atol=1e-3)


def test_a_texture_is_not_given_away_by_a_weak_style(pixels):
    # Without a photo the painting stands in for it; its detail must come from the statistics.
    painting = pixels(64, 64, seed=1)
    settings = dataclasses.replace(
        RELATIVE, content_weight=0, init="noise", seed=4, scales=2, min_dim=16, strength=0.5
    )
    texture = stylize(painting, painting, settings)
    assert np.corrcoef(texture.ravel(), painting.ravel())[0, 1] < 0.2


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.parametrize("changes", [{}, {"block_size": 16}, {"scales": 2, "min_dim": 16}])
def test_what_no_region_covers_stays_the_photo(pictures, optimizer, changes):
    photo, paintings = pictures
    settings = dataclasses.replace(
        RELATIVE, optimizer=optimizer, init="noise", seed=9, convolution="direct", **changes
    )
    seen = []
    image = stylize(
        photo, paintings, settings, regions=[Region(left(20), {1: None})],
        callbacks=[lambda progress: seen.append((progress.losses["total"], progress.image()))],
    )  # fmt: skip
    np.testing.assert_array_equal(image[:, :, 20:], photo[:, :, 20:])
    np.testing.assert_array_equal(seen[-1][1], image)
    assert np.abs(image - photo)[:, :, :20].mean() > 0.05
    if "scales" not in changes:
        assert seen[-1][0] < seen[0][0]


def test_a_region_whose_style_is_fitted_by_the_photo_has_nothing_to_pay(pictures):
    photo, (painting, _) = pictures
    canvas = photo.copy()
    canvas[:, :, :24] = painting[:, :32, :24]
    mask = left(24)
    losses = measure(canvas, canvas, [canvas], FAST, [Region(mask, {0: mask})])
    whole = measure(canvas, canvas, [painting], FAST, [Region(mask)])
    assert losses["style"] < 1e-6 * whole["style"]
    assert losses["content"] == 0


def test_a_region_too_small_for_a_layer_counts_in_the_others_alone(pictures, pixels):
    photo, (painting, _) = pictures
    mask = np.zeros((33, 48), np.float32)
    mask[32:] = 1  # beyond the last location of two pixels
    photo, image = (np.concatenate([p, p[:, :1]], axis=1) for p in (photo, pixels(32, 48, seed=3)))
    settings = dataclasses.replace(FAST, style_layers=["block1_conv1"])
    both = measure(image, photo, painting, FAST, [Region(mask)])
    alone = measure(image, photo, painting, settings, [Region(mask)])
    assert both["style"] == pytest.approx(alone["style"], rel=1e-5)
    deep = dataclasses.replace(FAST, style_layers=["block2_conv1"])
    assert measure(image, photo, painting, deep, [Region(mask)])["style"] == 0


def test_shares_that_no_region_blends_are_refused(pictures):
    photo, paintings = pictures
    masks = [left(20), 1 - left(20)]
    blended = dataclasses.replace(FAST, style_blend=(1, 0))
    with pytest.raises(ValueError, match="style_blend has no effect where each region has one"):
        measure(photo, photo, paintings, blended, pair_masks(masks, [], 2))
    regions = [Region(masks[0], {0: None, 1: None}), Region(masks[1], {1: None})]
    with pytest.raises(ValueError, match="style_blend gives no style of region 2 a share above 0"):
        measure(photo, photo, paintings, blended, regions)


def test_each_style_is_given_the_colours_of_its_own_regions(pictures):
    photo, paintings = pictures
    settings = dataclasses.replace(FAST, preserve_color="match")
    changed = photo.copy()
    changed[:, :, 20:] = changed[:, :, 20:] ** 3
    one, other = Region(left(20), {0: None}), Region(1 - left(20), {1: None})
    alike = dataclasses.replace(settings, style_layers=["block1_conv1"])
    losses = [measure(p, p, paintings, alike, [one]) for p in (photo, changed)]
    assert losses[0]["style"] == pytest.approx(losses[1]["style"], rel=1e-4)
    both = [measure(p, p, paintings, alike, [one, other]) for p in (photo, changed)]
    assert both[0]["style"] != pytest.approx(both[1]["style"], rel=1e-2)


def test_layer_weights_of_each_style_choose_who_gives_which_layer(pictures, pixels):
    photo, paintings = pictures
    image = pixels(32, 48, seed=3)
    one_each = dataclasses.replace(FAST, style_layer_weights=(2, 0, 0, 2))
    alone = [
        measure(image, photo, painting, dataclasses.replace(FAST, style_layer_weights=weights))
        for painting, weights in zip(paintings, ((1, 0), (0, 1)), strict=True)
    ]
    both = measure(image, photo, paintings, one_each)
    assert both["style"] == pytest.approx(sum(losses["style"] for losses in alone), rel=1e-5)
    same = dataclasses.replace(FAST, style_layer_weights=(1, 3, 1, 3))
    shared = dataclasses.replace(FAST, style_layer_weights=(1, 3))
    assert measure(image, photo, paintings, same) == measure(image, photo, paintings, shared)


def test_strength_weighs_style_and_smoothness_against_the_photo(pictures, pixels):
    photo, paintings = pictures
    image = pixels(32, 48, seed=3)
    plain = measure(image, photo, paintings, FAST)
    strong = measure(image, photo, paintings, dataclasses.replace(FAST, strength=2))
    for name, factor in (("style", 8), ("content", 1), ("total_variation", 8)):
        assert strong[name] == pytest.approx(factor * plain[name], rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_no_strength_is_the_photo_and_more_of_it_goes_further(pictures, optimizer):
    photo, paintings = pictures
    settings = dataclasses.replace(RELATIVE, optimizer=optimizer, scales=2, min_dim=16)
    away = [
        np.abs(
            stylize(photo, paintings, dataclasses.replace(settings, strength=strength)) - photo
        ).mean()
        for strength in (0, 0.4, 0.7, 1)
    ]
    assert away[0] <= 0.1 / 255
    assert all(more > 1.2 * less for less, more in itertools.pairwise(away))


def test_without_strength_there_is_a_step_a_scale_unless_the_start_is_another(pictures):
    photo, paintings = pictures
    settings = dataclasses.replace(RELATIVE, strength=0, scales=2, min_dim=16)
    counts = []
    for init in ("content", "white"):
        steps = []
        changed = dataclasses.replace(settings, init=init)
        stylize(photo, paintings, changed, callbacks=[steps.append])
        counts.append(len(steps))
    assert counts == [2, 12]
