"""Jobs run by actors on a Ray cluster."""

import dataclasses
import math
import os
import threading
import time
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import ray

from nst_tf.utils.errors import UserError
from nst_tf.utils.files import make_directory, write_whole
from nst_tf.workers.cluster import Demand, RayLog, alive, capacity
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import ATTEMPTS, Outcome, ShouldStop, WorkerFactory
from nst_tf.workers.ship import Parcel, Sender, painted_elsewhere

LOOK = 2.0  # seconds between looks at which nodes there are
NAME_LENGTH = 100  # characters of a task's name
# Ray's metrics never release the 1.8 kB of a task's name, here and in the actors; its dashboard
# keeps no more tasks than this. The actors' logs, which it shows too, name every job.
NAMES = 10_000


class Answer(NamedTuple):
    """The answer of an actor."""

    outcome: Outcome
    picture: bytes = b""


class Actor:
    """A process of the cluster that runs jobs."""

    def __init__(self, make: WorkerFactory) -> None:
        self._paint = make()
        self._stopping = threading.Event()

    def ready(self) -> None:
        """Answer as soon as the actor has been placed on a node."""

    def paint(self, job: Job, names: Sequence[str] | None, *contents: bytes) -> Answer:
        """Run a job, with paths and contents of shipped files, or `None` for a shared folder."""
        line = f"{job.place} -> {job.output}".encode(errors="backslashreplace")
        print(line.decode(), flush=True)  # to the actor's log
        picture = b""
        if names is None:
            outcome = self._paint(job, self._stopping.is_set)
        else:
            parcel = Parcel(names, contents)
            try:
                outcome, picture = painted_elsewhere(
                    self._paint, job, parcel, self._stopping.is_set
                )
            except OSError as error:  # the disk of this machine is full
                outcome = Outcome(job, "failed", str(error))
        worker = f"process {os.getpid()} of node {ray.util.get_node_ip_address()}"
        return Answer(dataclasses.replace(outcome, worker=worker), picture)

    @ray.method(concurrency_group="control")  # while a job is under way
    def stop(self) -> None:
        """Ask the running job to end soon, and the waiting ones at once."""
        self._stopping.set()


class _Hand:
    """An actor as the driver sees it.

    It has one job at a time. A second one in its queue would save a millisecond, but if the actor
    died, it would be unknown which of the two had been begun.
    """

    def __init__(self, kind: Any, make: WorkerFactory) -> None:
        self.actor = kind.remote(make)
        self.awaited: Any = self.actor.ready.remote()
        self.job: Job | None = None
        self.attempt = 0

    @property
    def is_free(self) -> bool:
        return self.awaited is None

    def give(self, job: Job, attempt: int, sender: Sender | None, name: str) -> None:
        """Send a job, shown as `name` by Ray's dashboard; OSError if a file cannot be read."""
        names, parts = sender.pack(job) if sender else (None, [])
        self.awaited = self.actor.paint.options(name=name).remote(job, names, *parts)
        self.job, self.attempt = job, attempt

    def answer(self) -> Outcome | None:
        """Return the outcome of its job; `None` if the answer only says that the actor is ready.

        Raises:
            RayError: the actor has died.
            UserError: it cannot be made.
        """
        try:
            answer = ray.get(self.awaited)
        except ray.exceptions.RayActorError as error:
            if error.actor_init_failed:
                reason = str(error).strip().splitlines()[-1]
                raise UserError(f"an actor cannot start: {reason}") from None
            raise
        self.awaited = None
        if self.job is None:
            return None
        self.job = None
        outcome = dataclasses.replace(answer.outcome, attempts=self.attempt)
        return _received(outcome, answer.picture) if answer.picture else outcome


