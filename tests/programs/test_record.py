"""The head of the records that scripts write."""

import importlib
import os
import subprocess
import sys

import pytest

from nst_tf.compute.processor import blas_kernels, describe_processor, x86_flags
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
    own = record.describe()["processor"]
    assert own == describe_processor() | {"blas": blas_kernels()}
    assert describe_processor()["model"] in record.describe()["machine"]


def test_the_kernels_of_matrix_products_are_named(record):
    """They are those of an older x86 processor if the environment says so."""
    program = "from nst_tf.compute.processor import blas_kernels; print(blas_kernels())"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Nehalem"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ("Nehalem" if x86_flags() else blas_kernels())
