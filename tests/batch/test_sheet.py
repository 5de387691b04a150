"""The contact sheet."""

import os

import pytest
from PIL import Image

from nst_tf.batch.sheet import CAPTION, GAP, SIDE, draw_sheet, is_sheet_of


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
    with pytest.raises(ValueError, match="does not have the extension of a picture"):
        draw_sheet(tmp_path / "sheet.txt", pictures)


def test_a_small_picture_fills_its_place(tmp_path):
    Image.new("RGB", (16, 8), "red").save(tmp_path / "small.png")
    draw_sheet(tmp_path / "sheet.png", [str(tmp_path / "small.png")])
    with Image.open(tmp_path / "sheet.png") as sheet:
        left, middle = GAP + 1, GAP + SIDE // 2
        assert sheet.getpixel((left, middle)) == sheet.getpixel((left + SIDE - 3, middle))
        assert sheet.getpixel((left, middle)) == (255, 0, 0)


def test_names_that_the_font_cannot_show_are_numbers_with_a_legend(tmp_path):
    names = [str(tmp_path / f"{name}.png") for name in ("grüße", "Привет", "日本", "波")]
    for name in names:
        Image.new("RGB", (16, 8), "red").save(name)
    with pytest.warns(UserWarning, match="numbers for 2 names that its font cannot show"):
        draw_sheet(tmp_path / "sheet.png", names, 4)
    assert (tmp_path / "sheet.png.txt").read_text(encoding="utf-8") == (
        f"3\t{names[2]}\n4\t{names[3]}\n"
    )
    for name, plain in zip(names, ("other", "others", "3", "4"), strict=True):
        os.rename(name, tmp_path / f"{plain}.png")
    plain = [str(tmp_path / f"{name}.png") for name in ("other", "others", 3, 4)]
    draw_sheet(tmp_path / "plain.png", plain, 4)
    with Image.open(tmp_path / "sheet.png") as sheet, Image.open(tmp_path / "plain.png") as plain:
        captions = [
            [image.crop((GAP + column * (SIDE + GAP), GAP + SIDE, (column + 1) * (SIDE + GAP),
                         GAP + SIDE + CAPTION)).tobytes() for column in range(4)]
            for image in (sheet, plain)
        ]  # fmt: skip
    assert captions[0][2:] == captions[1][2:]  # the numbers
    assert captions[0][0] != captions[1][0]


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "tiff"])
def test_a_batch_knows_its_own_sheet(tmp_path, pictures, ending):
    path = tmp_path / f"sheet.{ending}"
    draw_sheet(path, pictures, owner="out")
    assert is_sheet_of(path, "./out")
    assert not is_sheet_of(path, "other")
    assert not is_sheet_of(pictures[0], "out")
    assert not is_sheet_of(tmp_path / "none.png", "out")
