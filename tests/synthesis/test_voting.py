import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.synthesis.matching import SCALE
from nst_tf.synthesis.sources import make_canvas
from nst_tf.synthesis.threads import Rows
from nst_tf.synthesis.voting import SHARP, SOFT, vote, weigh
from tests.synthesis.conftest import noise


@pytest.mark.parametrize("patch", [1, 2, 3, 5])
def test_a_vote_is_the_weighted_mean_of_what_the_patches_show(patch, rows):
    canvas = make_canvas([noise(0, 9, 8), noise(1, 7, 6)], patch)
    size = 11, 40
    shape = size[0] - patch + 1, size[1] - patch + 1
    rng = np.random.default_rng(2)
    matches = rng.choice(np.flatnonzero(canvas.allowed[0]), shape).astype(np.int32)
    weights = rng.uniform(0.1, 10, shape).astype(np.float32)
    sums, totals = np.zeros((*size, 3)), np.zeros((*size, 1))
    for y, x in np.ndindex(shape):
        v, u = divmod(int(matches[y, x]), 8)
        seen = canvas.colors[v : v + patch, u : u + patch]
        sums[y : y + patch, x : x + patch] += weights[y, x] * seen
        totals[y : y + patch, x : x + patch] += weights[y, x]
    np.testing.assert_allclose(vote(matches, weights, canvas, size, rows), sums / totals, rtol=1e-5)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 6), st.integers(0, 99))
def test_votes_of_perfect_matches_reproduce_the_painting(height, width, patch, seed):
    patch = min(patch, height, width)
    painting = noise(seed, height, width)
    canvas = make_canvas([painting], patch)
    matches = np.arange(height * width, dtype=np.int32).reshape(height, width)
    matches = np.ascontiguousarray(matches[: height - patch + 1, : width - patch + 1])
    rows = Rows(1)
    for weighting in (SOFT, SHARP):
        weights = weigh(np.zeros_like(matches), weighting)
        image = vote(matches, weights, canvas, (height, width), rows)
        # A mean of 36 equal values, each sum rounded.
        np.testing.assert_allclose(image, painting, rtol=36 * 2.0**-24)
    rows.close()


def test_better_matches_weigh_more_and_most_in_a_sharp_vote():
    costs = np.array([[0, SCALE**2 // 100, 3 * SCALE**2]], np.int32)
    np.testing.assert_allclose(weigh(costs, SOFT), [[3e-4**-2, 0.0103**-2, 3.0003**-2]], rtol=1e-3)
    np.testing.assert_allclose(
        weigh(costs, SHARP), [[3e-5**-4, 0.01003**-4, 3.00003**-4]], rtol=1e-3
    )
