"""Palettes, memberships and the guided filter: oracles and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.vq import kmeans2

from nst_tf.images.guided import guided_filter
from nst_tf.images.palette import cluster, memberships, palette_of, to_lab
from tests.conftest import BLUE, RED, flat


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((1, 1, 1), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (53.23, 80.11, 67.22)),
        ((0, 1, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 1), (32.30, 79.20, -107.86)),
        ((0.5, 0.5, 0.5), (53.39, 0, 0)),
    ],
)
def test_lab_has_the_known_values_of_colours(color, expected):
    np.testing.assert_allclose(to_lab(np.array(color, np.float32)), expected, atol=0.02)


def test_clusters_are_the_means_of_separate_groups():
    random = np.random.default_rng(0)
    centres = np.array([[0, 0, 0], [50, 0, 10], [0, 60, -20], [80, 80, 0]], float)
    points = (centres[:, None] + random.normal(0, 1, (4, 50, 3))).reshape(-1, 3)
    means = cluster(points, 4)
    expected = points.reshape(4, 50, 3).mean(axis=1)
    order = [np.argmin(((means - one) ** 2).sum(1)) for one in expected]
    np.testing.assert_allclose(means[order], expected)
    known, _ = kmeans2(points, expected.copy(), minit="matrix")
    np.testing.assert_allclose(means[order], known)


def test_weights_count_like_repeated_points():
    points = np.random.default_rng(3).random((40, 3))
    twice = cluster(np.concatenate([points, points[:20]]), 1)
    weighted = cluster(points, 1, np.where(np.arange(40) < 20, 2.0, 1.0))
    np.testing.assert_allclose(weighted, twice)


def test_more_clusters_than_colours_are_equal_ones():
    means = cluster(np.array([[1.0, 2, 3], [1, 2, 3], [4, 5, 6]]), 5)
    assert {tuple(mean) for mean in means} == {(1, 2, 3), (4, 5, 6)}


def test_a_palette_begins_with_the_darkest_colour_and_repeats():
    halves = np.concatenate([flat(RED, 20, 30), flat(BLUE, 20, 30)], axis=1)
    palette = palette_of([halves, flat((0.9, 0.9, 0.9), 8, 300)], 3)
    expected = to_lab(np.array([BLUE, RED, (0.9, 0.9, 0.9)], np.float32))
    np.testing.assert_allclose(palette, expected[np.argsort(expected[:, 0])], atol=1e-3)
    np.testing.assert_array_equal(palette, palette_of([halves, flat((0.9,) * 3, 8, 300)], 3))


@given(st.integers(1, 6), st.integers(0, 99))
def test_memberships_are_shares_of_which_the_nearest_colour_has_most(count, seed):
    random = np.random.default_rng(seed)
    palette, colors = random.random((count, 3)) * 100, random.random((5, 7, 3)) * 100
    shares = memberships(colors, palette)
    assert shares.shape == (count, 5, 7)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-5)
    nearest = ((colors[None] - palette[:, None, None]) ** 2).sum(-1).argmin(0)
    np.testing.assert_array_equal(shares.argmax(axis=0), nearest)
    turned = memberships(colors, palette[::-1])
    np.testing.assert_allclose(turned, shares[::-1], atol=1e-6)


def test_a_colour_halfway_belongs_to_both_and_a_colour_of_the_palette_to_itself():
    palette = np.array([[20.0, 0, 0], [60, 0, 0]])
    shares = memberships(np.array([[20.0, 0, 0], [40, 0, 0], [60, 0, 0]]), palette)
    np.testing.assert_allclose(shares[:, 1], 0.5)
    other = np.exp(-8)  # the other colour is four deviations away
    np.testing.assert_allclose(shares[1, 0], other / (1 + other), rtol=1e-5)
    equal = memberships(np.array([[20.0, 0, 0]]), np.array([[20.0, 0, 0], [20, 0, 0]]))
    np.testing.assert_allclose(equal, 0.5)


def regression(guide, plane, radius, epsilon):
    """Return the guided filter's output by a regression in each window."""
    height, width = plane.shape
    slopes, offsets = np.zeros((height, width, 3)), np.zeros((height, width))

    def window(y, x):
        rows = slice(max(0, y - radius), y + radius + 1)
        return rows, slice(max(0, x - radius), x + radius + 1)

    for y, x in np.ndindex(height, width):
        colors, values = guide[window(y, x)].reshape(-1, 3), plane[window(y, x)].ravel()
        covariance = np.cov(colors.T, bias=True) + epsilon * np.eye(3)
        shared = ((colors - colors.mean(0)) * (values - values.mean())[:, None]).mean(0)
        slopes[y, x] = np.linalg.solve(covariance, shared)
        offsets[y, x] = values.mean() - slopes[y, x] @ colors.mean(0)
    found = np.zeros((height, width))
    for y, x in np.ndindex(height, width):
        slope = slopes[window(y, x)].reshape(-1, 3).mean(0)
        found[y, x] = slope @ guide[y, x] + offsets[window(y, x)].mean()
    return found


@pytest.mark.parametrize("radius", [1, 2, 20])
def test_the_guided_filter_is_a_regression_in_each_window(radius):
    random = np.random.default_rng(radius)
    guide, planes = random.random((9, 12, 3)), random.random((2, 9, 12))
    found = guided_filter(guide, planes, radius, 0.01)
    for one, plane in zip(found, planes, strict=True):
        np.testing.assert_allclose(one, regression(guide, plane, radius, 0.01), atol=1e-5)


@given(st.integers(0, 99))
def test_the_filter_keeps_constants_sums_and_what_is_linear_in_the_guide(seed):
    random = np.random.default_rng(seed)
    guide, mask = random.random((10, 11, 3)), random.random((10, 11))
    planes = np.stack([mask, 1 - mask, np.full_like(mask, 0.3)])
    found = guided_filter(guide, planes, 2)
    np.testing.assert_allclose(found[0] + found[1], 1, atol=1e-5)
    np.testing.assert_allclose(found[2], 0.3, atol=1e-5)
    linear = guide @ random.random(3) + 0.2
    np.testing.assert_allclose(
        guided_filter(guide, linear[None], 2, 1e-9)[0], linear, rtol=1e-4, atol=1e-4
    )


def test_a_rough_mask_gets_the_edge_of_the_guide():
    guide = np.zeros((20, 40, 3), np.float32)
    guide[:, 17:] = 1
    rough = np.zeros((1, 20, 40), np.float32)
    rough[:, :, 20:] = 1  # three pixels off
    found = guided_filter(guide, rough, 6)[0, 10]
    assert found[:17].max() < 0.01
    assert found[17] > 0.4
