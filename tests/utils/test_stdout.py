"""The stdout that only results reach."""

import json
import os
import subprocess
import sys
from pathlib import Path

from nst_tf.utils.files import STDOUT_PATH, is_stream, write_whole
from nst_tf.utils.stdout import print_json, stdout_for_results


def noise():
    """Print in every way that a program may."""
    print("Python")
    os.write(1, b"C\n")
    subprocess.run([sys.executable, "-c", "print('child')"], check=True)


def test_only_results_reach_stdout(capfd):
    with stdout_for_results():
        noise()
        print_json({"é": [float("nan"), (1.5, float("inf"))], "path": "caf\udce9"})
        with write_whole(STDOUT_PATH) as file:
            file.write(b"a file")
    out, err = capfd.readouterr()
    first, second = out.splitlines()
    assert json.loads(first)["é"] == [None, [1.5, None]]
    assert second == "a file"
    assert sorted(err.splitlines()) == ["C", "Python", "child"]
    noise()
    assert len(capfd.readouterr().out.splitlines()) == 3


def test_a_program_may_leave_its_stdout_as_it_is(capfd):
    with stdout_for_results(reserved=False):
        noise()
    assert len(capfd.readouterr().out.splitlines()) == 3


def test_the_descriptors_are_closed(capfd):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with stdout_for_results():
            print_json({})
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_reader_that_is_gone_is_not_an_error(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr("nst_tf.utils.stdout._reserved", writer)
    print_json({"a": 1})
    os.close(writer)


def test_the_name_of_stdout_is_a_stream():
    assert is_stream(STDOUT_PATH)
    assert is_stream(Path("/dev/../dev/stdout"))
    assert not is_stream("stdout")
