"""What the programs say of errors, and where nobody reads it."""

import os
import subprocess
import sys

import pytest

from nst_tf.cli.arguments import UsageError
from nst_tf.cli.streams import exit_status
from nst_tf.images.metadata import read_metadata
from nst_tf.utils.errors import UserError

pytestmark = pytest.mark.process


def raising(error):
    def body():
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "status", "lines"),
    [
        (UserError("row 1: bad\nrow 2: bad"), 1, "nst_tf: row 1: bad\nnst_tf: row 2: bad\n"),
        (FileNotFoundError("a.png does not exist"), 1, "nst_tf: a.png does not exist\n"),
        (UsageError("--x is unknown"), 2, "nst_tf: --x is unknown (--help shows the flags)\n"),
        (KeyboardInterrupt(), 130, "nst_tf: stopped early\n"),
    ],
)
def test_mistakes_of_users_are_lines(error, status, lines, capfd):
    assert exit_status(raising(error), "stopped early") == status
    assert capfd.readouterr() == ("", lines)


@pytest.mark.parametrize(
    "error", [ValueError("shapes (3,) (4,)"), RuntimeError("x"), KeyError("x"), ArithmeticError()]
)
def test_bugs_pass(error, capfd):
    with pytest.raises(type(error)):
        exit_status(raising(error), "stopped early")
    assert capfd.readouterr() == ("", "")


REPORTS = """
import os, sys
from nst_tf.callbacks import Console
from nst_tf.video.bar import VideoBar
from nst_tf.cli.streams import print_error, print_out, run_program
from nst_tf.batch.summary import Report, Tally

def main(argv):
    Console("CPU", 5, sys.stdout).close()
    VideoBar(sys.stdout, 2).show(1)
    Report(Tally(1), "journal.jsonl", sys.stdout).close()
    print_out("a line")
    with open("file", "w") as file:
        print("an error of a library", file=sys.stderr, flush=True)
        os.write(1, b"an output of a library")
        return print_error("an error", 7 if file.fileno() > 2 else 8)

run_program(main)
"""


def without_streams(*words, closed=">&- 2>&-", **options):
    """Run a program whose stdout and stderr are closed, as those of a service may be."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, *map(str, words)]
    return subprocess.run(command, **options)


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_missing_are_streams_that_are_not_read(closed, tmp_path):
    done = without_streams("-c", REPORTS, closed=closed, cwd=tmp_path, stdout=-3, stderr=-3)
    assert done.returncode == 7
    assert (tmp_path / "file").read_bytes() == b""


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_a_picture_is_painted_without_streams(photo, painting, tmp_path):
    flags = ["--content_layers=block1_conv1", "--style_layers=block1_conv1", "--steps=1"]
    words = ["-m", "nst_tf.run", photo, painting, *flags, "--max_dim=32", "-o", "a.png"]
    assert without_streams(*words, cwd=tmp_path).returncode == 0
    assert read_metadata(tmp_path / "a.png")["steps"] == 1
