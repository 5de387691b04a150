"""The program `batch` on real pictures."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import nst_tf.cli.program
from nst_tf.batch.program import main
from nst_tf.images.metadata import read_metadata
from tests import forked
from tests.conftest import ROOT, shrunk, wait_until

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("forked_workers", "in_tmp_path")]

SHALLOW = ["--content_layers=block2_conv2", "--style_layers=block1_conv1,block2_conv1"]
SHORT = [*SHALLOW, "--steps=2", "--max_dim=32"]
DIRECTORIES = ["--content_dir=photos", "--style_dir=paintings", "--output_dir=out"]


@pytest.fixture
def pictures():
    """Make two photos and two paintings."""
    for folder in ("photos", "paintings"):
        os.mkdir(folder)
    for name in ("cat", "temple"):
        shrunk(f"{name}.jpg", (40, 30), Path("photos", f"{name}.png"))
    for name in ("great_wave", "auvers"):
        shrunk(f"{name}.jpg", (36, 30), Path("paintings", f"{name}.png"))


@pytest.fixture
def thirty():
    """Make ten photos, of which one is none, and three paintings."""
    for folder in ("photos", "paintings"):
        os.mkdir(folder)
    for number in range(9):
        shrunk("cat.jpg", (30 + number % 2, 32), f"photos/{number}.png")
    Path("photos/bad.png").write_bytes(b"no picture")
    for number in range(3):
        shrunk("great_wave.jpg", (36 + number, 30), f"paintings/{number}.png")


def batch(*flags):
    return main(["nst-tf-batch", *map(str, flags)])


def single(content, style, *flags):
    files = [f"photos/{content}.png", f"paintings/{style}.png"]
    return nst_tf.cli.program.main(["nst-tf", *files, *flags, "--quiet"])


def start(*flags, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "nst_tf.batch", *map(str, flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        **options,
    )


def start_forked(*flags):
    """Start a batch without an interpreter of its own, nor of its workers."""
    code = (
        "import sys; from nst_tf.batch.program import main; from tests import forked;"
        " forked.share(); sys.exit(main(sys.argv))"
    )
    command = [sys.executable, "-c", code, *flags]
    return forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def journal(path="out/journal.jsonl"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def painted():
    return {path.name: path.stat().st_mtime_ns for path in Path("out").glob("*.png")}


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_thirty_jobs_of_which_three_are_bad_survive_a_kill(thirty, capfd):
    process = start(*DIRECTORIES, *SHORT)
    for line in process.stdout:
        if line.startswith("12/30"):
            workers = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            break
    process.communicate()
    assert not psutil.wait_procs(workers, 300)[1]  # each ends after the step that it is in
    first = painted()
    assert 9 <= len(first) < 27
    assert {entry["status"] for entry in journal()} == {"done", "failed"}
    assert batch(*DIRECTORIES, *SHORT) == 1
    out, err = capfd.readouterr()
    assert f"finished before {len(first):6}" in out
    assert "failed               3  out/journal.jsonl says why" in out
    assert err.splitlines() == [
        f"nst_tf: photos/bad.png by paintings/{number}.png: photos/bad.png is not a picture that "
        "can be read"
        for number in range(3)
    ]
    assert {name: when for name, when in painted().items() if name in first} == first
    assert len(painted()) == 27
    assert all(read_metadata(Path("out", name))["ending"] == "finished" for name in painted())
    assert {path.suffix for path in Path("out").iterdir()} == {".png", ".jsonl", ".lock"}
    counts = Counter(entry["output"] for entry in journal() if entry["status"] == "done")
    assert set(counts.values()) == {1}
    assert len(counts) >= 26  # the kill may have come between a picture and its line


def test_a_picture_is_that_of_the_single_command(pictures):
    flags = [*SHALLOW, "--recipe=painting", "--min_dim=24", "--steps=3", "--max_dim=32"]
    flags.append("--neighbor_layers=block2_conv1")
    assert batch(*DIRECTORIES, "--pairs=zip", *flags, "--quiet") == 0
    assert len(painted()) == 2
    for name in painted():
        content, style = name.removesuffix(".png").split("-")
        assert single(content, style, *flags, "--output=one.png") == 0
        np.testing.assert_array_equal(pixels(f"out/{name}"), pixels("one.png"))
        one, of_batch = (read_metadata(path) for path in ("one.png", f"out/{name}"))
        assert of_batch == one
        os.remove("one.png")


def test_rows_have_flags_of_their_own(pictures, capfd):
    with open("jobs.csv", "w", newline="") as file:
        csv.writer(file).writerows([
            ["content", "style", "max_dim", "output"],
            ["photos/cat.png", "paintings/great_wave.png", "", ""],
            ["photos/cat.png", "paintings/great_wave.png", "24", ""],
            ["photos/temple.png", "paintings/great_wave.png", "24", "mine/temple.jpg"],
        ])  # fmt: skip
    name = "--name={style}/{content}-{max_dim}.png"
    flags = ["--manifest=jobs.csv", "--output_dir=out", name, *SHORT]
    assert batch(*flags, "--jobs=2", "--contact_sheet=sheet.png") == 0
    sizes = {
        str(path.relative_to("out")): Image.open(path).width
        for path in Path("out").rglob("*.[pj][np]g")
    }
    assert sizes == {
        "great_wave/cat-32.png": 32,
        "great_wave/cat-24.png": 24,
        "mine/temple.jpg": 24,
    }
    assert Image.open("sheet.png").width > 300
    line = next(entry for entry in journal() if entry["output"] == "out/mine/temple.jpg")
    assert line["job"] == "jobs.csv:4"
    assert line["inputs"]["content"] == ["photos/temple.png"]
    assert line["settings"]["max_dim"] == 24
    assert line["losses"]["total"] > 0
    assert line["steps"] == 2
    capfd.readouterr()
    assert batch(*flags, "--dry_run") == 0
    out = capfd.readouterr().out.splitlines()
    assert out[2] == "jobs.csv:4 -> out/mine/temple.jpg (finished)"
    assert batch(*flags) == 0
    assert capfd.readouterr().out.splitlines() == [
        "painted              0",
        "finished before      3",
    ]


def test_directories_as_they_are(capfd):
    for folder in ("photos", "paintings"):
        os.mkdir(folder)
    latin = os.fsdecode(b"caf\xe9.png")
    for name in ("beach.jpg", "beach.png", latin):
        shrunk("cat.jpg", (32, 24), f"photos/{name}")
    Path("photos/Thumbs.db").touch()
    shrunk("great_wave.jpg", (36, 30), "paintings/wave.png")
    flags = ["--content_dir=photos/*", *DIRECTORIES[1:], *SHORT]
    assert batch(*flags) == 0
    assert sorted(painted()) == ["beach-jpg-wave.png", "beach-png-wave.png", "caf%E9-wave.png"]
    assert capfd.readouterr().err == (
        "nst_tf: warning: --content_dir photos/*: 1 .db file left out: not pictures\n"
    )
    assert batch(*flags) == 0
    assert "finished before      3" in capfd.readouterr().out


def test_a_picture_of_other_settings_is_replaced_on_request_alone(pictures, capfd):
    flags = ["--content_dir=photos/cat.*", "--style_dir=paintings/great*", "--output_dir=out"]
    flags += [*SHORT, "--quiet"]
    os.mkdir("out")
    assert single("cat", "great_wave", *SHORT, "--output=out/cat-great_wave.png") == 0
    first = painted()
    assert batch(*flags) == 0
    capfd.readouterr()
    assert batch(*flags, "--strength=0.5") == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("great_wave.png exists: choose another name or add --overwrite")
    assert painted() == first
    assert batch(*flags, "--strength=0.5", "--overwrite") == 0
    second = painted()
    assert second != first
    assert batch(*flags, "--strength=0.5", "--overwrite") == 0  # goes on: nothing is left to do
    assert painted() == second


def test_a_stopped_batch_keeps_checkpoints_and_goes_on(pictures, signals_not_ignored):
    flags = [*SHALLOW, "--steps=200", "--max_dim=32"]
    flags += ["--content_dir=photos/cat.*", *DIRECTORIES[1:]]
    process = start_forked(*flags, "--checkpoint_every=0")
    next(process.stdout)  # the first picture is done
    wait_until(lambda: list(Path("out").glob("*.checkpoint")))  # the second one is under way
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert err.splitlines()[-1] == (
        "nst_tf: stopped with 1 of 2 jobs ended; the same command resumes the batch"
    )
    (kept,) = Path("out").glob("*.checkpoint")
    assert len(painted()) == 1
    assert batch(*flags, "--quiet") == 0
    assert len(painted()) == 2
    resumed = kept.name.removesuffix(".checkpoint")
    content, style = resumed.removesuffix(".png").split("-")
    assert single(content, style, *flags[:4], "--output=whole.png") == 0
    np.testing.assert_array_equal(pixels(f"out/{resumed}"), pixels("whole.png"))
    assert not list(Path("out").glob("*checkpoint*"))


def test_two_batches_into_one_directory_paint_nothing_twice(pictures, capfd):
    flags = [*SHALLOW, "--steps=60", "--max_dim=32"]
    first = start_forked(*DIRECTORIES, *flags)
    next(first.stdout)  # its first picture is done
    assert batch(*DIRECTORIES, *flags) == 0
    assert first.wait(300) == 0
    out, err = capfd.readouterr()
    assert err == "nst_tf: another batch paints into out: waiting for its end\n"
    assert out.splitlines()[1] == "finished before      4"
    assert len(journal()) == len(painted()) == 4


def test_every_outcome_is_shown_though_the_journal_cannot_be_written(pictures, capfd):
    Path("photos/a.png").write_bytes(b"no picture")
    flags = ["--style_dir=paintings/great*", "--output_dir=out", *SHORT, "--journal=/dev/full"]
    sheet = [*flags, "--contact_sheet=sheet.jpg"]
    assert batch("--content_dir=photos/[ac]*", *sheet) == 1
    out, err = capfd.readouterr()
    assert out.splitlines()[0].startswith("2/2 out/cat-great_wave.png")
    assert err.splitlines() == [
        "nst_tf: photos/a.png by paintings/great_wave.png: photos/a.png is not a picture that can "
        "be read",
        "nst_tf: warning: the journal /dev/full cannot be written: No space left on device, free "
        "some or choose another place",
    ]
    os.remove("photos/a.png")
    assert batch("--content_dir=photos/[ac]*", *sheet) == 0  # its own sheet is drawn again
    capfd.readouterr()
    status, (line,) = refused(["--content_dir=photos/c*", *sheet, "--output_dir=new"], capfd)
    assert status == 1
    assert line == "sheet.jpg exists: choose another name or add --overwrite"


def test_a_dry_run_checks_what_a_run_would(pictures, capfd):
    whole = Path("photos/cat.png").read_bytes()
    Path("photos/cut.png").write_bytes(whole[: len(whole) // 2])
    Path("out").mkdir()
    Path("out/kept.png").write_bytes(whole)
    rows = ["photos/cat.png,paintings/auvers.png,",
            "photos/none.png,paintings/auvers.png,",
            "photos/cut.png,paintings/auvers.png,",
            "photos/cat.png,paintings/auvers.png,kept.png",
            "photos/temple.png,,"]  # fmt: skip
    Path("jobs.csv").write_text("\n".join(["content,style,output", *rows]))
    flags = ["--manifest=jobs.csv", "--output_dir=out", "--dry_run", "--max_dim=48"]
    assert batch(*flags) == 1
    out, err = capfd.readouterr()
    assert out.splitlines() == [
        "jobs.csv:2 -> out/cat-auvers.png", "jobs.csv:6 -> out/temple-reconstruction.png",
    ]  # fmt: skip
    warning, missing, cut, kept = err.splitlines()
    assert warning == (
        "nst_tf: warning: 1 of 5 jobs name no painting in a column `style`: the photo is rebuilt "
        "from its features"
    )
    assert missing == "nst_tf: jobs.csv:3: photos/none.png does not exist: check the path"
    assert cut.startswith("nst_tf: jobs.csv:4: photos/cut.png cannot be read: damaged or truncated")
    assert kept.startswith("nst_tf: jobs.csv:5: out/kept.png exists: choose another name or add")
    assert {path.name for path in Path("out").iterdir()} == {"kept.png"}


def test_a_manifest_from_stdin(pictures):
    text = "content,style\nphotos/cat.png,paintings/auvers.png\n"
    command = [sys.executable, "-m", "nst_tf.batch", "--manifest", "-", "--output_dir=out"]
    done = subprocess.run(
        [*command, "--dry_run"], input=text, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("stdin:2 -> out/cat-auvers.png\n", "")


def refused(flags, capfd):
    before = sorted(Path().rglob("*"))
    status = batch(*flags)
    out, err = capfd.readouterr()
    assert out == ""
    assert sorted(Path().rglob("*")) == before
    return status, [line.removeprefix("nst_tf: ") for line in err.splitlines()]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "name pictures with --content_dir and --style_dir, or with --manifest"),
        (DIRECTORIES[:2], "--output_dir is missing: name the directory of the results"),
        ([*DIRECTORIES, "--manifest=a.csv"], "--manifest and --content_dir both name pictures"),
        ([*DIRECTORIES, "--pairs=all"], "--pairs must be product or zip, not 'all'"),
        ([*DIRECTORIES, "--jobs=0"], "--jobs must be at least 1, not 0"),
        ([*DIRECTORIES, "--name={contnet}.png"], "--name unknown field of the name '{contnet}'"),
        ([*DIRECTORIES, "--ship_inputs"], "--ship_inputs needs --ray"),
        ([*DIRECTORIES, "--ray=auto", "--jobs=2"], "--jobs is for this machine"),
        ([*DIRECTORIES, "cat.png"], "'cat.png' belongs to no flag: put a pattern in quotes, as in"),
        ([*DIRECTORIES, "--content=cat.png"], "--content names one photo: use --content_dir, "),
        ([*DIRECTORIES, "--resume"], "a batch resumes by itself: repeat the same command without"),
        ([*DIRECTORIES, "--max_din=3"], "Unknown command line flag 'max_din'"),
    ],
)
def test_misuse_is_one_line_and_status_2(flags, words, capfd):
    status, (line,) = refused(flags, capfd)
    assert status == 2
    assert line.startswith(words)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--content_dir=none", *DIRECTORIES[1:]], "--content_dir none does not exist"),
        ([*DIRECTORIES[:2], "--output_dir=photos"], "--output_dir photos holds the input"),
        ([*DIRECTORIES[:2], "--output_dir=file.png/out"], "is a file: name another --output_dir"),
        ([*DIRECTORIES, "--name=a.png"], "paintings/great_wave.png: out/a.png is what photos"),
        ([*DIRECTORIES, "--contact_sheet=file.png"], "file.png exists: choose another name or add"),
        (["--manifest=none.csv", "--output_dir=out"], "--manifest none.csv does not exist"),
    ],
)
def test_bad_input_is_refused_before_anything_starts(pictures, flags, words, capfd):
    Path("file.png").touch()
    status, lines = refused(flags, capfd)
    assert status == 1
    assert any(words in line for line in lines)


def test_without_ray_there_is_one_way_to_install_it(pictures, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refused([*DIRECTORIES, "--ray=auto"], capfd) == (
        1, ["--ray needs Ray: run pip install 'nst_tf[ray]'"]
    )  # fmt: skip


def test_every_bad_row_is_told_with_its_line(pictures, capfd):
    Path("jobs.jsonl").write_text(
        '{"content": "a.png", "style": "b.png"}\n'
        '{"content": "a.png", "style": "c.png", "max_dim": -1}\n'
        '{"content": "a.png", "style": "d.png", "epochs": "many"}\n'
        '{"content": "a.png", "style": "e.png", "styel": "f"}\n'
        '{"content": "a.png", "style": "b.png", "seed": 1}\n'
        '{"max_dim": 3}\n'
    )
    status, lines = refused(["--manifest=jobs.jsonl", "--output_dir=out"], capfd)
    assert status == 1
    found = dict(line.split(": ", 1) for line in lines)
    assert list(found) == [f"jobs.jsonl:{number}" for number in (2, 3, 4, 6)]
    assert "max_dim" in found["jobs.jsonl:2"]
    assert "many" in found["jobs.jsonl:3"]
    assert "unknown column 'styel'" in found["jobs.jsonl:4"]
    Path("jobs.jsonl").write_text("")
    assert refused(["--manifest=jobs.jsonl", "--output_dir=out"], capfd)[1] == [
        "--manifest jobs.jsonl has no rows"
    ]


def test_help_fits_a_screen(capfd):
    assert batch("-h") == 0
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) < 80
    assert batch("--helpfull") == 0
    assert "\nBatch:\n" in capfd.readouterr().out


def test_the_first_process_needs_neither_tensorflow_nor_ray(pictures):
    script = (
        "import sys\nfrom nst_tf.batch.program import main\n"
        "if __name__ == '__main__':\n"
        "    assert main(sys.argv) == 0\n"
        "    sys.exit(bool({'tensorflow', 'keras', 'ray', 'matplotlib'} & {*sys.modules}))\n"
    )
    Path("program.py").write_text(script)
    command = [sys.executable, "program.py", "--content_dir=photos/cat*", *DIRECTORIES[1:], *SHORT]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode == 0
