"""The program that prints the figures of pictures, and runs that measure their result."""

import csv
import io
import json

import pytest

from nst_tf import __version__, measure_quality
from nst_tf.cli import program
from nst_tf.cli.measure import as_csv, main, table
from nst_tf.quality.meanings import MEANINGS
from tests.conftest import shrunk

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("in_tmp_path")]

NAMES = ("photo.png", "painting.png", "result.png")


@pytest.fixture
def pictures(tmp_path):
    for name, asset in zip(
        NAMES, ("temple", "great_wave", "temple-great_wave-painting"), strict=True
    ):
        shrunk(f"{asset}.jpg", (88, 64), tmp_path / name)


def test_results_are_measured_as_an_object_and_as_the_library_does(pictures, capfd):
    assert main(["nst-tf-measure", *NAMES, "photo.png", "--json"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    record = json.loads(out)
    assert (record["nst_tf"], record["photo"], record["painting"]) == (__version__, *NAMES[:2])
    result, photo = record["pictures"]
    assert (result["picture"], photo["picture"]) == ("result.png", "photo.png")
    assert result["figures"] == measure_quality("result.png", *NAMES[:2])
    assert photo["figures"]["self"] == photo["figures"]["content"] == 0
    assert photo["figures"]["remd"] > result["figures"]["remd"]
    assert record["meanings"] == MEANINGS


FOUND = {
    "a.png": {name: number / 3 for number, name in enumerate(MEANINGS)},
    "longer.png": {name: number / 7 for number, name in enumerate(MEANINGS)},
}


def test_a_table_has_a_row_for_each_picture_and_csv_has_all_digits():
    header, *rows = table(FOUND).splitlines()
    assert header.split() == list(MEANINGS)
    assert [row.split()[0] for row in rows] == list(FOUND)
    assert rows[0].split()[2] == "0.3333"
    assert len({len(line) for line in (header, *rows)}) == 1
    read = list(csv.DictReader(io.StringIO(as_csv(FOUND))))
    assert [row.pop("picture") for row in read] == list(FOUND)
    assert [{name: float(cell) for name, cell in row.items()} for row in read] == [*FOUND.values()]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["photo.png", "painting.png"], 2, "name a photo, a painting and results"),
        ([*NAMES, "--csv", "--json"], 2, "--csv and --json exclude each other"),
        ([*NAMES, "--cvs"], 2, "Unknown command line flag 'cvs'"),
        (["none.png", *NAMES[1:]], 1, "none.png does not exist: check the path"),
        (["photo.png", "small.png", "result.png"], 1, "small.png is 88x20 pixels, which leaves"),
    ],
)
def test_what_cannot_be_measured_is_one_line(pictures, tmp_path, words, status, message, capfd):
    shrunk("great_wave.jpg", (88, 20), tmp_path / "small.png")
    assert main(["nst-tf-measure", *words]) == status
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


SHORT = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1", "--steps=1", "--max_dim=0",
    "--output=made.png", "--measure",
]  # fmt: skip


def test_a_run_measures_its_result(pictures, capfd):
    assert program.main(["nst-tf", *NAMES[:2], *SHORT, "--json"]) == 0
    out, err = capfd.readouterr()
    figures = json.loads(out)["figures"]
    assert figures == measure_quality("made.png", *NAMES[:2])
    assert err.splitlines()[-2].split() == list(MEANINGS)
    assert err.splitlines()[-1].startswith("made.png ")


def test_a_result_that_cannot_be_measured_is_saved(pictures, capfd):
    assert program.main(["nst-tf", *NAMES[:2], *SHORT, "--max_dim=80", "--json", "--quiet"]) == 1
    out, err = capfd.readouterr()
    assert json.loads(out)["outputs"] == {"picture": "made.png"}
    assert err.startswith("nst_tf: made.png is not measured: made.png is 80x58 pixels, which")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["photo.png", "painting.png", "painting.png", "--measure"], "one photo and one painting"),
        (["--style=painting.png", "--measure"], "one photo and one painting"),
        (["photo.png", "painting.png", "--measure", "-o", "-"], "--measure needs a file"),
    ],
)
def test_a_run_that_cannot_measure_is_refused(words, message, capfd):
    assert program.main(["nst-tf", *words]) == 2
    assert message in capfd.readouterr().err
