"""The head of every record: versions, commit, machine in words, and its processor."""

import json
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from nst_tf.compute.processor import blas_kernels, describe_processor

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"

MAIN_FIGURES = ("remd", "self", "grain", "patch")  # of quality.py; less is better


def describe():
    """Return versions, commit and machine, to open a record with."""
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "commit": commit(),
        "machine": machine(),
        "processor": describe_processor() | {"blas": blas_kernels()},
    }


def commit(checkout=ROOT):
    """Return the commit that a checkout is at, with `-dirty` where its files differ."""
    return subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=checkout, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def machine():
    """Return the processor, its cores and the memory, in words."""
    memory = ""
    if Path("/proc/meminfo").exists():
        total = int(Path("/proc/meminfo").read_text().split()[1])
        memory = f", {total / 2**20:.0f} GiB of memory"
    return f"{os.cpu_count()} cores of {describe_processor()['model']}{memory}, no GPU used"


def write_record(path, record):
    """Write `record` as JSON."""
    path.write_text(json.dumps(record, indent=2) + "\n")
