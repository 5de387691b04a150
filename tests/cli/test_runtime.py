import os
import subprocess
import sys

import pytest

from nst_tf.cli.runtime import start_tensorflow


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"device 'gpu:7' is not there: TensorFlow found \d GPUs"):
        start_tensorflow("gpu:7")


def test_the_start_is_silent_and_the_package_waits_for_it():
    script = (
        "import sys, nst_tf, nst_tf.run\n"
        "assert 'tensorflow' not in sys.modules\n"
        "from nst_tf.cli.runtime import start_tensorflow\n"
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