class _Fleet:
    """The actors: as many as fit on the nodes, while these join and leave.

    Ray's own `max_restarts` and `max_task_retries` are not used. When a node is lost, Ray 2.60
    spends the retries on connections that are refused, before it knows of the loss, and restarts
    the actor only if one more fits. So a new actor replaces a dead one here.
    """

    def __init__(self, make: WorkerFactory, each: Demand, limit: int, log: RayLog | None) -> None:
        kind = ray.remote(concurrency_groups={"control": 1})(Actor)  # type: ignore[call-overload]
        self._kind = kind.options(num_cpus=each.cpus, num_gpus=each.gpus, memory=each.memory)
        self._make, self._each, self._limit = make, each, limit
        self._looked = -math.inf
        self._log = log
        self._alive: dict[str, str] = {}
        self.hands: list[_Hand] = []

    @property
    def busy(self) -> bool:
        return any(hand.job for hand in self.hands)

    def grow(self) -> None:
        """Start actors where they fit; UserError if none fits on any node."""
        if time.monotonic() - self._looked < LOOK:
            return
        self._looked = time.monotonic()
        nodes = ray.nodes()
        self.report_losses(nodes)
        wanted = capacity(nodes, self._each)
        if not wanted and not self.hands:
            raise UserError(
                f"no node has {self._each.cpus} processors and {self._each.memory >> 20} MiB of "
                "memory for an actor: lower --ray_cpus or --max_dim"
            )
        while len(self.hands) < min(wanted, self._limit or wanted):
            self.hands.append(_Hand(self._kind, self._make))

    def report_losses(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Warn about machines that have left since the last call."""
        now = alive(nodes)
        for name in self._alive.keys() - now.keys():
            where = f"; {self._log.name()} has Ray's own lines" if self._log else ""
            warnings.warn(
                f"the machine {self._alive[name]} was lost: its pictures are made elsewhere{where}"
            )
        self._alive = now

    def answers(self) -> list[Outcome]:
        """Wait a while for answers, and return the outcomes of jobs.

        An actor that has died is dropped, and its job is worth another attempt.
        """
        awaited = {hand.awaited: hand for hand in self.hands if not hand.is_free}
        found = [self._answer(awaited[ref]) for ref in ray.wait(list(awaited), timeout=LOOK)[0]]
        return [outcome for outcome in found if outcome]

    def _answer(self, hand: _Hand) -> Outcome | None:
        try:
            return hand.answer()
        except ray.exceptions.RayError as error:
            self.hands.remove(hand)
            self._looked = -math.inf  # so that a new actor replaces it at once
            ray.kill(hand.actor)
            if hand.job is None:
                return None
            reason = str(error).strip().splitlines()[0]
            text = f"the actor that painted it died ({reason}): if memory ran out, lower --max_dim"
            return Outcome(hand.job, "failed", text, worth_retrying=True, attempts=hand.attempt)


def run_on_ray(
    jobs: Iterator[Job],
    make: WorkerFactory,
    each: Demand,
    should_stop: ShouldStop,
    limit: int = 0,
    sender: Sender | None = None,
    log: RayLog | None = None,
) -> Iterator[Outcome]:
    """Run jobs on the cluster and yield their outcomes as they end, as `local.run_here`.

    After the death of an actor, alone or with its node, another one tries the job once more.

    Args:
        limit: maximum number of actors; 0 for as many as fit.

    Raises:
        UserError: an actor fits on no node.
    """
    fleet = _Fleet(make, each, limit, log)
    again: deque[tuple[Job, int]] = deque()
    left, told, given = True, False, 0
    while True:
        fleet.grow()
        for hand in fleet.hands:
            while hand.is_free and (left or again) and not should_stop():
                job, attempt = again.popleft() if again else (next(jobs, None), 1)
                if job is None:
                    left = False
                    break
                given += 1
                name = job.output[-NAME_LENGTH:] if given <= NAMES else f"after {NAMES} jobs"
                try:
                    hand.give(job, attempt, sender, name)
                except OSError as error:
                    yield Outcome(job, "failed", str(error))
        if should_stop() and not told:
            told = True
            for hand in fleet.hands:
                hand.actor.stop.remote()
        if not fleet.busy and (should_stop() or not (left or again)):
            fleet.report_losses(ray.nodes())  # since the last look
            return
        for outcome in fleet.answers():
            if outcome.worth_retrying and outcome.attempts < ATTEMPTS and not should_stop():
                again.append((outcome.job, outcome.attempts + 1))
            else:
                yield outcome


def _received(outcome: Outcome, picture: bytes) -> Outcome:
    """Write a picture that an actor has sent back, and return the outcome."""
    job = outcome.job
    try:
        make_directory(os.path.dirname(job.output) or os.curdir)
        with write_whole(job.output, ("overwrite", "true") in job.flags) as file:
            file.write(picture)
    except OSError as error:
        return dataclasses.replace(outcome, status="failed", error=str(error))
    return outcome
