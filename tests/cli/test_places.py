"""Places that users name: addresses, home directories, pipes, files of another program."""

import os
import threading
from pathlib import Path

import pytest
from PIL import Image

import nst_tf.cli.program
import nst_tf.video.program
from nst_tf.batch.flags import parse_batch
from nst_tf.cli.flags import parse
from nst_tf.cli.job import check
from nst_tf.utils.errors import UserError


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))


def content(place):
    return parse(["nst-tf", f"--content={place}", "--style=b.jpg"]).content


def test_home_directories_and_file_addresses_are_paths(tmp_path):
    assert content("~/a.jpg") == str(tmp_path / "home" / "a.jpg")
    assert content("file:///a/b%20%231.jpg") == os.path.normpath("/a/b #1.jpg")
    assert content("file://localhost/a.jpg") == os.path.normpath("/a.jpg")
    Path("~").mkdir()
    Path("~/a.jpg").touch()
    assert content("~/a.jpg") == "~/a.jpg"


def test_outputs_and_flags_of_batches_too(tmp_path):
    request = parse(
        ["nst-tf", "a.jpg", "b.jpg", "--output=~/c.png", "--history=~/h.csv", "--init=~/i.png"]
    )
    home = str(tmp_path / "home")
    assert (request.output, request.history) == (f"{home}/c.png", f"{home}/h.csv")
    assert request.settings.init == f"{home}/i.png"
    values = parse_batch(["b", "--content_dir=~/a", "--style_dir=~/*.png", "--output_dir=~/out"])
    assert (values.content_dir, values.style_dir) == (f"{home}/a", f"{home}/*.png")
    assert values.output_dir == f"{home}/out"


@pytest.mark.parametrize("address", ["https://example.org/a.jpg", "s3://bucket/a.jpg"])
def test_addresses_get_a_hint(address, capfd):
    assert nst_tf.cli.program.main(["nst-tf", address, "b.jpg"]) == 1
    assert capfd.readouterr().err == (
        f"nst_tf: {address} is an address: download the file and name it by its path\n"
    )


@pytest.mark.parametrize(
    ("program", "words", "message"),
    [
        ("cli", ["clip.mp4", "b.png"], "clip.mp4 is a film: nst-tf-video paints it"),
        ("cli", ["b.png", "clip.mp4"], "clip.mp4 is a film: save a frame of it as a picture"),
        ("cli", ["folder", "b.png"], "folder is a folder: nst-tf-batch --content_dir folder"),
        ("cli", ["b.png", "folder"], "folder is a folder: name a painting in it"),
        ("cli", ["none.mp4", "b.png"], "none.mp4 does not exist: check the path"),
        ("video", ["b.png", "b.png"], "b.png is a picture: nst-tf paints it"),
        ("video", ["folder", "b.png"], "folder is a folder: name a film or a pattern such as"),
        ("video", ["clip.mp4", "folder"], "folder is a folder: name a painting in it"),
    ],
)
def test_the_program_for_a_file_is_named(program, words, message, painting, capfd):
    painting.rename("b.png")
    Path("clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    Path("folder").mkdir()
    assert getattr(nst_tf, program).program.main(["nst", *words, "--quiet"]) == 1
    out, err = capfd.readouterr()
    assert err.startswith(f"nst_tf: {message}")
    assert (out, err.count("\n")) == ("", 1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_pipes_are_read(photo, painting):
    data = photo.read_bytes()
    os.mkfifo("63")
    writer = threading.Thread(target=Path("63").write_bytes, args=[data], daemon=True)
    writer.start()
    checked = check(parse(["nst-tf", "63", str(painting), "--quiet"]))
    writer.join()
    assert checked.inputs.fitted.size == Image.open(photo).size[::-1]
    assert Path(checked.request.content).read_bytes() == data
    assert str(checked.paths.picture) == "63-painting.png"


def test_a_pipe_without_a_picture_is_refused(painting):
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises((OSError, UserError), match="is not a picture"):
        check(parse(["nst-tf", f"/dev/fd/{reader}", str(painting)]))
    os.close(reader)
