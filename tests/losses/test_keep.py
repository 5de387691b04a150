import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import RECIPES, Settings, stylize
from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.compute.evaluate import compiled
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.losses.objective import step_weights
from nst_tf.losses.registry import make_terms
from nst_tf.network.model import extract_features
from nst_tf.transfer.measure import measure, whole_targets
from nst_tf.transfer.scales import load_model
from tests.conftest import ASSETS

SETTINGS = Settings(
    loss="relative", content_weight=0.1, style_weight=1, total_variation_weight=0.05,
    content_layers=["block2_conv2"], style_layers=["block1_conv1", "block2_conv1"],
    keep_layers=["block2_conv1", "block2_conv2"], max_dim=0, style_scale=0, epochs=1,
    steps_per_epoch=10,
)  # fmt: skip


@pytest.fixture
def mask():
    kept = np.zeros((32, 48), np.float32)
    kept[8:24, 16:32] = 1
    return kept


def test_the_loss_is_the_masked_mean_squared_error(pixels, mask):
    content, style, image = pixels(32, 48), pixels(32, 48, 1), pixels(32, 48, 2)
    settings = dataclasses.replace(SETTINGS, keep_weight=3)
    found = measure(image, content, style, settings, keep=mask)["keep"]
    network = load_model(settings)
    ours, theirs = (extract_features(network, tf.constant(x)) for x in (image, content))
    inside = mask[::2, ::2][None, :, :, None]  # the mask's edges are even
    expected = [
        np.mean(inside * (ours[name] - theirs[name]) ** 2) / np.mean(theirs[name] ** 2)
        for name in settings.keep_layers
    ]
    assert found == pytest.approx(3 * np.mean(expected), rel=0.02)  # the mask is resampled
    assert measure(content, content, style, settings, keep=mask)["keep"] == 0


def test_the_weight_follows_the_contents_unless_it_is_given(pixels, mask):
    pictures = pixels(32, 48), pixels(32, 48, 1)
    assert prepare_inputs(*pictures, SETTINGS, keep=mask).settings.keep_weight == pytest.approx(0.2)
    ramp = dataclasses.replace(SETTINGS, content_weight="1:2", epochs=2)
    assert prepare_inputs(*pictures, ramp, keep=mask).settings.keep_weight == (2, 4)
    absolute = dataclasses.replace(ramp, loss="absolute")
    assert prepare_inputs(*pictures, absolute, keep=mask).settings.keep_weight == (10, 20)
    given = dataclasses.replace(SETTINGS, keep_weight=7)
    assert prepare_inputs(*pictures, given, keep=mask).settings.keep_weight == 7
    assert prepare_inputs(*pictures, given).settings.keep_weight == 0
    nothing = dataclasses.replace(SETTINGS, content_weight=0)
    with pytest.raises(ValueError, match="keep_weight is 0, and so is content_weight"):
        prepare_inputs(*pictures, nothing, keep=mask)
    with pytest.raises(ValueError, match=r"keep has shape \[3\]"):
        prepare_inputs(*pictures, SETTINGS, keep=np.ones(3, np.float32))


def test_what_is_kept_stays_closer_to_the_photo(smooth, mask):
    content, style = smooth(32, 48, 0), smooth(32, 48, 1)
    settings = dataclasses.replace(SETTINGS, optimizer="lbfgs", keep_weight=20)
    distances = []
    for keep in (None, mask):
        image = stylize(content, style, settings, keep=keep)
        away = np.abs(image - content)[0].mean(axis=-1)
        distances.append((away[mask == 1].mean(), away[mask == 0].mean()))
    assert distances[0][0] > 0.8 * distances[0][1]
    assert distances[1][0] < 0.6 * distances[1][1]
    assert distances[1][0] < 0.5 * distances[0][0]


def test_it_is_exact_by_blocks(smooth, mask):
    content, style, image = smooth(61, 90, 0), smooth(50, 50, 1), smooth(61, 90, 2)
    settings = dataclasses.replace(SETTINGS, keep_weight=3, keep_layers=["block3_conv1"])
    fitted = prepare_inputs(content, style, settings, keep=mask)
    network, terms = load_model(settings), make_terms(settings)
    targets, weights = whole_targets(network, terms, fitted), step_weights(settings, terms)
    (losses, slope), (losses_by, slope_by) = (
        compiled(network, terms, image.shape, False, size).evaluate(
            tf.constant(image), targets, weights
        )
        for size in (0, 24)
    )
    assert float(losses["keep"]) > 0.1
    assert float(losses_by["keep"]) == pytest.approx(float(losses["keep"]), rel=1e-5)
    assert tf.norm(slope_by - slope) <= 1e-5 * tf.norm(slope)


def test_faces_are_found_and_painted_at_all_scales():
    request = parse(
        ["", f"--content={ASSETS / 'astronaut.jpg'}", f"--style={ASSETS / 'auvers.jpg'}",
         "--recipe=quality", "--max_dim=384", "--keep_faces"]
    )  # fmt: skip
    fitted = load_inputs(request).fitted
    face = fitted.keep > 0.99
    rows, columns = np.nonzero(face)
    assert 384 * 0.1 < rows.mean() < 384 * 0.4
    assert 384 * 0.3 < columns.mean() < 384 * 0.6
    assert 0.01 < face.mean() < 0.2
    assert fitted.settings.keep_weight == pytest.approx(2 * RECIPES["quality"].content_weight)
    assert [max(scale.size) for scale in fitted.scales] == [96, 192, 384]


def test_a_photo_without_faces_keeps_nothing_and_says_so():
    request = parse(
        ["", f"--content={ASSETS / 'temple.jpg'}", f"--style={ASSETS / 'auvers.jpg'}",
         "--max_dim=128", "--keep_faces"]
    )  # fmt: skip
    with pytest.warns(UserWarning, match="--keep_faces finds no face"):
        fitted = load_inputs(request).fitted
    assert fitted.keep is None
    assert fitted.settings == request.settings
