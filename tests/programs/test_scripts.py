"""The programs in scripts: pictures through pipes, JSON on stdout, exit statuses."""

import io
import json
import os
import signal
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from nst_tf import __version__, read_metadata
from nst_tf.batch.program import main as batch_main
from nst_tf.cli.program import main
from nst_tf.video.program import main as video_main
from tests import forked
from tests.conftest import shrunk
from tests.video.clips import moving, write_clip

pytestmark = [
    pytest.mark.process,
    pytest.mark.usefixtures("in_tmp_path", "photo", "painting"),
]

SHALLOW = ["--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1"]
SHORT = [*SHALLOW, "--steps=2", "--max_dim=48"]


def run(*words, module="nst_tf.run", **options):
    command = [sys.executable, "-m", module, *words]
    return forked.run(command, capture_output=True, **options)


def pixels(source):
    with Image.open(source) as image:
        return np.asarray(image)


def test_a_picture_passes_from_stdin_to_stdout():
    done = run("-", "painting.png", *SHORT, "-o", "-", input=Path("photo.png").read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stdout.endswith(b"IEND\xaeB`\x82")  # nothing follows the picture
    lines = done.stderr.decode().splitlines()
    assert lines[-1].startswith("Saved /dev/stdout after 0:")
    assert main(["nst-tf", "photo.png", "painting.png", *SHORT, "-o", "file.png", "--quiet"]) == 0
    np.testing.assert_array_equal(pixels(io.BytesIO(done.stdout)), pixels("file.png"))
    Path("piped.png").write_bytes(done.stdout)
    assert read_metadata("piped.png")["content"] == "stdin"


@pytest.mark.parametrize(("format", "kind"), [("jpg", "JPEG"), ("webp", "WEBP"), ("tiff", "TIFF")])
def test_stdout_has_the_format_that_is_asked_for(format, kind, capfdbinary):
    words = ["photo.png", "painting.png", *SHORT, "--steps=1", "--quiet", "--format", format]
    assert main(["nst-tf", *words, "--output=-"]) == 0
    with Image.open(io.BytesIO(capfdbinary.readouterr().out)) as image:
        assert (image.format, image.size) == (kind, (48, 36))
    assert main(["nst-tf", *words, "--output=plain"]) == 0
    assert Image.open("plain").format == kind


def test_paintings_and_masks_come_from_stdin_too(capfd):
    Image.new("L", (8, 8), 255).save("white.png")
    for words, piped in (
        (["photo.png", "-"], "painting.png"),
        (["photo.png", "painting.png", "--content_mask", "-"], "white.png"),
    ):
        done = run(*words, *SHORT, "--output=o.png", "--overwrite", "--quiet",
                   input=Path(piped).read_bytes())  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "stdin is not a picture that can be read"), (b"text", "stdin is not a picture")],
)
def test_a_stdin_without_a_picture_is_one_line(data, message):
    done = run("-", "painting.png", *SHORT, input=data)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().startswith(f"nst_tf: {message}")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-", "-"], "--content and --style both read stdin, which can be read once"),
        (["photo.png", "-", "-"], "--style and --style both read stdin"),
        (["photo.png", "painting.png", "-o", "-", "--json"], "--json and --output - both write"),
        (["photo.png", "painting.png", "-o", "-", "--resume"], "--resume keeps its checkpoint"),
        (["photo.png", "painting.png", "-o", "-", "--snapshot_every=2"], "needs --snapshot_dir"),
        (["photo.png", "painting.png", "-o", "-", "--format=gif"], "'gif' is not one of png, jpg"),
        (["photo.png", "painting.png", "--format=jpg"], "an --output without an extension"),
        (["photo.png", "painting.png", "-o", "a.png", "--format=jpg"], "with the ending .jpg"),
    ],
)
def test_what_cannot_go_through_pipes_is_refused_in_a_line(words, message, capfd):
    assert main(["nst-tf", *words]) == 2
    out, err = capfd.readouterr()
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_gets_no_picture(capfd, monkeypatch):
    monkeypatch.setattr(os, "isatty", lambda descriptor: descriptor == 1)
    assert main(["nst-tf", "photo.png", "painting.png", "-o", "-"]) == 2
    assert "--output - is a terminal: redirect it" in capfd.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main(["nst-tf", "-", "painting.png"]) == 1
    assert "stands for stdin, which is a terminal: pipe a picture" in capfd.readouterr().err


def test_json_is_one_object_and_all_else_is_on_stderr():
    flags = ["--history=losses.csv", "--repaint", "-o", "out.png"]
    done = run("photo.png", "painting.png", *SHORT, *flags, "--json", text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].startswith("Saved out.png after 0:")
    assert done.stdout.count("\n") == 1
    record = json.loads(done.stdout)
    assert record["outputs"] == {"picture": "out.png", "history": "losses.csv"}
    assert (record["width"], record["height"]) == (48, 36)
    assert set(record["seconds"]) == {"preparation", "network", "brushstrokes", "saving"}
    assert all(seconds > 0 for seconds in record["seconds"].values())
    assert record["losses"]["total"] > 0
    assert (record["faces"], record["problems"], record["stopped"]) == ([], [], False)
    assert (record["nst_tf"], record["recipe"]) == (__version__, "tutorial")
    saved = read_metadata("out.png")
    assert {name: record[name] for name in saved} == saved


