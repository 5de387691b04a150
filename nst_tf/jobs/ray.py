"""Jobs done by actors on a Ray cluster. Nothing else imports Ray."""

import dataclasses
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ray

from nst_tf.files import write_whole
from nst_tf.jobs.job import Job
from nst_tf.jobs.outcome import ATTEMPTS, Make, Outcome, Stopping
from nst_tf.jobs.ship import Parcel, Sender, painted_elsewhere

PENDING = 2  # jobs that an actor has at most: one under way, and one that saves it from waiting
LOOK = 2.0  # seconds between looks at which nodes there are
NAMED = 100  # characters of a task's name


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


class Answer(NamedTuple):
    """What an actor sends back.

    Attributes:
        outcome: of the job.
        node: where the actor is now.
        picture: the file that it has made, if pictures are shipped.
    """

    outcome: Outcome
    node: str
    picture: bytes = b""


class Actor:
    """A process of the cluster that does jobs and keeps what the next one can use.

    Args:
        make: makes what does the jobs.
    """

    def __init__(self, make: Make) -> None:
        self._paint = make()
        self._stopping = threading.Event()

    def node(self) -> str:
        """Return the node that the actor is on."""
        return ray.get_runtime_context().get_node_id()

    def paint(self, job: Job, names: Sequence[str] | None, *contents: bytes) -> Answer:
        """Do a job.

        Args:
            job: the job itself.
            names: the files that have been shipped; None: all machines see the same files.
            contents: theirs.
        """
        picture = b""
        if names is None:
            outcome = self._paint(job, self._stopping.is_set)
        else:
            parcel = Parcel(names, contents)
            outcome, picture = painted_elsewhere(self._paint, job, parcel, self._stopping.is_set)
        node = self.node()
        worker = f"process {os.getpid()} of node {ray.util.get_node_ip_address()}"
        return Answer(dataclasses.replace(outcome, worker=worker), node, picture)

    @ray.method(concurrency_group="control")  # while a job is under way
    def stop(self) -> None:
        """Let the job that is under way end soon, and those that wait at once."""
        self._stopping.set()


