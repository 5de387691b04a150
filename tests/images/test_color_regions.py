"""Regions by colour of photos and paintings."""

import numpy as np
import pytest

from nst_tf import load_image, read_metadata, stylize
from nst_tf.cli.arguments import UsageError
from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.images.color_regions import color_regions
from nst_tf.images.masks import coverage, fit_regions
from tests.conftest import ASSETS, BLUE, RED, flat

GREEN = (0.1, 0.7, 0.2)


def stripes(*colors, height=48, width=30):
    return np.concatenate([flat(color, height, width) for color in colors], axis=2)


def test_each_colour_of_the_painting_paints_its_part_of_the_photo():
    picture = stripes(RED, BLUE, GREEN)
    regions = color_regions(picture, [picture], 3)
    assert len(regions) == 3
    for region in regions:
        np.testing.assert_array_equal(region.content, region.styles[0])
        column = region.content[24].copy()
        third = int(column.argmax()) // 30
        assert column[30 * third + 5 : 30 * third + 25].min() > 0.95
        column[max(0, 30 * third - 5) : 30 * third + 35] = 0
        assert column.max() < 0.05


def test_other_colours_of_the_photo_are_matched_by_their_statistics():
    """Dark and light of the photo go to dark and light of the painting."""
    photo = stripes((0.30, 0.32, 0.31), (0.42, 0.41, 0.43))
    painting = stripes((0.9, 0.85, 0.1), (0.1, 0.05, 0.3))
    dark, light = color_regions(photo, [painting], 2)
    assert dark.content[24, 10] > 0.9 > 0.1 > dark.content[24, 50]
    assert dark.styles[0][24, 50] > 0.9 > 0.1 > dark.styles[0][24, 10]
    np.testing.assert_allclose(dark.content + light.content, 1, atol=1e-6)


def test_a_colour_that_a_painting_lacks_is_not_taken_from_it():
    photo = stripes(RED, BLUE)
    regions = color_regions(photo, [flat(RED, 40, 40), flat(BLUE, 40, 40)], 2)
    assert sorted(tuple(region.styles) for region in regions) == [(0,), (1,)]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_masks_of_real_pictures_cover_the_photo_and_repeat(count):
    photo, painting = load_image(ASSETS / "temple.jpg", 96), load_image(ASSETS / "auvers.jpg", 80)
    regions = color_regions(photo, [painting], count)
    assert 2 <= len(regions) <= count
    again = color_regions(photo, [painting], count)
    for one, other in zip(regions, again, strict=True):
        np.testing.assert_array_equal(one.content, other.content)
    fitted = fit_regions(regions, (60, 96), [(64, 80)])
    assert coverage(fitted) is None
    np.testing.assert_allclose(sum(r.styles[0] for r in regions), 1, atol=1e-5)


def test_one_colour_is_one_region():
    (region,) = color_regions(flat(RED, 20, 30), [flat(BLUE, 20, 20)], 3)
    np.testing.assert_allclose(region.content, 1, atol=1e-6)


FLAGS = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1", "--steps=2",
    "--max_dim=48", "--quiet",
]  # fmt: skip


@pytest.mark.process
def test_the_command_paints_by_colour_and_repeats_it(photo, painting, in_tmp_path):
    files = [str(photo), str(painting)]
    assert main(["nst", *files, *FLAGS, "--color_regions=3", "-o", "one.png"]) == 0
    assert read_metadata("one.png")["color_regions"] == 3
    regions = color_regions(load_image(photo, 48), [load_image(painting)], 3)
    settings = parse(["nst", *files, *FLAGS]).settings
    expected = stylize(photo, painting, settings, regions=regions)
    found = load_image("one.png")
    np.testing.assert_allclose(found, expected, atol=0.51 / 255)
    assert main(["nst", "--from_image=one.png", "--quiet", "-o", "two.png"]) == 0
    np.testing.assert_array_equal(load_image("two.png"), found)
    assert main(["nst", *files, *FLAGS, "-o", "plain.png"]) == 0
    assert np.abs(load_image("plain.png") - found).max() > 0.01
    assert "color_regions" not in read_metadata("plain.png")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--color_regions=1"], "--color_regions must be from 2 to 8, not 1"),
        (["--color_regions=9"], "--color_regions must be from 2 to 8, not 9"),
        (["--color_regions=3", "--content_mask=m.png"], "finds the regions itself: leave masks"),
    ],
)
def test_what_contradicts_regions_by_colour_is_refused(words, problem):
    with pytest.raises(UsageError, match=problem):
        parse(["nst", "photo.png", "painting.png", *words])
    with pytest.raises(UsageError, match="--color_regions needs --content and --style"):
        parse(["nst", "--style=painting.png", "--color_regions=3"])
