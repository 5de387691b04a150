"""Signals, sent to real processes."""

import os
import signal
import subprocess
import sys

import pytest

from nst_tf.cli.signals import GRACE, Stopper
from nst_tf.images.metadata import read_metadata
from tests import forked

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals"),
    pytest.mark.usefixtures("in_tmp_path", "signals_not_ignored"),
]

# The program, with something that happens once the second step's progress is known.
PROGRAM = """
import os, signal, sys
import nst_tf.cli.program
import nst_tf.cli.session

for number in {ignored}:
    signal.signal(number, signal.SIG_IGN)

class Console(nst_tf.cli.session.Console):
    def __call__(self, progress):
        super().__call__(progress)
        if progress.step == 2:
            happen()

def step_without_end():
    import tensorflow as tf
    print("stuck", flush=True)
    tf.function(lambda: tf.while_loop(lambda i: i >= 0, lambda i: 1 - i, [tf.constant(0)]))()

def happen():
    {event}

nst_tf.cli.session.Console = Console
sys.exit(nst_tf.cli.program.main(sys.argv))
"""

FLAGS = [
    "--content_layers=block2_conv2", "--style_layers=block1_conv1", "--max_dim=48", "--epochs=2",
    "--steps_per_epoch=2", "--output=out.png", "--history=losses.csv",
]  # fmt: skip


def start(event, photo, painting, ignored=()):
    program = PROGRAM.format(event=event, ignored=[*map(int, ignored)])
    command = [sys.executable, "-c", program, f"--content={photo}", f"--style={painting}", *FLAGS]
    return forked.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def steps(directory):
    return read_metadata(directory / "out.png")["steps"]


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT"])  # `nohup`, and a shell's background
def test_a_signal_that_is_ignored_at_the_start_stays_ignored(photo, painting, tmp_path, name):
    number = getattr(signal, name)
    process = start(f"os.kill(os.getpid(), {number:d})", photo, painting, [number])
    process.communicate()
    assert process.returncode == 0
    assert steps(tmp_path) == 4


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_one_signal_ends_the_run_after_its_step(photo, painting, tmp_path, name):
    # `timeout` and launchers send the same request twice at a time.
    twice = f"[os.kill(os.getpid(), signal.{name}) for _ in range(2)]"
    process = start(twice, photo, painting)
    _, err = process.communicate()
    assert process.returncode == 128 + getattr(signal, name)
    assert err == "nst_tf: stopped after step 2 of 4; the picture is saved as out.png\n"
    assert steps(tmp_path) == 2


def interrupt_twice(process):
    """Wait until the process is inside the endless step, and interrupt it until it ends."""
    while not process.stdout.readline().endswith("stuck\n"):
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):  # it waits for the step, and no step ends
        process.communicate(timeout=4 * GRACE)
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate()[1]
    finally:
        process.kill()


def test_a_second_signal_ends_a_step_that_does_not_end(photo, painting, tmp_path):
    process = start("step_without_end()", photo, painting)
    err = interrupt_twice(process)
    assert process.returncode == 130
    assert err == "nst_tf: stopped after step 2 of 4; the picture is saved as out.png\n"
    assert steps(tmp_path) == 2
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == 3
    assert not list(tmp_path.glob(".*"))


def test_a_rescue_that_fails_shows_why_and_ends_all_the_same(photo, painting, tmp_path):
    broken = "nst_tf.cli.session.PictureRun.rescue.__globals__.pop('Outcome'); step_without_end()"
    process = start(broken, photo, painting)
    err = interrupt_twice(process)
    assert process.returncode == 130
    assert "NameError" in err
    assert steps(tmp_path) == 2


def test_handlers_and_wakeup_come_back():
    before = [signal.getsignal(number) for number in Stopper._SIGNALS]
    with Stopper(lambda: None) as stopper:
        assert stopper(None) is False
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopper(None) is True
        assert stopper.signal == signal.SIGTERM
    assert [signal.getsignal(number) for number in Stopper._SIGNALS] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_no_signal_disturbs_the_saving_that_follows_a_run():
    rescued = []
    with Stopper(lambda: rescued.append(True), grace=-1.0) as stopper:
        stopper.run_ended()
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
    assert stopper.signal == signal.SIGTERM
    assert not rescued
