import numpy as np
import pytest

from nst_tf.images.oklab import from_oklab, into_gamut, to_oklab

KNOWN = {  # from CSS Color 4's sample implementation
    (1, 1, 1): (1, 0, 0),
    (0, 0, 0): (0, 0, 0),
    (1, 0, 0): (0.62796, 0.22486, 0.12585),
    (0, 1, 0): (0.86644, -0.23389, 0.17950),
    (0, 0, 1): (0.45201, -0.03246, -0.31153),
}


@pytest.mark.parametrize(("color", "expected"), KNOWN.items())
def test_known_colours(color, expected):
    np.testing.assert_allclose(to_oklab(np.array([color])), [expected], atol=1e-4)


def test_the_way_back_returns_the_colour(pixels):
    colors = pixels(40, 50).reshape(-1, 3)
    np.testing.assert_allclose(from_oklab(to_oklab(colors)), colors, atol=1e-6)


def test_colours_that_srgb_has_remain(pixels):
    colors = to_oklab(pixels(40, 50).reshape(-1, 3))
    np.testing.assert_array_equal(into_gamut(colors), colors)


def test_colours_that_srgb_lacks_lose_only_chroma():
    rng = np.random.default_rng(0)
    colors = rng.uniform([0, -0.5, -0.5], [1, 0.5, 0.5], (500, 3))
    inside = into_gamut(colors)
    shown = from_oklab(inside)
    assert shown.min() > -1 / 255
    assert shown.max() < 1 + 1 / 255
    np.testing.assert_array_equal(inside[:, 0], colors[:, 0])
    cross = inside[:, 1] * colors[:, 2] - inside[:, 2] * colors[:, 1]
    np.testing.assert_allclose(cross, 0, atol=1e-9)
    assert (inside[:, 1] * colors[:, 1] >= 0).all()
    # At a slightly larger chroma, they would not be shown.
    lost = np.abs(inside - colors).max(1) > 1e-9
    more = from_oklab(inside[lost] * [1, 1.01, 1.01] + [0, 1e-4, 0] * np.sign(inside[lost]))
    assert ((more < -0.4 / 255) | (more > 1 + 0.4 / 255)).any(1).mean() > 0.95


def test_lightness_beyond_black_and_white_ends_there():
    ends = into_gamut(np.array([[-0.3, 0.1, 0.1], [1.4, 0.1, 0.1]]))
    np.testing.assert_allclose(from_oklab(ends), [[0, 0, 0], [1, 1, 1]], atol=1 / 255)
