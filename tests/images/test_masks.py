import numpy as np
import pytest

from nst_tf.images.masks import (
    Region,
    apply_alpha,
    compose,
    coverage,
    fit_regions,
    keep_photo,
    masks_for_style,
    resize_regions,
)
from nst_tf.images.pairing import pair_masks

ONES = np.ones((4, 6), np.float32)


def left(columns, height=4, width=6):
    mask = np.zeros((height, width), np.float32)
    mask[:, :columns] = 1
    return mask


def labels(*rows):
    colors = {"r": (1, 0, 0), "b": (0, 0, 1), "g": (0, 1, 0), ".": (0, 0, 0), "w": (1, 1, 1)}
    return np.array([[colors[letter] for letter in row] for row in rows], np.float32)


def numbers(regions):
    return [sorted(region.styles) for region in regions]


def test_without_masks_there_are_no_regions():
    assert pair_masks([], [], 2) == []


def test_masks_and_styles_are_paired_in_order():
    regions = pair_masks([left(2), left(3)], [left(4), ONES], 2)
    assert numbers(regions) == [[0], [1]]
    np.testing.assert_array_equal(regions[1].content, left(3))
    np.testing.assert_array_equal(regions[0].styles[0], left(4))
    assert [r.styles for r in pair_masks([left(2), left(3)], [], 2)] == [{0: None}, {1: None}]


def test_one_style_serves_several_regions_with_a_part_each():
    regions = pair_masks([left(2), left(3)], [left(1), left(5)], 1)
    assert numbers(regions) == [[0], [0]]
    np.testing.assert_array_equal(regions[1].styles[0], left(5))


def test_one_content_mask_has_all_styles():
    (region,) = pair_masks([left(2)], [left(1), left(5)], 2)
    assert sorted(region.styles) == [0, 1]
    (region,) = pair_masks([], [left(1), left(5)], 2)
    assert region.content is None
    np.testing.assert_array_equal(region.styles[1], left(5))


def test_labels_are_paired_by_colour():
    ours = labels("rrrbbb", "rrr.bb")
    theirs = [labels("bbr", "bbr"), labels("gbb")]
    regions = pair_masks([ours], theirs, 2)
    by_style = {tuple(sorted(region.styles)): region for region in regions}
    assert set(by_style) == {(0,), (0, 1)}
    np.testing.assert_array_equal(by_style[0,].content, [[1, 1, 1, 0, 0, 0]] * 2)
    np.testing.assert_array_equal(by_style[0,].styles[0], [[0, 0, 1]] * 2)
    np.testing.assert_array_equal(by_style[0, 1].content, [[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1]])
    np.testing.assert_array_equal(by_style[0, 1].styles[1], [[0, 1, 1]])


@pytest.mark.parametrize(
    ("content", "style", "styles", "words"),
    [
        ([left(0)], [], 1, "content_mask 1 is black all over: its region must be white"),
        ([ONES], [ONES, ONES * 0.04], 2, "style_mask 2 is black all over"),
        ([ONES, ONES], [], 3, "2 content masks for 3 styles: give one for each style, or one for"),
        ([ONES, ONES, ONES], [], 2, "3 content masks for 2 styles"),
        ([ONES], [ONES], 2, "1 style mask for 2 styles: give one for each, or none"),
        ([ONES, ONES], [ONES], 1, "1 style mask for 2 content masks: give one for each"),
        (
            [labels("rb")],
            [],
            1,
            "which need one content_mask and a style_mask for each style",
        ),
        ([ONES], [labels("rb"), labels("rb")], 1, "not 1 and 2 for 1 style"),
        ([labels("rb")], [labels("rb"), labels("gg")], 2, "style_mask 2 has none of the colours"),
        ([labels("rb")], [labels("rg")], 1, "no style_mask has the colour #0000ff of content_mask"),
        ([labels("rb")], [labels("rg")], 1, "they have #00ff00, #ff0000"),
        ([ONES[None]], [], 1, r"content_mask 1 has shape \[1, 4, 6\]: expected \[H, W\]"),
        ([ONES.astype(int)], [], 1, "content_mask 1 must hold finite floats"),
        ([ONES * np.nan], [], 1, "content_mask 1 must hold finite floats"),
        ([ONES * 255], [], 1, r"content_mask 1 has values outside \[0, 1\]"),
    ],
)
def test_mistakes_are_named(content, style, styles, words):
    with pytest.raises(ValueError, match=words):
        pair_masks(content, style, styles)


