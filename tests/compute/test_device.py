import os
import subprocess
import sys

import pytest

from nst_tf.compute.device import start_tensorflow
from tests import forked
from tests.conftest import ASSETS

pytestmark = pytest.mark.process


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"device 'gpu:7' is not there: TensorFlow found \d GPUs"):
        start_tensorflow("gpu:7")


def test_the_start_is_silent_and_the_package_waits_for_it():
    script = (
        "import sys, nst_tf, nst_tf.run\n"
        "assert 'tensorflow' not in sys.modules\n"
        "from nst_tf.compute.device import start_tensorflow\n"
        "print(start_tensorflow('cpu'))\n"
        "assert start_tensorflow('cpu') == 'CPU'\n"
        "assert callable(nst_tf.stylize)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout == "CPU\n"


def test_the_library_leaves_stderr_to_the_process_while_tensorflow_loads():
    script = (
        "import os, sys\n"
        "class Log:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'tensorflow':\n"
        "            os.write(2, b'a line of another thread')\n"
        "sys.meta_path.insert(0, Log())\n"
        "from nst_tf import stylize\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "a line of another thread" in done.stderr
    assert done.returncode == 0


def test_runs_of_several_processes_are_the_same_to_the_bit(tmp_path):
    # With TensorFlow's graph optimizer, runs of this size differ in their first step; smaller ones
    # do not. Pictures of 16 bits show it.
    flags = ["--recipe=painting", "--max_dim=384", "--scales=1", "--steps_per_epoch=1", "--quiet"]
    names = ("a.png", "b.png")
    for name in names:
        command = [sys.executable, "-m", "nst_tf.run", f"--content={ASSETS / 'cat.jpg'}", *flags]
        command += [f"--style={ASSETS / 'auvers.jpg'}", "--bit_depth=16"]
        forked.run([*command, f"--output={tmp_path / name}"], check=True)
    first, second = ((tmp_path / name).read_bytes() for name in names)
    assert first == second