def connect(address: str) -> None:
    """Join a cluster: `local` starts one of this machine alone.

    Raises:
        ConnectionError: there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConnectionError(
            f"--ray {address} leads to no cluster ({reason}): start one by ray start --head"
        ) from None


def demand(cpus: int, memory: int) -> Demand:
    """Return what an actor takes: a GPU too if the cluster has any.

    Args:
        cpus: processors.
        memory: bytes.
    """
    return Demand(cpus, int(ray.cluster_resources().get("GPU", 0) > 0), memory)


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


class _Hand:
    """An actor as the driver sees it: where it is, and which jobs it has."""

    def __init__(self, kind: Any, make: Make) -> None:
        self.actor = kind.remote(make)
        self.node = ""
        self.arrival = self.actor.node.remote()
        self.jobs: dict[Any, tuple[Job, int]] = {}

    @property
    def has_room(self) -> bool:
        return bool(self.node) and len(self.jobs) < PENDING


class _Fleet:
    """The actors, as many as there is room for while nodes come and go."""

    def __init__(self, make: Make, each: Demand, limit: int) -> None:
        kind = ray.remote(concurrency_groups={"control": 1})(Actor)  # type: ignore[call-overload]
        self._kind = kind.options(
            num_cpus=each.cpus,
            num_gpus=each.gpus,
            memory=each.memory,
            max_restarts=-1,
            max_task_retries=ATTEMPTS - 1,  # if its process dies; errors are answers
        )
        self._make, self._each, self._limit = make, each, limit
        self._looked = -LOOK
        self.hands: list[_Hand] = []

    def look(self) -> list[tuple[Job, int]]:
        """Fit the actors to the nodes that are there; return the jobs of those that are lost.

        Ray would restart an actor of a lost node only where there is room for it, and let its jobs
        wait until then.

        Raises:
            RuntimeError: no node has room for an actor.
        """
        if time.monotonic() - self._looked < LOOK:
            return []
        self._looked = time.monotonic()
        nodes = ray.nodes()
        alive = {node["NodeID"] for node in nodes if node["Alive"]}
        lost = [hand for hand in self.hands if hand.node and hand.node not in alive]
        for hand in lost:
            self.hands.remove(hand)
            ray.kill(hand.actor)
        wanted = room(nodes, self._each)
        if not wanted and not self.hands:
            raise RuntimeError(
                f"no node has {self._each.cpus} processors and {self._each.memory >> 20} MiB of "
                "memory for an actor: lower --ray_cpus or --max_dim"
            )
        while len(self.hands) < min(wanted, self._limit or wanted):
            self.hands.append(_Hand(self._kind, self._make))
        return [job for hand in lost for job in hand.jobs.values()]

    def owners(self) -> dict[Any, _Hand]:
        """Return who is asked for what: every reference that is waited for."""
        return {ref: hand for hand in self.hands for ref in (*hand.jobs, *self._arrival(hand))}

    @staticmethod
    def _arrival(hand: _Hand) -> list[Any]:
        return [] if hand.node else [hand.arrival]


def run_on_ray(
    jobs: Iterator[Job],
    make: Make,
    each: Demand,
    stopping: Stopping,
    limit: int = 0,
    sender: Sender | None = None,
) -> Iterator[Outcome]:
    """Do jobs on the cluster and yield what has become of them, as they end.

    Jobs of an actor that is lost with its node go to others. If an actor's process dies, Ray
    restarts it and tries the job once more. A job for which memory ran out is tried once more too.

    Args:
        jobs: as many are taken as actors can have.
        make: makes what does the jobs, in each actor.
        each: what an actor takes of its node.
        stopping: once it returns true, no job is begun, and those under way end soon.
        limit: of actors; 0: as many as there is room for.
        sender: ships files; None: all machines see the same ones.

    Raises:
        RuntimeError: no node has room for an actor.
    """
    fleet = _Fleet(make, each, limit)
    again: deque[tuple[Job, int]] = deque()
    left, told = True, False
    while True:
        again.extend(fleet.look())
        for hand in fleet.hands:
            while hand.has_room and (left or again) and not stopping():
                job, attempt = again.popleft() if again else (next(jobs, None), 1)
                if job is None:
                    left = False
                    break
                try:
                    names, parts = sender.pack(job) if sender else (None, [])
                except OSError as error:
                    yield Outcome(job, "failed", str(error))
                    continue
                named = hand.actor.paint.options(name=job.output[-NAMED:])
                hand.jobs[named.remote(job, names, *parts)] = (job, attempt)
        if stopping() and not told:
            told = True
            for hand in fleet.hands:
                hand.actor.stop.remote()
        if not any(hand.jobs for hand in fleet.hands) and (stopping() or not (left or again)):
            return
        owners = fleet.owners()
        for ref in ray.wait(list(owners), timeout=LOOK)[0]:
            outcome = _collect(owners[ref], ref)
            if outcome is None:
                continue
            if outcome.worth_retrying and outcome.attempts < ATTEMPTS:
                again.append((outcome.job, outcome.attempts + 1))
            else:
                yield outcome


def _collect(hand: _Hand, ref: Any) -> Outcome | None:
    """Return what has become of a job; None if the actor has only arrived, or will be missed."""
    if ref == hand.arrival:
        hand.node = ray.get(ref)
        return None
    job, attempt = hand.jobs[ref]
    try:
        answer = ray.get(ref)
    except ray.exceptions.RayTaskError as error:  # of what no job's outcome could tell
        del hand.jobs[ref]
        return Outcome(job, "failed", str(error.cause), attempts=attempt, details=str(error))
    except ray.exceptions.RayError as error:
        if not any(node["Alive"] for node in ray.nodes() if node["NodeID"] == hand.node):
            return None  # the next look gives its jobs to others
        del hand.jobs[ref]
        reason = str(error).splitlines()[0]
        text = f"the actor that painted it died ({reason}): if memory ran out, lower --max_dim"
        return Outcome(job, "failed", text, attempts=ATTEMPTS, details=str(error))
    del hand.jobs[ref]
    hand.node = answer.node  # a restarted actor may have moved
    outcome = dataclasses.replace(answer.outcome, attempts=attempt)
    if answer.picture:
        outcome = _received(outcome, answer.picture)
    return outcome


def _received(outcome: Outcome, picture: bytes) -> Outcome:
    """Write a picture that has been sent back."""
    job = outcome.job
    try:
        os.makedirs(os.path.dirname(job.output), exist_ok=True)
        with write_whole(job.output, ("overwrite", "true") in job.flags) as file:
            file.write(picture)
    except OSError as error:
        return dataclasses.replace(outcome, status="failed", error=str(error))
    return outcome
