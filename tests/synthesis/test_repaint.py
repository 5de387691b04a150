import importlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nst_tf.images.masks import Region
from nst_tf.images.resize import resize
from nst_tf.synthesis import guides
from nst_tf.synthesis.repaint import Strokes, repaint
from nst_tf.synthesis.sources import PaintSource
from tests.synthesis.conftest import noise


@pytest.fixture(scope="module", autouse=True)
def loops():
    importlib.import_module("nst_tf.synthesis.matching_loops")  # compiles


def smooth(seed, height, width):
    """Return a picture with shapes of some 8 pixels, float32 `[1, height, width, 3]`."""
    coarse = noise(seed, -(-height // 8), -(-width // 8))[None]
    return resize(coarse, (height, width))


def last(picture, painting, size=None, photo=None, patch=3, detail=0.5, **arguments):
    """Return the result for one painting at the side of the result, `[H, W, 3]`."""
    size = size or picture.shape[1:3]
    sources = [PaintSource(painting, max(size))]
    *_, level = repaint(picture, photo, sources, Strokes(patch, detail), size, **arguments)
    return level.image[0]


def test_levels_come_coarse_to_fine_and_the_last_has_the_size_of_the_result():
    picture, size = smooth(0, 171, 256), (450, 670)
    sources = [PaintSource(smooth(1, 200, 300)[0], 670)]
    levels = list(repaint(picture, smooth(2, *size), sources, Strokes(), size))
    assert [level.number for level in levels] == [1, 2, 3, 4]
    assert {level.levels for level in levels} == {4}
    assert [level.size for level in levels] == [(86, 128), (171, 256), (277, 414), size]
    for level in levels:
        assert level.image.shape == (1, *level.size, 3)
        assert level.image.dtype == np.float32


@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 4), st.integers(0, 99))
@settings(deadline=None)
def test_a_small_painting_repainted_by_itself_stays(height, width, patch, seed):
    painting = noise(seed, height, width)
    np.testing.assert_allclose(last(painting[None], painting, patch=patch), painting, rtol=1e-5)


def test_a_painting_repainted_by_itself_stays_nearly_the_same_over_the_levels():
    painting = smooth(3, 200, 260)[0]
    assert np.abs(last(painting[None], painting) - painting).mean() < 0.01


