"""What happens to a run whose disk, folders, inputs or readers go away."""

import contextlib
import errno
import os
import shutil
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.cli.flags import parse
from nst_tf.cli.session import PictureRun, ready
from nst_tf.cli.streams import NOTHING_TO_SAVE, exit_status
from nst_tf.images.metadata import read_metadata
from nst_tf.transfer.checkpoint import load_checkpoint
from nst_tf.utils import files

FLAGS = ["--content_layers=block1_conv2", "--style_layers=block1_conv1", "--max_dim=48"]
FLAGS += ["--epochs=1", "--steps_per_epoch=4", "--output=out/a.png", "--history=out/a.csv"]


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Give every test an empty `out`, and a `spare` in the place of the system's directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("out", "spare"):
        Path(name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))


@pytest.fixture
def paint(photo, painting):
    """Return a run of the program in which something happens after the second of four steps.

    Its checkpoint, if it keeps one, is written after every step.
    """

    def paint(*flags, event=lambda: None):
        def body():
            def watch(progress):
                if run.checkpoint:
                    run.checkpoint.save()
                if progress.step == 2:
                    event()

            request = parse(["nst-tf", str(photo), str(painting), *FLAGS, *flags])
            run = PictureRun(*ready(request), watchers=[watch])
            return run.run()

        return exit_status(body, NOTHING_TO_SAVE)

    return paint


@pytest.fixture
def fill(monkeypatch):
    """Return a function after which the disk is full, in some folder or everywhere."""

    def full(folder=None):
        real = files._temporary

        class Full:
            def __init__(self, file):
                self._file = file

            def __getattr__(self, name):
                return getattr(self._file, name)

            def write(self, data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        @contextlib.contextmanager
        def temporary(directory):
            with real(directory) as (path, file):
                yield path, Full(file) if folder in (None, directory.name) else file

        monkeypatch.setattr(files, "_temporary", temporary)

    return full


def names(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file())


def lines(capfd):
    return capfd.readouterr().err.splitlines()


def test_a_full_disk_costs_the_history_but_not_the_picture(paint, fill, capfd):
    assert paint("--quiet", event=lambda: fill("out")) == 1
    (line,) = lines(capfd)
    for name in ("a.png", "a.csv"):
        assert f"out/{name} cannot be written: No space left on device" in line
    assert "; the picture is saved as " in line
    assert names("out") == []
    assert "picture.png" in names("spare")
    (saved,) = Path("spare").rglob("picture.png")
    assert read_metadata(saved)["steps"] == 4


def test_disks_that_are_all_full_cost_a_line_and_the_checkpoint_stays(paint, fill, capfd):
    assert paint("--quiet", "--resume", event=fill) == 1
    warning, line = lines(capfd)
    assert "no checkpoint: out/a.png.checkpoint cannot be written: No space left" in warning
    assert line.endswith("; the picture could not be saved")
    assert names(".").count("picture.png") == 0
    assert names("out") == ["a.png.checkpoint"]
    assert load_checkpoint("out/a.png.checkpoint").state.step == 2


@pytest.fixture
def limit():
    """Return a function after which the system lets no file grow beyond some bytes."""
    resource = pytest.importorskip("resource", reason="needs limits of POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_limit_of_the_system_itself_is_a_full_disk_too(paint, limit, capfd):
    assert paint("--quiet", event=lambda: limit(1500)) == 1
    (line,) = lines(capfd)
    assert line.startswith("nst_tf: out/a.png cannot be written: File too large; ")
    assert names("out") == ["a.csv"]  # which is small


def test_a_full_disk_for_checkpoints_ends_no_run(paint, limit, capfd):
    limit(20_000)  # bytes: the picture and the history are smaller
    assert paint("--quiet", "--resume") == 0
    (line,) = lines(capfd)  # one for all tries
    assert line.startswith("nst_tf: warning: no checkpoint: ")
    assert names("out") == ["a.csv", "a.png"]


def test_a_folder_that_is_removed_costs_no_picture(paint, capfd):
    assert paint("--quiet", event=lambda: shutil.rmtree("out")) == 1
    (line,) = lines(capfd)
    assert "out/a.png cannot be written: No such file or directory" in line
    assert "out/a.csv cannot be written: No such file or directory" in line
    assert "picture.png" in names("spare")


def test_a_folder_that_is_removed_and_made_again_gets_all_outputs(paint, capfd):
    def event():
        shutil.rmtree("out")
        Path("out").mkdir()

    assert paint("--quiet", event=event) == 0
    assert names("out") == ["a.csv", "a.png"]


def test_inputs_are_not_needed_any_more(paint, photo, painting):
    def event():
        photo.unlink()
        painting.unlink()

    assert paint("--quiet", event=event) == 0
    assert names("out") == ["a.csv", "a.png"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")
@pytest.mark.usefixtures("signals_not_ignored")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_stops_a_run_that_goes_on_later(paint, name, capfd):
    number = getattr(signal, name)
    quiet = ("--quiet", "--resume")
    assert paint(*quiet, event=lambda: os.kill(os.getpid(), number)) == 128 + number
    assert lines(capfd) == [
        "nst_tf: stopped after step 2 of 4; the same command resumes the run; the picture is "
        "saved as out/a.png"
    ]
    assert names("out") == ["a.csv", "a.png", "a.png.checkpoint"]
    assert paint(*quiet) == 0
    assert names("out") == ["a.csv", "a.png"]
    shutil.move("out/a.png", "stopped.png")
    Path("out/a.csv").unlink()
    assert paint("--quiet") == 0
    pictures = [np.asarray(Image.open(path)) for path in ("stopped.png", "out/a.png")]
    np.testing.assert_array_equal(*pictures)


def test_nobody_has_to_read(paint, capfd):
    reader, writer = os.pipe()
    os.close(reader)
    stream = open(writer, "w")  # noqa: SIM115
    with contextlib.redirect_stdout(stream):
        assert paint() == 0
    with contextlib.suppress(OSError):
        stream.close()
    assert names("out") == ["a.csv", "a.png"]
    assert lines(capfd) == []
