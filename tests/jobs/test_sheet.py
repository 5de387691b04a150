"""The contact sheet."""

import pytest
from PIL import Image

from nst_tf.jobs.sheet import CAPTION, GAP, SIDE, draw_sheet


@pytest.fixture
def pictures(tmp_path):
    names = [str(tmp_path / f"{name}.png") for name in ("red", "lime", "blue", "a" * 60)]
    for name, color in zip(names, ("red", "lime", "blue", "black"), strict=True):
        Image.new("RGB", (400, 200), color).save(name)
    return names


def test_pictures_stand_in_rows_with_their_names(tmp_path, pictures):
    draw_sheet(tmp_path / "sheet.png", pictures, 3)
    with Image.open(tmp_path / "sheet.png") as sheet:
        width, height = SIDE + GAP, SIDE + CAPTION + GAP
        assert sheet.size == (3 * width + GAP, 2 * height + GAP)
        centres = [(GAP + SIDE // 2 + column * width, GAP + SIDE // 2 + row * height)
                   for row in (0, 1) for column in (0, 1, 2)]  # fmt: skip
        found = [sheet.getpixel(centre) for centre in centres]
        caption = sheet.crop((GAP, GAP + SIDE, GAP + SIDE, GAP + SIDE + CAPTION))
        beside = sheet.crop((GAP + SIDE, height, GAP + width, 2 * height))
    black, white = (0, 0, 0), (255, 255, 255)
    assert found == [(255, 0, 0), (0, 255, 0), (0, 0, 255), black, white, white]
    assert caption.convert("L").getextrema() == (0, 255)
    assert beside.convert("L").getextrema() == (255, 255)  # a long name is cut


def test_a_picture_that_is_not_there_leaves_its_place_empty(tmp_path, pictures):
    draw_sheet(tmp_path / "sheet.jpg", [str(tmp_path / "none.png"), *pictures])
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert sheet.width == 3 * (SIDE + GAP) + GAP
        assert sheet.getpixel((GAP + SIDE // 2, GAP + SIDE // 2)) == (255, 255, 255)


def test_an_ending_that_is_no_pictures(tmp_path, pictures):
    with pytest.raises(ValueError, match="no extension of a picture"):
        draw_sheet(tmp_path / "sheet.txt", pictures)
