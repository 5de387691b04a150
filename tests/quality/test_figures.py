"""The figures of a picture where they are known in closed form, and on a recorded pair."""

import json

import numpy as np
import pytest
from PIL import Image

from nst_tf import UserError, load_image, measure_quality
from nst_tf.quality import features, figures, texture
from nst_tf.quality.meanings import MEANINGS
from tests.conftest import GOLDEN, shrunk


def grey(levels):
    """Return an RGB picture of grey levels `[H, W]`."""
    return Image.fromarray(np.asarray(levels, np.uint8)).convert("RGB")


def test_a_picture_that_is_photo_and_painting_has_no_distance(pixels):
    image = pixels(64, 80)
    look = figures.measure_look(image, image, image, side=80)
    assert list(look) == ["remd", "self", "grain", "patch"]
    assert look["remd"] == pytest.approx(0, abs=1e-5)
    assert look["self"] == 0
    assert look["patch"] == 0
    assert list(figures.measure_quality(image, image, image))[:4] == list(look)


def test_a_photo_left_as_it_is_keeps_its_structure_and_is_no_painting(pixels):
    photo, painting = pixels(64, 64), pixels(64, 64, seed=1) ** 4
    look = figures.measure_look(photo, photo, painting, side=64)
    assert look["self"] == 0
    assert min(look["remd"], look["patch"]) > 0.01


def test_the_older_figures_are_0_and_1_for_the_painting_itself(pixels):
    image = pixels(64, 64)
    found = figures.measure_distances(image, image, image)
    assert found.pop("high_frequencies") == 1
    assert set(found.values()) == {0}


def test_relaxed_distance_agrees_with_loops():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((7, 5)), rng.random((4, 5))
    a, b = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    d = [[1 - x @ y / np.sqrt((x @ x) * (y @ y)) for y in b] for x in a]
    rows, columns = [min(row) for row in d], [min(column) for column in zip(*d, strict=True)]
    expected = max(np.mean(rows), np.mean(columns))
    assert features.relaxed_distance(ours, theirs) == pytest.approx(expected, rel=1e-9)


def test_relaxed_distance_takes_the_worse_side_and_ignores_means():
    axes = np.eye(4)
    ours = np.concatenate([axes[:1], -axes[:1]])
    theirs = np.concatenate([axes[:2], -axes[:2]])
    # All of ours is found in the painting, half of the painting is not found in ours, at d = 1.
    assert features.relaxed_distance(ours, theirs) == pytest.approx(0.5)
    assert features.relaxed_distance(theirs, ours) == pytest.approx(0.5)
    assert features.relaxed_distance(ours + 3, 2 * theirs - 1) == pytest.approx(0.5)


def test_columns_are_area_means_over_channels():
    fine = np.arange(4 * 6 * 2, dtype=np.float32).reshape(4, 6, 2)
    coarse = np.ones((2, 3, 5), np.float32)
    rows = features.columns({"fine": fine, "coarse": coarse})
    assert rows.shape == (6, 7)
    np.testing.assert_allclose(rows[4, :2], fine[2:, 2:4].mean(axis=(0, 1)) / 2)
    np.testing.assert_allclose(rows[:, 2:], 1 / 5)


def test_self_distances_have_mean_1_and_know_no_brightness():
    maps = np.random.default_rng(0).random((5, 6, 8))
    d = features.self_distances(maps)
    assert d.shape == (10, 10)
    np.testing.assert_allclose(d.mean(axis=0), 1)
    np.testing.assert_allclose(np.diag(d), 0, atol=1e-12)
    np.testing.assert_allclose(features.self_distances(3 * maps), d, atol=1e-12)


