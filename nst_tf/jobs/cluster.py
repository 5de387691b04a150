"""The Ray cluster itself: joining it, and how many actors it has room for."""

import logging
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import ray

PATIENCE = 5.0  # seconds for an answer; Ray itself tries for minutes


class Demand(NamedTuple):
    """What an actor takes of its node.

    Attributes:
        cpus: processors, and as many threads of TensorFlow.
        gpus: 1 or 0.
        memory: bytes.
    """

    cpus: int
    gpus: int
    memory: int


@contextmanager
def joined(address: str) -> Iterator[None]:
    """Belong to a cluster for a block: `local` starts one of this machine alone.

    Raises:
        ConnectionError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        _check_reachable(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConnectionError(
            f"--ray {address} leads to no cluster ({reason}): start one by ray start --head"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise an OSError if nobody answers at an address such as 10.0.0.1:6379."""
    if found := re.fullmatch(r"([^/]+):(\d+)", address):
        socket.create_connection((found[1], int(found[2])), PATIENCE).close()


def demand(cpus: int, memory: int) -> Demand:
    """Return what an actor takes: a GPU too if the cluster has any.

    Args:
        cpus: processors.
        memory: bytes.
    """
    return Demand(cpus, int(ray.cluster_resources().get("GPU", 0) > 0), memory)


def largest_memory(nodes: Sequence[Mapping[str, Any]]) -> int:
    """Return the bytes of memory of the largest node that is alive.

    Args:
        nodes: from `ray.nodes`.
    """
    return max((int(n["Resources"].get("memory", 0)) for n in nodes if n["Alive"]), default=0)


def room(nodes: Sequence[Mapping[str, Any]], each: Demand) -> int:
    """Return how many actors there is room for on the nodes that are alive.

    Args:
        nodes: from `ray.nodes`.
        each: what an actor takes.
    """
    wanted = {"CPU": each.cpus, "GPU": each.gpus, "memory": each.memory}
    return sum(
        int(
            min(
                node["Resources"].get(name, 0) // amount
                for name, amount in wanted.items()
                if amount
            )
        )
        for node in nodes
        if node["Alive"]
    )