def test_masks_are_resampled_without_ripples_and_overlaps_are_shared():
    regions = [Region(left(3), {0: left(2)}), Region(ONES, {1: ONES})]
    fitted = fit_regions(regions, (40, 60), [(8, 12), (5, 5)])
    assert [region.content.shape for region in fitted] == [(40, 60)] * 2
    one, other = (region.content for region in fitted)
    assert (one[:, :24] == 0.5).all()
    assert (one[:, 36:] == 0).all()
    np.testing.assert_allclose(one + other, 1, rtol=1e-6)
    assert fitted[0].styles[0].shape == (8, 12)
    assert fitted[1].styles[1] is None  # white all over
    assert coverage(fitted) is None


def test_a_white_mask_is_none():
    (region,) = fit_regions([Region(ONES, {0: ONES})], (9, 9), [(5, 5)])
    assert region.content is region.styles[0] is None
    (region,) = fit_regions([], (9, 9), [(5, 5), (6, 6)])
    assert region.styles == {0: None, 1: None}


def test_a_region_cannot_ask_for_a_style_that_there_is_not():
    with pytest.raises(ValueError, match="a region is painted like style 3, but there are 2"):
        fit_regions([Region(ONES, {2: None})], (9, 9), [(5, 5), (6, 6)])


def test_what_is_not_covered_is_the_photo_to_the_bit(pixels):
    image, photo = pixels(4, 6), pixels(4, 6, seed=1)
    covered = coverage([Region(left(2)), Region(left(3))])
    np.testing.assert_array_equal(covered, left(3))
    kept = keep_photo(image, photo, covered)
    np.testing.assert_array_equal(kept[:, :, 3:], photo[:, :, 3:])
    np.testing.assert_array_equal(kept[:, :, :3], image[:, :, :3])
    assert keep_photo(image, photo, None) is image
    assert keep_photo(pixels(8, 12), photo, covered).shape == (1, 8, 12, 3)
    assert compose(2.0, 4.0, 0.25) == 3.5


def test_what_goes_with_a_style_is_the_union_of_its_regions():
    regions = [Region(left(3), {0: left(2)}), Region(left(1), {0: left(1), 1: None})]
    ours, theirs = masks_for_style(regions, 0)
    np.testing.assert_array_equal(ours, left(3))
    np.testing.assert_array_equal(theirs, left(2))
    ours, theirs = masks_for_style(regions, 1)
    np.testing.assert_array_equal(ours, left(1))
    assert theirs is None


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (
            left(1, 1000, 1000),
            "the content mask of region 1 is empty at 9x9 pixels: it is too small",
        ),
        (np.ones((3, 3), np.uint8), "the content mask of region 1 must hold finite floats"),
        (np.zeros((3, 3), np.float32), "the content mask of region 1 is black all over"),
        (np.ones((3, 3, 3), np.float32), r"region 1 has shape \[3, 3, 3\]: expected \[H, W\]$"),
    ],
)
def test_regions_are_checked_at_the_size_they_are_used(mask, words):
    with pytest.raises(ValueError, match=words):
        fit_regions([Region(mask)], (9, 9), [(5, 5)])


def test_a_coarser_scale_may_lose_a_region():
    (region,) = resize_regions([Region(left(1, 1000, 1000))], (9, 9), [(5, 5)])
    assert 0 < region.content.max() < 0.05


def test_transparent_parts_belong_to_no_region():
    alpha = left(3) * 0.01
    (region,) = apply_alpha([], alpha, [None, left(5) * 0.3])
    np.testing.assert_array_equal(region.content, left(3))  # all that shows is painted
    assert region.styles[0] is None
    np.testing.assert_array_equal(region.styles[1], left(5))  # faint all over
    (region,) = apply_alpha([], None, [left(5) * 0.5 + left(2) * 0.5])
    assert sorted(np.unique(region.styles[0])) == [0, 0.5, 1]  # counts as it shows
    (region,) = apply_alpha([Region(left(2, 8, 12), {0: None})], alpha, [None])
    assert region.content.shape == (4, 6)
    assert region.content[:, 3:].max() == 0
    regions = [Region(left(2))]
    assert apply_alpha(regions, None, [None]) == regions


@pytest.mark.parametrize(
    ("regions", "alphas", "words"),
    [
        ([], [left(0), None], "the photo is transparent all over"),
        ([Region(1 - left(4))], [left(3), None], "the photo is transparent wherever a mask is"),
        ([], [None, left(0)], "style 1 is transparent all over: there is nothing to see"),
    ],
)
def test_regions_that_nothing_is_left_of_are_refused(regions, alphas, words):
    with pytest.raises(ValueError, match=words):
        apply_alpha(regions, alphas[0], alphas[1:])
