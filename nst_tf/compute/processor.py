"""The processors: their number, and their instructions as Linux reports them."""

import os
from collections.abc import Set as AbstractSet
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def x86_flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Return the instruction sets of an x86 processor; empty for others or if unknown."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    pairs = (line.partition(":")[::2] for line in lines)
    return frozenset(next((words.split() for name, words in pairs if name.strip() == "flags"), ()))


def has_any(instructions: AbstractSet[str], cpuinfo: Path = CPUINFO) -> bool:
    """Return whether an x86 CPU supports any of `instructions`; False if unknown."""
    return not instructions.isdisjoint(x86_flags(cpuinfo))


def processor_count() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
