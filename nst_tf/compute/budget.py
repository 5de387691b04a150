"""The memory budget of a run."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from nst_tf.compute.machine import Machine, this_machine
from nst_tf.settings import Settings
from nst_tf.validation import parse_bytes

MIB, GIB = 2**20, 2**30

BASE = 865 * MIB  # Python, TensorFlow, the network, and its kernels as oneDNN lays them out
SPARE = 0.85  # largest share of the free memory that a run uses by default


@dataclass(frozen=True)
class HostMemory:
    """The main memory as the system reports it, in bytes.

    Attributes:
        used: by this process.
        available: of the machine.
        limits: free bytes below the limits of control groups.
    """

    used: int
    available: int
    limits: tuple[int, ...] = ()

    @property
    def free(self) -> int:
        """How many of the free bytes a program may use."""
        return int(SPARE * min([self.available, *self.limits]))


def host_memory() -> HostMemory:
    """Return the memory of this machine as it is now."""
    used, available = psutil.Process().memory_info().rss, psutil.virtual_memory().available
    return HostMemory(used, available, tuple(cgroup_free()))


def memory_budget(settings: Settings, machine: Machine | None = None) -> int:
    """Return how many bytes the process may use, including those that it uses already.

    Args:
        settings: of the run.
        machine: by default, this one.
    """
    if settings.memory_budget == "auto" and (machine or this_machine()).gpu:
        return sys.maxsize  # unknown: a run falls back to tiles when an allocation fails
    return host_budget(settings)


def host_budget(settings: Settings, memory: HostMemory | None = None) -> int:
    """Return how many bytes of the machine's main memory the process may use.

    TensorFlow is not imported.

    Args:
        settings: of the run.
        memory: by default, as it is now.
    """
    if settings.memory_budget != "auto":
        return parse_bytes(settings.memory_budget)
    memory = memory or host_memory()
    # Memory that a notebook holds besides TensorFlow is not available to a run.
    return min(memory.used, BASE) + memory.free


def free_memory() -> int:
    """Return how many of the free bytes a program may use now."""
    return host_memory().free


def cgroup_free(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> Iterator[int]:
    """Yield the free bytes below the limit of each Linux control group of the process.

    A group's limit counts for everything below it, so every ancestor is read. Memory that only
    caches files counts as free. Other systems yield nothing.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "memory" in controllers.split(","):
            version = 1 if controllers else 2
            base = root / "memory" if controllers else root
            group = base / path.strip("/")
            # In a container the path may be the host's; the container's own group is then the root.
            for place in (group, *group.parents) if group.is_dir() else (base,):
                yield from _group_free(place, version)
                if place == base:
                    break


def _group_free(group: Path, version: int) -> Iterator[int]:
    limit, usage, cached = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    try:
        most, used = (int((group / name).read_text()) for name in (limit, usage))
    except (OSError, ValueError):  # "max": no limit here
        return
    with suppress(OSError, ValueError, KeyError):  # without statistics, nothing counts as cached
        lines = (group / "memory.stat").read_text().splitlines()
        used -= int(dict(line.split() for line in lines)[cached])
    yield max(0, most - used)


def describe_bytes(size: int) -> str:
    """Return bytes in GiB, or in MiB below one."""
    return f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"