def test_grain_is_the_ratio_of_variances_where_the_photo_is_flat():
    rng = np.random.default_rng(0)
    noise = rng.integers(-20, 21, (48, 96))
    photo = np.full((48, 96), 128)
    photo[:, 48:] = rng.integers(0, 256, (12, 12)).repeat(4, axis=0).repeat(4, axis=1)
    painting = grey(128 + noise)
    everywhere, nowhere = grey(128 + 3 * noise), grey(128 + 3 * noise * (np.arange(96) >= 52))
    flat = grey(np.full((48, 96), 128))
    # A photo that is flat all over: three times the noise has nine times the variance.
    assert texture.grain(everywhere, flat, painting) == pytest.approx(9, rel=1e-6)
    assert texture.grain(painting, flat, painting) == 1
    # What is rough where the photo is rough hardly counts: some of it is as flat as the rest.
    assert texture.grain(nowhere, grey(photo), painting) < 0.3
    assert texture.grain(everywhere, grey(photo), painting) == pytest.approx(9, rel=0.1)


def test_the_laplacian_of_a_slope_is_0_and_of_a_point_is_4():
    rows, columns = np.mgrid[:6, :7]
    assert not texture.laplacian(grey(10 + 3 * rows + 5 * columns)).any()
    point = np.zeros((5, 5))
    point[2, 2] = 9
    expected = [[0, -9, 0], [-9, 36, -9], [0, -9, 0]]
    np.testing.assert_array_equal(texture.laplacian(grey(point)), expected)


def test_sliced_distance_knows_no_order_and_measures_a_shift():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 300, 147), np.float32)
    distance = texture.sliced_distance(ours, theirs)
    assert distance > 0
    mixed = texture.sliced_distance(rng.permutation(ours), rng.permutation(theirs))
    assert mixed == pytest.approx(distance, rel=1e-5)
    shift = rng.random(147, np.float32)
    expected = np.abs(shift @ texture.directions()).mean()
    assert texture.sliced_distance(ours, ours + shift) == pytest.approx(expected, rel=1e-4)


def test_patches_of_plain_pictures_differ_by_their_colours():
    red, blue = (Image.new("RGB", (72, 64), color) for color in ((255, 0, 0), (0, 0, 255)))
    sums = texture.directions().reshape(3, -1, texture.DIRECTIONS).sum(axis=1)
    expected = np.abs(sums[0] - sums[2]).mean()
    assert texture.patch_distance(red, blue) == pytest.approx(expected, rel=1e-4)


def test_patches_are_spread_over_the_whole_picture():
    picture = grey(np.arange(64)[:, None].repeat(72, axis=1))
    found = texture.patches(picture)
    assert found.shape == (texture.PATCHES, 3 * 7 * 7)
    assert found.min() == 0
    assert found.max() == pytest.approx(63 / 255)


def test_the_figures_of_a_pair_are_those_that_were_recorded(tmp_path):
    """Values of version 2.3, whose figures were a script."""
    names = ("temple-great_wave-painting.jpg", "temple.jpg", "great_wave.jpg")
    paths = [shrunk(name, (160, 112), tmp_path / f"{name}.png") for name in names]
    recorded = json.loads((GOLDEN / "quality.json").read_text())
    found = measure_quality(*map(str, paths))
    assert list(found) == list(recorded) == list(MEANINGS)
    assert found == pytest.approx(recorded, rel=1e-4)
    assert measure_quality(*map(load_image, paths)) == found


@pytest.mark.parametrize(
    ("picture", "painting", "message"),
    [
        ((80, 60), (80, 80), "the picture is 80x60 pixels, which leaves less than 64 a side"),
        ((80, 80), (200, 120), "the painting is 200x120 pixels, which leaves less than 64"),
        ((400, 400), (600, 100), "crop it to sides of at most 5 to 1"),
    ],
)
def test_pictures_that_cannot_be_measured_are_refused(pixels, picture, painting, message):
    image, style = pixels(*picture[::-1]), pixels(*painting[::-1], seed=1)
    with pytest.raises(UserError, match=message):
        measure_quality(image, image, style)


def test_a_painting_without_any_structure_is_refused(pixels):
    with pytest.raises(UserError, match="the painting is flat all over"):
        measure_quality(pixels(64, 64), pixels(64, 64), np.full((1, 64, 64, 3), 0.5, np.float32))
