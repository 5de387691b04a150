"""The Ray cluster: connection, capacity and messages."""

import logging
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import ray

from nst_tf.utils.stderr import kept_stderr, stderr_to

PATIENCE = 5.0  # seconds for an answer; Ray itself tries for minutes


class Demand(NamedTuple):
    """The processors, which are TensorFlow's threads too, GPUs and bytes that an actor needs."""

    cpus: int
    gpus: int
    memory: int


class RayLog:
    """A file for the messages of Ray, kept if one of our messages names it."""

    def __init__(self) -> None:
        descriptor, self._path = tempfile.mkstemp(prefix="nst_tf-ray-", suffix=".log")
        self.file = open(descriptor, "w+b", buffering=0)  # noqa: SIM115
        self._named = False

    def name(self) -> str:
        """Return the path, and keep the file."""
        self._named = True
        return self._path

    def text(self) -> str:
        """Return the messages."""
        return Path(self._path).read_text(errors="replace")

    def close(self) -> None:
        """Close the file, and remove it unless it has been named."""
        self.file.close()
        if not self._named:
            os.remove(self._path)


@contextmanager
def joined(address: str) -> Iterator[RayLog]:
    """Join a cluster for a block; `local` starts one of this machine alone.

    Messages of Ray go to a file meanwhile. A ConnectionError reports that there is no cluster at
    the address, or that it refuses.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray must not report usage
    with closing(RayLog()) as log, kept_stderr() as ours, stderr_to(log.file):
        try:
            _check_reachable(address)
        except OSError as error:
            raise ConnectionError(nothing_there(address, error)) from None
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ConnectionError(refusal(address, error, log.text())) from None
        try:
            with redirect_stderr(ours):  # only now: Ray's loggers keep the stream that they find
                yield log
        finally:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise an OSError if there is no answer from an address such as 10.0.0.1:6379."""
    if found := _host_and_port(address):
        socket.create_connection((found[1], int(found[2])), PATIENCE).close()


def _host_and_port(address: str) -> re.Match[str] | None:
    return re.fullmatch(r"([^/]+):(\d+)", address)


def nothing_there(address: str, error: Exception) -> str:
    """Return the line about an address at which there is no cluster."""
    reason = " ".join(str(error).split())
    return f"--ray {address} leads to no cluster ({reason}): start one by ray start --head"


def refusal(address: str, error: Exception, printed: str) -> str:
    """Return the line about a cluster that cannot be joined, by the error or Ray's messages."""
    lines = [re.sub(r"^\[[^]]*\] \S+: ", "", line) for line in printed.splitlines()]
    reasons = [" ".join(str(error).split()), *lines[-1:]]
    if any("token" in reason.lower() for reason in reasons):
        return (
            f"--ray {address} asks for another token: set RAY_AUTH_MODE=token and copy "
            "~/.ray/auth_token from the cluster's first machine"
        )
    if _host_and_port(address):  # it has answered
        return f"--ray {address} answers and refuses ({'; '.join(reasons)})"
    return nothing_there(address, error)


def demand(cpus: int, memory: int) -> Demand:
    """Return what an actor needs, including a GPU if the cluster has any."""
    return Demand(cpus, int(ray.cluster_resources().get("GPU", 0) > 0), memory)


def largest_memory(nodes: Sequence[Mapping[str, Any]]) -> int:
    """Return the bytes of memory of the largest node that is alive."""
    return max((int(n["Resources"].get("memory", 0)) for n in nodes if n["Alive"]), default=0)


def alive(nodes: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the addresses of the nodes that are alive, by their names."""
    return {node["NodeID"]: node["NodeManagerAddress"] for node in nodes if node["Alive"]}


def capacity(nodes: Sequence[Mapping[str, Any]], each: Demand) -> int:
    """Return how many actors fit on the nodes that are alive."""
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
