import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from nst_tf import RECIPES, Settings, stylize
from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.compute.evaluate import compiled
from nst_tf.images.face_masks import face_mask
from nst_tf.images.faces import Face
from nst_tf.images.masks import Region
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


def parsed(photo, *words):
    return parse(["", str(ASSETS / photo), str(ASSETS / "auvers.jpg"), *words])


def test_faces_are_found_and_kept_at_all_scales():
    fitted = load_inputs(parsed("astronaut.jpg", "--recipe=quality", "--max_dim=384")).fitted
    (face,) = fitted.faces
    np.testing.assert_allclose(face.box, 0.75 * np.array([180, 64, 267, 173]), atol=4)
    assert fitted.keep is None
    assert fitted.settings.keep_weight == pytest.approx(2 * RECIPES["quality"].content_weight)
    assert [max(scale.size) for scale in fitted.scales] == [96, 192, 384]
    for scale in fitted.scales:
        mask = fitted.kept(scale.size)
        rows, columns = np.nonzero(mask > 1)
        assert mask.shape == scale.size
        assert scale.size[0] * 0.15 < rows.mean() < scale.size[0] * 0.3
        assert scale.size[1] * 0.4 < columns.mean() < scale.size[1] * 0.5


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ("temple.jpg", ["--recipe=fast"]),
        ("astronaut.jpg", ["--recipe=fast", "--no_keep_faces"]),
        ("astronaut.jpg", ["--recipe=fast", "--nokeep-faces"]),
        ("astronaut.jpg", ["--recipe=fast", "--keep_faces=false"]),
        ("astronaut.jpg", ["--recipe=fast", "--face_strength=0"]),
        ("astronaut.jpg", ["--recipe=fast", "--content_weight=0"]),
        ("astronaut.jpg", ["--recipe=fast", "--strength=0"]),
        ("astronaut.jpg", []),
    ],
)
def test_without_faces_to_keep_a_run_is_the_same_as_before(photo, words):
    request = parsed(photo, "--max_dim=128", *words)
    fitted = load_inputs(request).fitted
    assert fitted.faces == ()
    assert fitted.kept(fitted.size) is None
    assert fitted.settings == request.settings


def test_faces_are_kept_with_what_a_mask_keeps(pixels, mask):
    fitted = prepare_inputs(pixels(32, 48), pixels(32, 48, 1), SETTINGS, keep=mask, faces=[FACE])
    own = face_mask((32, 48), [FACE], SETTINGS.face_strength)
    np.testing.assert_array_equal(fitted.kept((32, 48)), np.maximum(own, mask))
    alone = prepare_inputs(pixels(32, 48), pixels(32, 48, 1), SETTINGS, keep=mask)
    np.testing.assert_array_equal(alone.kept((16, 24)), mask)  # of the finest scale's size


FACE = Face((4, 4, 18, 24), ((8, 12), (15, 12), (11, 15), (9, 19), (14, 19)), 1.0)


def test_a_face_is_kept_from_the_scale_at_which_it_is_ten_pixels_wide(pixels):
    fitted = prepare_inputs(pixels(32, 48), pixels(32, 48, 1), SETTINGS, faces=[FACE])
    assert not fitted.kept((16, 24)).any()
    assert fitted.new_faces((32, 48), (64, 96)) is None
    mask = fitted.kept((32, 48))
    np.testing.assert_array_equal(mask, face_mask((32, 48), [FACE], SETTINGS.face_strength))
    new = fitted.new_faces((16, 24), (32, 48))
    np.testing.assert_array_equal(new, np.minimum(1, mask))
    narrow = FACE.scaled((32, 48), (16, 24))
    assert prepare_inputs(pixels(32, 48), pixels(32, 48, 1), SETTINGS, faces=[narrow]).faces == ()


def test_faces_in_parts_that_are_not_painted_are_not_kept(pixels):
    right = np.zeros((32, 48), np.float32)
    right[:, 24:] = 1
    pictures = pixels(32, 48), pixels(32, 48, 1), SETTINGS
    assert prepare_inputs(*pictures, [Region(right)], faces=[FACE]).faces == ()
    assert prepare_inputs(*pictures, [Region(1 - right)], faces=[FACE]).faces == (FACE,)


def test_faces_at_places_to_skip_are_not_kept(pixels):
    pictures = pixels(32, 48), pixels(32, 48, 1)
    other = dataclasses.replace(FACE, box=(24, 4, 40, 24))
    for place, kept in ((FACE.place((32, 48)), other), (other.place((32, 48)), FACE)):
        settings = dataclasses.replace(SETTINGS, skip_faces=place)
        assert prepare_inputs(*pictures, settings, faces=[FACE, other]).faces == (kept,)
    every = (*FACE.place((32, 48)), *other.place((32, 48)))
    settings = dataclasses.replace(SETTINGS, skip_faces=every)
    fitted = prepare_inputs(*pictures, settings, faces=[FACE, other])
    assert fitted.faces == ()
    assert fitted.settings.keep_weight == 0


def test_programs_and_library_warn_of_a_place_without_a_face():
    skipping = parsed("astronaut.jpg", "--recipe=fast", "--max_dim=128", "--skip_faces=0.44,0.24")
    assert load_inputs(skipping).fitted.faces == ()
    wrong = parsed("astronaut.jpg", "--recipe=fast", "--max_dim=128", "--skip_faces=0.9,0.1")
    with pytest.warns(UserWarning, match=r"no face is at 0.9,0.1; faces are at 0\.43\d,0\.2"):
        assert len(load_inputs(wrong).fitted.faces) == 1
    wrong = parsed("temple.jpg", "--recipe=fast", "--max_dim=128", "--skip_faces=0.9,0.1")
    with pytest.warns(UserWarning, match="no face is at 0.9,0.1; no faces are found"):
        load_inputs(wrong)
    ignored = parsed("temple.jpg", "--max_dim=128", "--skip_faces=0.9,0.1")  # by tutorial
    assert load_inputs(ignored).fitted.faces == ()


def test_masks_above_1_weigh_the_errors_by_as_much(pixels):
    content, style, image = pixels(32, 48), pixels(32, 48, 1), pixels(32, 48, 2)
    settings = dataclasses.replace(SETTINGS, keep_weight=3)
    network, terms = load_model(settings), make_terms(settings)
    weights = step_weights(settings, terms)

    def keep(mask):
        fitted = dataclasses.replace(
            prepare_inputs(content, style, settings, keep=np.ones((32, 48), np.float32)), keep=mask
        )
        targets = whole_targets(network, terms, fitted)
        step = compiled(network, terms, image.shape, False, 0)
        return float(step.evaluate(tf.constant(image), targets, weights)[0]["keep"])

    whole = np.ones((32, 48), np.float32)
    assert keep(4 * whole) == pytest.approx(4 * keep(whole), rel=1e-5)