STOPPED = """
import os, signal, sys
from nst_tf.callbacks.history import History
from nst_tf.cli.program import main

method = History.__call__

def ending(history, progress):
    method(history, progress)
    os.kill(os.getpid(), signal.SIGTERM)

History.__call__ = ending
sys.exit(main(sys.argv))
"""


@pytest.mark.parametrize("output", ["out.png", "-"])
def test_a_stopped_run_still_delivers_what_it_has(output, signals_not_ignored):
    words = ["photo.png", "painting.png", *SHORT, "-o", output]
    words += ["--json"] if output != "-" else []
    done = forked.run([sys.executable, "-c", STOPPED, *words], capture_output=True)
    assert done.returncode == 128 + signal.SIGTERM
    assert b"stopped after step 1 of 2" in done.stderr
    if output == "-":
        assert pixels(io.BytesIO(done.stdout)).shape == (36, 48, 3)
    else:
        record = json.loads(done.stdout)
        assert (record["stopped"], record["steps"], record["ending"]) == (True, 1, None)
        assert record["problems"] == ["stopped after step 1 of 2"]


def test_bad_input_leaves_stdout_empty(capfd):
    assert main(["nst-tf", "none.png", "painting.png", "--json"]) == 1
    out, err = capfd.readouterr()
    assert (out, err) == ("", "nst_tf: none.png does not exist: check the path\n")


def test_a_batch_prints_a_line_of_json_for_each_picture(capfd):
    for folder, names in (("photos", ("cat", "temple")), ("paintings", ("great_wave",))):
        os.mkdir(folder)
        for name in names:
            shrunk(f"{name}.jpg", (40, 30), Path(folder, f"{name}.png"))
    Path("photos/bad.png").write_bytes(b"not a picture")
    words = ["--content_dir=photos", "--style_dir=paintings", "--output_dir=out", *SHORT, "--json"]

    def lines(status, *more):
        assert batch_main(["nst-tf-batch", *words, *more]) == status
        out, err = capfd.readouterr()
        return [json.loads(line) for line in out.splitlines()], err

    planned, err = lines(1, "--dry_run")
    assert [line["status"] for line in planned] == ["failed", "to do", "to do"]
    assert "photos/bad.png is not a picture" in planned[0]["error"]
    assert "cat-great_wave.png" in err
    made, err = lines(1)
    assert "painted" in err
    journal = [json.loads(line) for line in Path("out/journal.jsonl").read_text().splitlines()]
    assert [{**line, "ended": ""} for line in made] == [{**line, "ended": ""} for line in journal]
    done = {line["output"]: line for line in made if line["status"] == "done"}
    cat = done["out/cat-great_wave.png"]
    assert (cat["width"], cat["height"], cat["nst_tf"]) == (40, 30, __version__)
    assert cat["losses"]["total"] > 0
    again, _ = lines(1)
    assert sorted(line["status"] for line in again) == ["failed", "finished before",
                                                        "finished before"]  # fmt: skip


FILM = ["--neighbor_weight=0", "--scales=1", *SHORT]


def test_a_film_passes_from_stdin_to_stdout():
    write_clip("clip.mkv", moving(3), seconds_of_sound=0.1)
    words = ["-", "painting.png", *FILM, "-o", "-", "--format=mkv"]
    done = run(*words, module="nst_tf.video", input=Path("clip.mkv").read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines()[-1].startswith("Saved /dev/stdout, 3 frames, after")
    with av.open(io.BytesIO(done.stdout)) as film:
        assert "matroska" in film.format.name
        assert len(film.streams.audio) == 1
        assert [(f.width, f.height) for f in film.decode(video=0)] == 3 * [(48, 36)]
    assert sorted(os.listdir()) == ["clip.mkv", "painting.png", "photo.png"]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["-", "-"], 2, "--content and --style both read stdin, which can be read once"),
        (["clip.mkv", "painting.png", "-o", "-", "--json"], 2, "both write to stdout"),
        (["clip.mkv", "painting.png", "-o", "-", "--resume"], 2, "keeps its frames beside a film"),
        (["clip.mkv", "painting.png", "-o", "-", "--format=avi"], 2, "'avi' is not one of mp4"),
        (["clip.mkv", "painting.png", "--format=mkv"], 2, "--format mkv is for --output -"),
        (["-", "painting.png", "-o", "a.mp4"], 1, "nst_tf: stdin cannot be read as a film: "),
    ],
)
def test_what_films_cannot_pass_through_pipes_is_refused_in_a_line(
    words, status, message, capfd, monkeypatch
):
    Path("text").write_text("no film")
    with open("text") as text:
        monkeypatch.setattr(sys, "stdin", text)
        assert video_main(["nst-tf-video", *words]) == status
    out, err = capfd.readouterr()
    assert message in err
    assert (out, err.count("\n")) == ("", 1)


def test_a_film_prints_one_object():
    write_clip("clip.mp4", moving(3))
    flags = [*FILM, "-o", "film.mp4", "--json"]
    done = run("clip.mp4", "painting.png", *flags, module="nst_tf.video", text=True)
    assert done.returncode == 0, done.stderr
    assert "Saved film.mp4, 3 frames" in done.stderr
    record = json.loads(done.stdout)
    assert record["outputs"] == {"film": "film.mp4"}
    assert (record["frames"], record["whole"], record["problems"]) == (3, True, [])
    assert (record["width"], record["height"]) == (48, 36)
    assert set(record["seconds"]) == {"preparation", "painting", "saving"}
    assert (record["recipe"], record["settings"]["max_dim"]) == ("fast", 48)
