import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from nst_tf.images.masks import Region
from nst_tf.synthesis import matching
from nst_tf.synthesis.matching import COARSENESS, REACH, STEPS, improve, search
from nst_tf.synthesis.matching_loops import CHANNELS
from nst_tf.synthesis.threads import Rows
from tests.synthesis.conftest import make_problem, noise

LIMIT = 2**64


def patches(features, divisor=1):
    """Return the patches of features, `[h, w, values]`, as Python-sized integers."""
    values = np.rint(features.values * np.float32(1 / divisor)).astype(np.int64)
    values = values.reshape(*features.size, CHANNELS)
    windows = sliding_window_view(values, (features.patch, features.patch), (0, 1))
    return windows.reshape(*windows.shape[:2], -1)


def source_patch(problem, theirs, match):
    return theirs[match // problem.canvas.size[1], match % problem.canvas.size[1]]


def exact_costs(problem, matches):
    """Return the cost of each match."""
    ours, theirs = patches(problem.target), patches(problem.source)
    return ((ours - source_patch(problem, theirs, matches)) ** 2).sum(-1)


def exact_search(problem):
    """Return the first of the best matches, one place after another."""
    ours, theirs = patches(problem.target, COARSENESS), patches(problem.source, COARSENESS)
    matches = np.empty(problem.region.shape, int)
    for place in np.ndindex(matches.shape):
        allowed = np.flatnonzero(problem.canvas.allowed[problem.region[place]])
        candidates = np.array([source_patch(problem, theirs, match) for match in allowed])
        matches[place] = allowed[((ours[place] - candidates) ** 2).sum(-1).argmin()]
    return matches


def exact_sweep(problem, matches, costs, step, seed):
    """Return matches and costs after a sweep."""
    ours, theirs = patches(problem.target), patches(problem.source)
    height, width = matches.shape
    across, pixels = problem.canvas.size[1], problem.canvas.allowed.shape[1]
    found, found_costs = matches.copy(), costs.copy()
    for y, x in np.ndindex(matches.shape):

        def consider(match, y=y, x=x):
            if 0 <= match < pixels and problem.canvas.allowed[problem.region[y, x], match]:
                cost = ((ours[y, x] - source_patch(problem, theirs, match)) ** 2).sum()
                if cost < found_costs[y, x]:
                    found[y, x], found_costs[y, x] = match, cost

        for dy, dx in ((step, 0), (-step, 0), (0, step), (0, -step)):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                consider(matches[y + dy, x + dx] - dy * across - dx)
        bits = (y * width + x) * 0x9E3779B97F4A7C15 + seed * 0xBF58476D1CE4E5B9
        away = REACH
        while away:
            bits %= LIMIT
            bits = (bits ^ (bits >> 31)) * 0xBF58476D1CE4E5B9 % LIMIT
            bits ^= bits >> 31
            dy = ((bits & 0xFFFF) * (2 * away + 1) >> 16) - away
            dx = ((bits >> 16 & 0xFFFF) * (2 * away + 1) >> 16) - away
            consider(found[y, x] + dy * across + dx)
            away //= 2
    return found, found_costs


def two_regions(size):
    half = np.zeros(size, np.float32)
    half[:, : size[1] // 2] = 1
    return [Region(half, {0: None}), Region(1 - half, {1: None})]


@pytest.mark.parametrize("patch", [1, 2, 3, 5])
def test_the_search_finds_the_first_of_the_best_matches(patch, rows):
    coarse = np.rint(noise(0, 7, 9) * 3) / np.float32(3)  # with equal patches
    problem = make_problem(noise(1, 8, 6), [coarse, noise(2, 6, 5)], patch, rows)
    np.testing.assert_array_equal(search(problem), exact_search(problem))


def test_the_search_compares_all_blocks_and_keeps_to_the_regions(rows, monkeypatch):
    monkeypatch.setattr(matching, "PAIRS", 100)
    picture = noise(1, 8, 9)
    problem = make_problem(picture, [noise(0, 6, 9), noise(2, 6, 5)], 3, rows, two_regions((8, 9)))
    matches = search(problem)
    np.testing.assert_array_equal(matches, exact_search(problem))
    assert ((matches // 9 < 6) == (problem.region == 0)).all()


@pytest.mark.parametrize("patch", [1, 3, 4, 7])
def test_costs_are_the_sums_of_squared_differences(patch, rows, monkeypatch):
    monkeypatch.setattr(matching, "STEPS", ())
    problem = make_problem(noise(1, 9, 12), [noise(0, 8, 10)], patch, rows)
    allowed = np.flatnonzero(problem.canvas.allowed[0])
    matches = np.random.default_rng(0).choice(allowed, problem.region.shape).astype(np.int32)
    same, costs = improve(problem, matches, rows, 0)
    np.testing.assert_array_equal(same, matches)
    np.testing.assert_array_equal(costs, exact_costs(problem, matches))


def test_costs_of_black_and_white_fit_into_their_type(rows):
    for patch in (1, 3, 15):
        white, black = np.ones((20, 20, 3), np.float32), np.zeros((20, 20, 3), np.float32)
        problem = make_problem(white, [black], patch, rows)
        _, costs = improve(problem, np.zeros(problem.region.shape, np.int32), rows, 0)
        np.testing.assert_allclose(costs, 3 * matching.SCALE**2, rtol=1e-2)


@pytest.mark.parametrize("step", STEPS[:4])
def test_a_sweep_is_the_best_of_its_candidates(step, rows, monkeypatch):
    monkeypatch.setattr(matching, "STEPS", (step,))
    picture = noise(1, 12, 14)
    paintings = [noise(0, 9, 13), noise(2, 10, 8)]
    problem = make_problem(picture, paintings, 3, rows, two_regions((12, 14)))
    rng = np.random.default_rng(3)
    matches = np.empty(problem.region.shape, np.int32)
    for number, allowed in enumerate(problem.canvas.allowed):
        here = problem.region == number
        matches[here] = rng.choice(np.flatnonzero(allowed), here.sum())
    before = matches.copy()
    found, costs = improve(problem, matches, rows, 5)
    expected = exact_sweep(problem, before, exact_costs(problem, before), step, 5)
    np.testing.assert_array_equal(found, expected[0])
    np.testing.assert_array_equal(costs, expected[1])
    np.testing.assert_array_equal(matches, before)


def test_rounds_find_nearly_the_best_matches_of_a_smooth_picture(rows):
    y, x = np.mgrid[:40, :40].astype(np.float32) / 40
    painting = np.stack([y, x, (y + x) / 2], -1)
    problem = make_problem(painting[5:35, 8:38].copy(), [painting], 3, rows)
    matches = np.zeros(problem.region.shape, np.int32)
    for number in range(6):
        matches, _ = improve(problem, matches, rows, number)
    rows_, columns = np.mgrid[5:33, 8:36]
    away = np.maximum(abs(matches // 40 - rows_), abs(matches % 40 - columns))
    assert np.median(away) <= 1


def test_the_number_of_threads_does_not_matter():
    results = []
    for threads in (1, 2, 5):
        rows = Rows(threads)
        problem = make_problem(noise(1, 70, 30), [noise(0, 40, 50)], 3, rows)
        matches = np.zeros(problem.region.shape, np.int32)
        results.append(np.stack(improve(problem, matches, rows, 0)))
        rows.close()
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
