"""The processors: their number, and their instructions as Linux reports them."""

import os
import platform
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")

OF_INTEREST = ("avx", "fma", "amx", "f16c", "sse4")
"""Beginnings of the names of instructions that decide how fast TensorFlow is."""


def x86_flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Return the instruction sets of an x86 processor; empty for others or if unknown."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    pairs = (line.partition(":")[::2] for line in lines)
    return frozenset(next((words.split() for name, words in pairs if name.strip() == "flags"), ()))


def describe_processor(cpuinfo: Path = CPUINFO) -> dict[str, Any]:
    """Return the `model` of the processor, and the `flags` that decide how fast TensorFlow is.

    The model is not sufficient: a virtual machine may hide instructions, and names like "AMD EPYC"
    stand for several generations.
    """
    model = platform.processor() or platform.machine()
    if cpuinfo.exists():
        pairs = (line.partition(":")[::2] for line in cpuinfo.read_text().splitlines())
        model = next((text.strip() for name, text in pairs if name.strip() == "model name"), model)
    flags = sorted(flag for flag in x86_flags(cpuinfo) if flag.startswith(OF_INTEREST))
    return {"model": model, "flags": flags}


def blas_kernels() -> str:
    """Return the processor for which NumPy's matrix products are made, such as SkylakeX, in words.

    Winograd's convolutions consist of them. The environment variable OPENBLAS_CORETYPE may name an
    older processor, which makes them slower.
    """
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    libraries = [info for info in threadpool_info() if info["user_api"] == "blas"]
    own = [info for info in libraries if "numpy" in Path(info["filepath"]).parent.name]
    found = {info.get("architecture") for info in own or libraries}
    return ", ".join(sorted(filter(None, found))) or "unknown"


def has_any(instructions: AbstractSet[str], cpuinfo: Path = CPUINFO) -> bool:
    """Return whether an x86 CPU supports any of `instructions`; False if unknown."""
    return not instructions.isdisjoint(x86_flags(cpuinfo))


def processor_count() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
