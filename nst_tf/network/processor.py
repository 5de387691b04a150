"""What the processor can do, as Linux tells it."""

from collections.abc import Set as AbstractSet
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def has_any(instructions: AbstractSet[str], cpuinfo: Path = CPUINFO) -> bool:
    """Return whether a CPU has any of some sets of instructions; False where nobody tells."""
    try:
        words = cpuinfo.read_text().split()
    except OSError:
        return False
    return not instructions.isdisjoint(words)
