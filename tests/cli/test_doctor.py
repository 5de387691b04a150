"""The report of `--doctor`."""

import json
import re

import pytest

from nst_tf import __version__
from nst_tf.cli import doctor
from nst_tf.cli.program import main


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Time steps of a small picture."""
    monkeypatch.setattr(doctor, "SIZE", (32, 48))


NAMES = [
    "nst_tf", "python", "tensorflow", "keras", "numpy", "numba", "pillow", "imagecodecs", "psutil",
    "system", "extras", "missing_extras", "processor", "instructions", "blas", "processors",
    "device", "devices", "threads", "onednn", "bfloat16_instructions", "memory", "free_memory",
    "memory_budget", "fast_convolutions", "precision", "timed", "first_step_seconds",
    "step_seconds",
]  # fmt: skip


def test_it_prints_a_line_for_each_name_and_needs_no_pictures(capfd):
    assert main(["nst-tf", "--doctor"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    found = dict(line.split(": ", 1) for line in out.splitlines())
    assert list(found) == NAMES
    assert found["nst_tf"] == __version__
    assert found["fast_convolutions"] in ("yes", "no")
    assert re.fullmatch(r"\d+(\.\d+)? [GM]iB", found["memory"])
    assert float(found["first_step_seconds"]) >= float(found["step_seconds"]) >= 0


def test_json_is_an_object_with_the_same_names(capfd):
    assert main(["nst-tf", "--doctor", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert list(found) == NAMES
    assert set(found["extras"]) | set(found["missing_extras"]) == set(doctor.EXTRAS)
    assert found["processors"] >= 1
    assert isinstance(found["onednn"], bool)


def test_a_missing_extra_is_reported(monkeypatch):
    monkeypatch.setitem(doctor.EXTRAS, "video", ("av", "none_such"))
    found = dict(doctor._extras())
    assert "video" in found["missing_extras"]
    assert "video" not in found["extras"]
