"""The head of the records that scripts write."""

import importlib

import pytest

from nst_tf.compute.processor import describe_processor
from tests.conftest import ROOT


@pytest.fixture
def record(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("record")


def test_a_record_holds_the_processors_model_and_instructions(record, tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nmodel name\t: AMD EPYC 9B14\nflags\t\t: fpu sse4_2 avx2 avx512_bf16 nx\n"
    )
    found = describe_processor(cpuinfo)
    assert found == {"model": "AMD EPYC 9B14", "flags": ["avx2", "avx512_bf16", "sse4_2"]}
    assert record.describe()["processor"] == describe_processor()
    assert describe_processor()["model"] in record.describe()["machine"]
