"""Damaged files of every kind are read or refused in one line, in little time and memory."""

import importlib.util

import pytest

from nst_tf.utils.errors import UserError
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("fuzz", ROOT / "scripts" / "fuzz.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(script, tmp_path_factory):
    return script.fuzz(400, 1, tmp_path_factory.mktemp("fuzz"))


def test_nothing_but_one_line_comes_of_damage(found):
    assert found["wrong"] == []
    assert found["memory_growth_mib"] < 200


def test_the_damage_is_such_that_both_happens(found):
    for kind in ("png", "jpg", "tiff", "gif", "ico", "jxl", "jxr", "hdr", "checkpoint"):
        assert found["counts"][kind]["read"]
        assert found["counts"][kind]["refused"]
    assert found["counts"].keys() >= {"mp4", "mov", "mkv", "webm", "avi", "mts"}
    assert found["counts"]["npz"].keys() == found["counts"]["h5"].keys() == {"refused"}


def test_a_fault_would_be_seen(script, tmp_path):
    def fail(path):
        raise KeyError(path)

    def mumble(path):
        raise UserError("one\ntwo")

    assert script.outcome(fail, "a")[0].startswith("KeyError")
    assert script.outcome(float, "a")[0].startswith("ValueError")
    assert script.outcome(mumble, "a")[0].startswith("not one line")
    assert script.outcome(str, "a")[0] == "read"
