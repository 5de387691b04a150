"""Batches that write into the same directory."""

import subprocess
import sys

from nst_tf.batch.turn import turn
from tests.conftest import ROOT

HOLD = (
    "import sys\nfrom nst_tf.batch.turn import turn\n"
    "with turn(sys.argv[1], lambda: False):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


def test_a_second_batch_waits_until_the_first_has_ended_or_it_is_stopped(tmp_path, capfd):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert first.stdout.readline() == "held\n"
    looks = []

    def stopping():
        looks.append(first.poll())
        if len(looks) == 2:
            first.kill()  # which gives the lock back too
            first.wait()
        return len(looks) == 100

    with turn(str(tmp_path), stopping):
        assert looks[:2] == [None, None]
        assert len(looks) < 100
        with turn(str(tmp_path), lambda: True):  # stopped while it waits
            pass
    line = f"nst_tf: another batch paints into {tmp_path}: waiting for its end\n"
    assert capfd.readouterr().err == 2 * line
    with turn(str(tmp_path), lambda: True):
        pass
    assert capfd.readouterr().err == ""


def test_a_directory_that_cannot_have_a_lock_delays_no_batch(tmp_path, capfd):
    (tmp_path / ".nst_tf-batch.lock").mkdir()
    with turn(str(tmp_path), lambda: False):
        pass
    assert capfd.readouterr().err == ""