@given(
    st.tuples(*[st.integers(1, 12)] * 2), st.tuples(*[st.integers(1, 9)] * 2),
    st.integers(1, 7), st.floats(1, 3), st.booleans(), st.floats(0, 1),
)  # fmt: skip
@settings(deadline=None)
def test_pictures_and_paintings_of_any_size_give_finite_pictures_in_range(
    picture_size, painting_size, patch, ratio, with_photo, detail
):
    size = tuple(round(side * ratio) for side in picture_size)
    photo = noise(2, *size)[None] if with_photo else None
    sources = [PaintSource(noise(1, *painting_size), 9), PaintSource(noise(3, 4, 5), 3)]
    coarse = noise(4, *(max(1, side // 2) for side in picture_size))[None]
    picture = noise(0, *picture_size)[None]
    levels = list(repaint(picture, photo, sources, Strokes(patch, detail), size, coarse))
    assert levels[-1].image.shape == (1, *size, 3)
    for level in levels:
        assert np.isfinite(level.image).all()
        assert level.image.min() >= 0
        assert level.image.max() <= 1


def test_all_colours_are_those_of_the_painting():
    _, x = np.mgrid[:40, :40] % 8 < 4
    painting = np.zeros((40, 40, 3), np.float32)
    painting[x] = [0.9, 0.2, 0.1]
    painting[~x] = [0.9, 0.6, 0.1]
    result = last(noise(0, 30, 30)[None], painting, detail=0)
    np.testing.assert_allclose(result[..., 0] - result[..., 2], 0.8, atol=1e-5)


def test_each_region_is_painted_with_the_masked_parts_of_its_paintings():
    left = np.zeros((150, 220), np.float32)
    left[:, :110] = 1
    half = np.zeros((60, 80), np.float32)
    half[30:] = 1
    red, green = np.zeros((2, 60, 80, 3), np.float32)
    red[30:, :, 0], red[:30, :, 2] = 0.5 + noise(0, 30, 80)[..., 0] / 2, 1
    green[..., 1] = 0.5 + noise(1, 60, 80)[..., 1] / 2
    regions = [Region(left, {0: half}), Region(1 - left, {1: None})]
    sources = [PaintSource(red, 220), PaintSource(green, 110)]
    size = (150, 220)
    levels = repaint(smooth(2, 75, 110), None, sources, Strokes(3, 0), size, regions=regions)
    for level in levels:
        image, middle = level.image[0], level.size[1] // 2
        assert image[..., 2].max() == 0
        assert image[:, : middle - 3, 1].max() == 0
        assert image[:, middle + 3 :, 0].max() == 0


def test_the_result_is_the_same_on_any_number_of_threads():
    picture, painting = smooth(0, 150, 201), smooth(1, 130, 170)[0]
    photo = smooth(2, 211, 283)
    results = [
        last(picture, painting, (211, 283), photo, coarse=smooth(0, 75, 101), threads=threads)
        for threads in (1, 2, 3)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


@pytest.mark.parametrize(("strip", "patch"), [(4000, 3), (7000, 4)])
def test_strips_give_the_same_as_the_whole(strip, patch):
    """The halo is narrower than the picture, so some strips do not see its borders."""
    size = (220, 101)
    keep = np.zeros(size, np.float32)
    keep[40:170, 50:90] = 0.7
    half = np.zeros(size, np.float32)
    half[:, :60] = 1
    arguments = {
        "photo": smooth(2, *size), "patch": patch, "coarse": smooth(0, 55, 25), "keep": keep,
        "regions": [Region(half, {0: None}), Region(1 - half, {0: None})],
    }  # fmt: skip
    picture, painting = smooth(0, 110, 50), smooth(1, 130, 90)[0]
    whole = last(picture, painting, size, **arguments)
    np.testing.assert_array_equal(last(picture, painting, size, strip=strip, **arguments), whole)


def test_kept_parts_are_the_networks_picture_with_the_photos_edges():
    picture, photo = smooth(0, 60, 80), smooth(1, 60, 80)
    keep = np.zeros((60, 80), np.float32)
    keep[:, 40:] = 1
    result = last(picture, smooth(2, 70, 90)[0], photo=photo, keep=keep)
    share = guides.detail_share(photo[0], 0.5)
    guide = np.clip(guides.network_guide(picture[0], photo[0], share), 0, 1)
    np.testing.assert_array_equal(result[:, 40:], guide[:, 40:])
    assert np.abs(result - guide)[:, :40].mean() > 0.02


def test_flat_parts_are_painted_like_the_coarse_picture():
    photo = np.full((120, 120, 3), 0.5, np.float32)
    photo[:, 60:] = noise(0, 120, 60)
    painting = np.zeros((120, 120, 3), np.float32)
    painting[:60] = 1
    picture = np.full((1, 120, 120, 3), 1, np.float32)
    coarse = np.zeros((1, 60, 60, 3), np.float32)
    result = last(picture, painting, photo=photo[None], coarse=coarse)
    assert result[:, :40].max() < 0.01
    assert result[:, 80:].mean() > 0.95


def test_strokes_keep_the_pixels_of_a_painting_smaller_than_the_result():
    rng = np.random.default_rng(0)
    painting = rng.integers(0, 2, (64, 64, 1)).astype(np.float32).repeat(3, 2)
    result = last(smooth(0, 64, 64), painting, (256, 256))[..., 0]
    steps = np.abs(np.diff(result, axis=1))
    assert (steps > 0.5).mean() > 0.2


def test_the_whole_stage_is_crisper_than_enlarging():
    picture, painting = smooth(0, 100, 100), noise(1, 300, 300)
    result = last(picture, painting, (200, 200))
    enlarged = resize(picture, (200, 200))[0]
    sharpness = [np.abs(np.diff(image, axis=0)).mean() for image in (result, enlarged)]
    assert sharpness[0] > 2 * sharpness[1]


def test_levels_can_be_abandoned():
    levels = repaint(
        smooth(0, 200, 200), None, [PaintSource(smooth(1, 90, 90)[0], 200)], Strokes(), (200, 200)
    )
    assert [level.number for level in itertools.islice(levels, 1)] == [1]
    levels.close()


def test_a_blurred_picture_becomes_crisp():
    """Patches that matched the blurred picture itself would be blurred."""
    painting = np.repeat(np.repeat(noise(0, 40, 50) > 0.5, 8, 0), 8, 1).astype(np.float32)
    picture = resize(resize(painting[None], (40, 50)), (320, 400))
    result = last(picture, painting, photo=painting[None], detail=1)
    assert np.abs(result - painting).mean() < 0.5 * np.abs(picture[0] - painting).mean()
