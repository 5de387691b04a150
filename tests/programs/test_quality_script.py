"""The figures of scripts/quality.py where they are known in closed form."""

import importlib

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT

SCRIPTS = ROOT / "scripts"


def script(name):
    """Import a script as Python does when it runs: its neighbours are found beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPTS)
        return importlib.import_module(name)


@pytest.fixture(scope="module")
def quality():
    return script("quality")


@pytest.fixture(scope="module")
def table():
    return script("quality_table")


def grey(levels):
    """Return an RGB picture of grey levels `[H, W]`."""
    return Image.fromarray(np.asarray(levels, np.uint8)).convert("RGB")


def test_a_picture_that_is_photo_and_painting_has_no_distance(quality, pixels):
    image = pixels(64, 80)
    look = quality.measure_look(image, image, image, side=80)
    assert list(look) == ["remd", "self", "grain", "patch"]
    assert look["remd"] == pytest.approx(0, abs=1e-5)
    assert look["self"] == 0
    assert look["patch"] == 0
    assert list(quality.measure_quality(image, image, image))[:4] == list(look)


def test_a_photo_left_as_it_is_keeps_its_structure_and_is_no_painting(quality, pixels):
    photo, painting = pixels(64, 64), pixels(64, 64, seed=1) ** 4
    look = quality.measure_look(photo, photo, painting, side=64)
    assert look["self"] == 0
    assert min(look["remd"], look["patch"]) > 0.01


def test_the_older_figures_are_0_and_1_for_the_painting_itself(quality, pixels):
    image = pixels(64, 64)
    figures = quality.measure_distances(image, image, image)
    assert figures.pop("high_frequencies") == 1
    assert set(figures.values()) == {0}


def test_relaxed_distance_agrees_with_loops(quality):
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((7, 5)), rng.random((4, 5))
    a, b = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    d = [[1 - x @ y / np.sqrt((x @ x) * (y @ y)) for y in b] for x in a]
    rows, columns = [min(row) for row in d], [min(column) for column in zip(*d, strict=True)]
    expected = max(np.mean(rows), np.mean(columns))
    assert quality.relaxed_distance(ours, theirs) == pytest.approx(expected, rel=1e-9)


def test_relaxed_distance_takes_the_worse_side_and_ignores_means(quality):
    axes = np.eye(4)
    ours = np.concatenate([axes[:1], -axes[:1]])
    theirs = np.concatenate([axes[:2], -axes[:2]])
    # All of ours is found in the painting, half of the painting is not found in ours, at d = 1.
    assert quality.relaxed_distance(ours, theirs) == pytest.approx(0.5)
    assert quality.relaxed_distance(theirs, ours) == pytest.approx(0.5)
    assert quality.relaxed_distance(ours + 3, 2 * theirs - 1) == pytest.approx(0.5)


def test_columns_are_area_means_over_channels(quality):
    fine = np.arange(4 * 6 * 2, dtype=np.float32).reshape(4, 6, 2)
    coarse = np.ones((2, 3, 5), np.float32)
    rows = quality.columns({"fine": fine, "coarse": coarse})
    assert rows.shape == (6, 7)
    np.testing.assert_allclose(rows[4, :2], fine[2:, 2:4].mean(axis=(0, 1)) / 2)
    np.testing.assert_allclose(rows[:, 2:], 1 / 5)


def test_self_distances_have_mean_1_and_know_no_brightness(quality):
    features = np.random.default_rng(0).random((5, 6, 8))
    d = quality.self_distances(features)
    assert d.shape == (10, 10)
    np.testing.assert_allclose(d.mean(axis=0), 1)
    np.testing.assert_allclose(np.diag(d), 0, atol=1e-12)
    np.testing.assert_allclose(quality.self_distances(3 * features), d, atol=1e-12)


def test_grain_is_the_ratio_of_variances_where_the_photo_is_flat(quality):
    rng = np.random.default_rng(0)
    noise = rng.integers(-20, 21, (48, 96))
    photo = np.full((48, 96), 128)
    photo[:, 48:] = rng.integers(0, 256, (12, 12)).repeat(4, axis=0).repeat(4, axis=1)
    painting = grey(128 + noise)
    everywhere, nowhere = grey(128 + 3 * noise), grey(128 + 3 * noise * (np.arange(96) >= 52))
    flat = grey(np.full((48, 96), 128))
    # A photo that is flat all over: three times the noise has nine times the variance.
    assert quality.grain(everywhere, flat, painting) == pytest.approx(9, rel=1e-6)
    assert quality.grain(painting, flat, painting) == 1
    # What is rough where the photo is rough hardly counts: some of it is as flat as the rest.
    assert quality.grain(nowhere, grey(photo), painting) < 0.3
    assert quality.grain(everywhere, grey(photo), painting) == pytest.approx(9, rel=0.1)


def test_the_laplacian_of_a_slope_is_0_and_of_a_point_is_4(quality):
    rows, columns = np.mgrid[:6, :7]
    assert not quality.laplacian(grey(10 + 3 * rows + 5 * columns)).any()
    point = np.zeros((5, 5))
    point[2, 2] = 9
    expected = [[0, -9, 0], [-9, 36, -9], [0, -9, 0]]
    np.testing.assert_array_equal(quality.laplacian(grey(point)), expected)


def test_sliced_distance_knows_no_order_and_measures_a_shift(quality):
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 300, 147), np.float32)
    distance = quality.sliced_distance(ours, theirs)
    assert distance > 0
    mixed = quality.sliced_distance(rng.permutation(ours), rng.permutation(theirs))
    assert mixed == pytest.approx(distance, rel=1e-5)
    shift = rng.random(147, np.float32)
    expected = np.abs(shift @ quality._directions()).mean()
    assert quality.sliced_distance(ours, ours + shift) == pytest.approx(expected, rel=1e-4)


def test_patches_of_plain_pictures_differ_by_their_colours(quality):
    red, blue = (Image.new("RGB", (72, 64), color) for color in ((255, 0, 0), (0, 0, 255)))
    sums = quality._directions().reshape(3, -1, quality.DIRECTIONS).sum(axis=1)
    expected = np.abs(sums[0] - sums[2]).mean()
    assert quality.patch_distance(red, blue) == pytest.approx(expected, rel=1e-4)


def test_patches_are_spread_over_the_whole_picture(quality):
    picture = grey(np.arange(64)[:, None].repeat(72, axis=1))
    patches = quality.patches(picture)
    assert patches.shape == (quality.PATCHES, 3 * 7 * 7)
    assert patches.min() == 0
    assert patches.max() == pytest.approx(63 / 255)


def figures(*values, seconds=1.0):
    return {"seconds": seconds} | dict(zip(("remd", "self", "grain", "patch"), values, strict=True))


def test_a_summary_has_medians_and_the_largest_and_skips_unknown_seconds(table):
    pairs = {
        "a:b": figures(0.1, 0.2, 0.3, 0.4, seconds=None),
        "a:c": figures(0.2, 0.1, 0.5, 0.4, seconds=7),
        "d:b": figures(0.6, 0.3, 0.4, 0.4, seconds=9),
    }
    summary = table.summarise(pairs)
    assert summary["median"] == figures(0.2, 0.2, 0.4, 0.4, seconds=8)
    assert summary["worst"] == figures(0.6, 0.3, 0.5, 0.4, seconds=9)


def test_recipes_are_compared_on_the_pairs_that_both_have(table):
    ours = {"a:b": figures(1, 1, 1, 1), "a:c": figures(1, 3, 1, 1), "x:y": figures(0, 0, 0, 0)}
    theirs = {"a:b": figures(2, 2, 2, 2), "a:c": figures(2, 2, 2, 1)}
    counts = {"remd": 2, "self": 1, "grain": 2, "patch": 1, "all four": 1}
    assert table.below(ours, theirs) == (counts, 2)
    assert table.below(theirs, ours)[0]["self"] == 1


def test_a_recipe_dominates_one_that_is_nowhere_better_nor_quicker(table):
    slow, quick = figures(1, 1, 1, 1, seconds=9), figures(1, 1, 1, 2, seconds=3)
    assert not table.dominates(slow, quick)
    assert table.dominates(slow, quick | {"seconds": 9})
    assert not table.dominates(slow, slow)


def test_the_report_names_every_recipe_and_who_dominates(table):
    def row(pairs):
        return table.summarise(pairs) | {"pairs": pairs}

    rows = {"good": row({"a:b": figures(1, 1, 1, 1)}), "bad": row({"a:b": figures(2, 2, 2, 2)})}
    lines = list(table.report(rows))
    assert any(line.split() == ["good", "<", "bad", *"11111", "of", "1"] for line in lines)
    assert any(line.split() == ["bad", "<", "good", *"00000", "of", "1"] for line in lines)
    assert lines[-1].startswith("good dominates bad")
    assert "2.000 (2.000)" in next(line for line in lines if line.startswith("bad "))
