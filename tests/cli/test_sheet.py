"""Sheets of small pictures, through the command line."""

import os
import shlex
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.cli import sheet_run
from nst_tf.cli.flags import parse
from nst_tf.cli.program import main
from nst_tf.cli.sheet import MAX_DIM, MOST_CELLS, RECIPE, plan_sheet
from nst_tf.cli.sheet_figure import GAP, LABEL, SIDE, TITLE, SheetPicture, save_sheet

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("in_tmp_path")]

SHALLOW = ["--content_layers=block2_conv2", "--style_layers=block1_conv1", "--steps=2"]


def plan(*words):
    argv = ["nst-tf", *map(str, words)]
    return plan_sheet(argv, parse(argv))


def pixels_of(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.fixture
def folder(tmp_path, painting):
    """Return a folder of two paintings and a text."""
    (tmp_path / "paintings").mkdir()
    shutil.copy(painting, tmp_path / "paintings" / "one.png")
    Image.open(painting).rotate(180).save(tmp_path / "paintings" / "two.png")
    return tmp_path / "paintings"


def test_a_sheet_has_all_combinations_each_with_its_command():
    sheet = plan("a.jpg", "b.jpg", "--sheet=strength=0.6,1,1.5", "--sheet", "detail=0.5,2")
    assert [cell.labels for cell in sheet.cells] == [
        ("0.6", "0.5"), ("1", "0.5"), ("1.5", "0.5"), ("0.6", "2"), ("1", "2"), ("1.5", "2"),
    ]  # fmt: skip
    for cell in sheet.cells:
        settings = cell.request.settings
        assert (f"{settings.strength:g}", f"{settings.detail:g}") == cell.labels
        assert cell.request.recipe == RECIPE
        assert settings.max_dim == int(MAX_DIM)
        whole = parse(shlex.split(cell.command))
        assert whole.settings.max_dim == 512
        assert (whole.settings.strength, whole.recipe) == (settings.strength, RECIPE)
    assert sheet.defaults == (
        "6 pictures by the recipe fast of at most 256 pixels; set --recipe or --max_dim for others"
    )
    assert sheet.title == "a.jpg · b.jpg · fast"
    assert sheet.output.name == "a-b-sheet.png"


def test_other_flags_are_those_of_all_pictures():
    flags = ["--recipe=gatys", "--max-dim", "128", "--keep_mask=k.png", "--keep_mask=l.png"]
    sheet = plan("a.jpg", "b.jpg", *flags, "--quiet", "--time_limit=1min", "--sheet=seed=1,2")
    assert sheet.time_limit == 60
    assert sheet.defaults == "2 pictures"
    for cell in sheet.cells:
        assert cell.request.keep_mask == ("k.png", "l.png")
        assert cell.request.settings.max_dim == 128
        assert cell.request.settings.time_limit == 0
        assert cell.request.recipe == "gatys"
        assert "quiet" not in cell.command


def test_recipes_can_vary():
    sheet = plan("a.jpg", "b.jpg", "--sheet=recipe=painting,tutorial")
    assert [cell.request.recipe for cell in sheet.cells] == ["painting", "tutorial"]
    assert sheet.title == "a.jpg · b.jpg"


def test_values_with_commas_are_separated_by_semicolons():
    sheet = plan("a.jpg", "b.jpg", "c.jpg", "--sheet=style_blend=0.7,0.3;0.3,0.7")
    assert [cell.request.settings.style_blend for cell in sheet.cells] == [(0.7, 0.3), (0.3, 0.7)]


def test_a_texture_and_a_switch_can_vary():
    sheet = plan("--style=b.jpg", "--sheet=seed=1,2")
    assert [cell.request.content for cell in sheet.cells] == [None, None]
    switch = plan("a.jpg", "b.jpg", "--sheet=recolor=true,false")
    assert [cell.request.settings.recolor for cell in switch.cells] == [True, False]


def test_the_paintings_of_a_folder_can_vary(folder, photo):
    (folder / "notes.txt").write_text("not a picture")
    with pytest.warns(UserWarning, match="1 .txt file left out"):
        sheet = plan(photo, folder, "--sheet", "style", "--sheet=strength=0.5,1")
    assert [cell.labels for cell in sheet.cells] == [
        ("one", "0.5"), ("two", "0.5"), ("one", "1"), ("two", "1"),
    ]  # fmt: skip
    assert sheet.cells[1].request.style == (str(folder / "two.png"),)
    assert sheet.output.name == "photo-sheet.png"


@pytest.mark.parametrize(
    ("words", "problem", "status"),
    [
        (["--sheet=strength=0.6,x"], "--strength=x", 2),
        (["--sheet=strength=0.6,99"], "strength must be at least 0 and at most 10, not 99", 2),
        (["--sheet=strenght=1,2"], "did you mean 'strength'", 2),
        (["--sheet=recipe=fast,fats"], "did you mean 'fast'", 2),
        (["--sheet=strength"], "lacks a value: write it as in --sheet strength=0.6,1,1.5", 2),
        (["--sheet=strength=1,,2"], "lacks a value", 2),
        (["--sheet=strength=1,1"], "has a value twice", 2),
        (["--sheet=style=1"], "--sheet style takes no values", 2),
        (["--sheet=seed=1,2", "--sheet=seed=3"], "with another setting", 2),
        (["--sheet=seed=1", "--sheet=detail=1", "--sheet=strength=1"], "repeated once", 2),
        (["--sheet=seed=1,2", "--seed=3"], "--seed and --sheet seed contradict each other", 2),
        (["--sheet=seed=1,2", "--history=h.csv"], "--history is for one picture", 2),
        (["--sheet=seed=1,2", "--resume"], "--resume is for one picture", 2),
        (["--sheet=seed=1,2", "-o", "a.jpg"], "a sheet must end in one of .png .pdf .svg", 1),
        (["--sheet=seed=" + ",".join(map(str, range(101)))], f"at most {MOST_CELLS} pictures", 2),
        (["--sheet=max_dim=8,9"], "is 8x6 pixels at the size it is used", 1),
    ],
)
def test_values_are_checked_before_any_work(words, problem, status, photo, painting, capfd):
    assert main(["nst-tf", str(photo), str(painting), "--quiet", *words]) == status
    assert problem in capfd.readouterr().err
    assert not list(photo.parent.glob("*sheet*"))


def test_an_existing_sheet_is_kept(photo, painting, capfd):
    open("s.png", "wb").close()
    words = [str(photo), str(painting), "--recolor", "--sheet=strength=0,1", "-o", "s.png"]
    assert main(["nst-tf", *words]) == 1
    assert "s.png exists: choose another name or add --overwrite" in capfd.readouterr().err
    assert main(["nst-tf", *words, "--overwrite"]) == 0
    assert os.path.getsize("s.png")


def test_the_pictures_of_a_sheet_are_those_of_its_commands(photo, painting, capfd):
    words = [str(photo), str(painting), "--recolor", "--sheet=strength=0.5,1"]
    assert main(["nst-tf", *words, "--sheet=max_dim=48,64", "-o", "s.png"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[0] == "4 pictures"
    assert out[1].startswith("1/4: strength 0.5, max_dim 48 - about 0:")
    assert out[-1].startswith("Saved s.png, 4 of 4 pictures, after 0:")
    sheet = pixels_of("s.png")
    for number, cell in enumerate(plan(*words, "--sheet=max_dim=48,64", "-o", "t.png").cells):
        assert main([*shlex.split(cell.command), "--quiet", "-o", f"{number}.png"]) == 0
        own = pixels_of(f"{number}.png")
        left = GAP + SIDE + number % 2 * (64 + GAP) + (64 - own.shape[1]) // 2
        top = GAP + TITLE + 2 * LABEL + number // 2 * (48 + GAP)
        shown = sheet[top : top + own.shape[0], left : left + own.shape[1]]
        assert np.abs(shown - own)[20:, 20:].max() <= 1  # the number covers a corner


def test_the_network_is_shared_and_the_pictures_equal_those_of_commands(photo, painting):
    flags = [*SHALLOW, "--recipe=tutorial", "--max_dim=48", "--quiet"]
    words = [str(photo), str(painting), *flags]
    assert main(["nst-tf", *words, "--sheet=strength=0.5,2", "-o", "s.png"]) == 0
    assert main(["nst-tf", *words, "--strength=2", "-o", "own.png"]) == 0
    own, sheet = pixels_of("own.png"), pixels_of("s.png")
    left, top = GAP + 48 + GAP, GAP + TITLE + LABEL
    shown = sheet[top : top + own.shape[0], left : left + own.shape[1]]
    assert np.abs(shown - own)[20:, 20:].max() <= 1


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_a_sheet_of_a_folder_can_be_a_document(folder, photo, ending):
    words = [str(photo), str(folder), "--sheet=style", "--recolor", "--quiet"]
    words += ["-o", f"s.{ending}"]
    assert main(["nst-tf", *words]) == 0
    begin = {"pdf": b"%PDF", "svg": b"<?xml"}[ending]
    assert Path(f"s.{ending}").read_bytes().startswith(begin)


def test_a_stopped_sheet_has_the_pictures_so_far(
    photo, painting, capfd, monkeypatch, signals_not_ignored
):
    paint = sheet_run.SheetRun._paint

    def paint_and_stop(self, checked, stop):
        picture = paint(self, checked, stop)
        if len(self._pictures) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return picture

    monkeypatch.setattr(sheet_run.SheetRun, "_paint", paint_and_stop)
    words = [str(photo), str(painting), "--recolor", "--sheet=strength=0.2,0.6,1", "-o", "s.png"]
    assert main(["nst-tf", *words]) == 128 + signal.SIGINT
    assert "stopped after 2 of 3 pictures; the sheet is saved as s.png" in capfd.readouterr().err
    assert pixels_of("s.png").std() > 10


def test_a_sheet_keeps_a_time_limit(photo, painting, capfd):
    words = [str(photo), str(painting), "--recolor", "--sheet=strength=0.2,1", "-o", "s.png"]
    assert main(["nst-tf", *words, "--time_limit=0.001"]) == 0
    assert "Saved s.png, 1 of 2 pictures" in capfd.readouterr().out


def test_a_sheet_without_a_picture_is_not_written(photo, painting, capfd, monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(sheet_run.SheetRun, "_picture", fail)
    words = [str(photo), str(painting), "--recolor", "--sheet=strength=0.2,1", "-o", "s.png"]
    assert main(["nst-tf", *words]) == 1
    assert "the sheet has no picture: memory ran out" in capfd.readouterr().err
    assert not os.path.exists("s.png")


def test_names_of_any_script_and_length_can_be_drawn(pixels):
    sheet = plan("$a_1$ \N{CJK UNIFIED IDEOGRAPH-756B}.jpg", "b" * 90 + ".jpg", "--sheet=seed=1,2")
    save_sheet(sheet, [SheetPicture(pixels(30, 40)[0]), SheetPicture(None, "a long note " * 9)])
    assert pixels_of(sheet.output).size
