import numpy as np
import pytest

from nst_tf.synthesis import structure
from nst_tf.synthesis.guides import luminance
from nst_tf.synthesis.matching import SCALE
from tests.synthesis.conftest import noise

LOW, HIGH = (limit * SCALE**2 for limit in (structure.FITTING, structure.FAILING))


def restored(image, guide, costs, strength, rows):
    image = image.copy()
    structure.restore_structure(image, guide, costs, strength, rows)
    return image


def test_the_luma_moves_to_the_guides_where_patches_cost_much(rows):
    image, guide = 0.3 + 0.4 * noise(0, 12, 15), 0.3 + 0.4 * noise(1, 12, 15)
    costs = np.random.default_rng(2).uniform(0, 1.5 * HIGH, (10, 13)).astype(np.int32)
    sums, counts = np.zeros((12, 15, 1)), np.zeros((12, 15, 1))
    for y, x in np.ndindex(costs.shape):
        sums[y : y + 3, x : x + 3] += costs[y, x]
        counts[y : y + 3, x : x + 3] += 1
    share = 0.7 * np.clip((sums / counts - LOW) / (HIGH - LOW), 0, 1)
    expected = np.clip(image + share * luminance(guide - image), 0, 1)
    assert (share.min(), share.max()) == (0, pytest.approx(0.7))
    np.testing.assert_allclose(restored(image, guide, costs, 0.7, rows), expected, atol=1e-6)


def test_patches_that_fit_show_what_the_paintings_show(rows):
    image, guide = noise(0, 12, 15), noise(1, 12, 15)
    costs = np.full((10, 13), LOW, np.int32)
    np.testing.assert_array_equal(restored(image, guide, costs, 1, rows), image)


@pytest.mark.parametrize(("detail", "strength"), [(0, 0), (0.5, 0.7), (1, 1)])
def test_detail_sets_the_strength(detail, strength):
    assert structure.structure_strength(detail) == pytest.approx(strength)


def test_all_luma_is_the_guides_at_full_strength(rows):
    image, guide = 0.4 + 0.2 * noise(0, 12, 15), 0.4 + 0.2 * noise(1, 12, 15)
    costs = np.full((10, 13), HIGH + 1, np.int32)
    result = restored(image, guide, costs, 1, rows)
    np.testing.assert_allclose(luminance(result), luminance(guide), atol=1e-6)
    np.testing.assert_allclose(result - luminance(result), image - luminance(image), atol=1e-6)


def test_kept_parts_show_the_guide():
    image, guide = noise(0, 8, 10), noise(1, 8, 10) * 1.5 - 0.25
    keep = np.zeros((8, 10), np.float32)
    keep[:, 5:], keep[:, 4] = 1, 0.5
    kept = structure.keep_parts(image, guide, keep)
    np.testing.assert_array_equal(kept[:, :4], image[:, :4])
    np.testing.assert_array_equal(kept[:, 5:], np.clip(guide[:, 5:], 0, 1))
    np.testing.assert_allclose(kept[:, 4], np.clip((image + guide)[:, 4] / 2, 0, 1), atol=1e-6)
