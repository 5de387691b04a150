"""Jobs done by processes of this machine, each of which can be lost without the others."""

import dataclasses
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from nst_tf.utils.stderr import own_stderr
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import ATTEMPTS, Make, Outcome, Stopping

LOOK = 0.2  # seconds between looks at whether to stop
PATIENCE = 10.0  # seconds that a worker without work may take to end


def run_here(
    jobs: Iterator[Job], make: Make, workers: int, stopping: Stopping
) -> Iterator[Outcome]:
    """Do jobs by worker processes and yield what has become of them, as they end.

    A worker that dies fails its job alone. The job is tried once more, and so is one for which
    memory ran out, both by a new process.

    Args:
        jobs: as many are taken as there are workers without one.
        make: makes what does the jobs, in each worker.
        workers: how many.
        stopping: once it returns true, no job is begun, and those under way end soon.
    """
    pool = _Pool(make, workers)
    again: deque[tuple[Job, int]] = deque()
    try:
        while True:
            while pool.has_room and not stopping():
                job, attempt = again.popleft() if again else (next(jobs, None), 1)
                if job is None:
                    break
                pool.give(job, attempt)
            if not pool.busy:
                return
            for worker in pool.ended(stopping):
                outcome = worker.outcome()
                if outcome.worth_retrying:
                    pool.drop(worker)  # a new process has its memory back
                if outcome.worth_retrying and outcome.attempts < ATTEMPTS and not stopping():
                    again.append((outcome.job, outcome.attempts + 1))
                else:
                    yield outcome
    finally:
        pool.close()


class _Pool:
    """The workers; a process is begun when there is a job for it."""

    def __init__(self, make: Make, limit: int) -> None:
        self._make = make
        self._limit = limit
        self._workers: list[_Worker] = []
        self._told = False

    @property
    def has_room(self) -> bool:
        return len(self.busy) < self._limit

    @property
    def busy(self) -> list["_Worker"]:
        return [worker for worker in self._workers if worker.job is not None]

    def give(self, job: Job, attempt: int) -> None:
        worker = next((worker for worker in self._workers if worker.job is None), None)
        if worker is None:
            worker = _Worker(self._make)
            self._workers.append(worker)
        worker.give(job, attempt)

    def ended(self, stopping: Stopping) -> list["_Worker"]:
        """Return the workers that have something to say, as soon as there is one."""
        busy = {worker.connection: worker for worker in self.busy}
        while True:
            if stopping() and not self._told:
                self._told = True
                for worker in busy.values():
                    worker.tell_to_stop()
            if found := wait(busy.keys(), LOOK):
                return [busy[connection] for connection in found]  # type: ignore[index]

    def drop(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        worker.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()  # all at once, then wait for each
        for worker in self._workers:
            worker.close()


class _Worker:
    """A process that does one job at a time."""

    def __init__(self, make: Make) -> None:
        # Not `fork`: TensorFlow's threads would not be there in the child.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, make))
        self._process.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self.job: Job | None = None
        self._attempt = 0

    def give(self, job: Job, attempt: int) -> None:
        self.job, self._attempt = job, attempt
        with suppress(OSError):  # a process that has died is noticed when it is asked
            self.connection.send(job)

    def outcome(self) -> Outcome:
        """Return what has become of the job."""
        assert self.job
        job, self.job = self.job, None
        try:
            outcome = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            error = ended_how(self._process.exitcode or 0)
            outcome = Outcome(job, "failed", error, worth_retrying=True)
        worker = f"process {self._process.pid}"
        return dataclasses.replace(outcome, attempts=self._attempt, worker=worker)

    def tell_to_stop(self) -> None:
        with suppress(OSError):
            self.connection.send(None)

    def close(self) -> None:
        self.connection.close()
        self._process.join(PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def ended_how(status: int) -> str:
    """Return in words how a process ended, by its exit status as `multiprocessing` has it."""
    if status >= 0:
        return f"the process that painted it ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:  # a real-time signal, which may have no name
        name = f"signal {-status}"
    memory = "; if memory ran out, lower --jobs or --max_dim" if name == "SIGKILL" else ""
    return f"the process that painted it was ended by {name}{memory}"


def _work(connection: Connection, make: Make) -> None:
    """Do jobs until nobody asks for more; runs in a process of its own."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the first process says when to stop
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    own_stderr()
    # Whatever comes while a job goes on means to stop, and so does the end of the first process.
    stopping: Callable[[], bool] = connection.poll
    paint = make()
    with suppress(EOFError, OSError):
        while (job := connection.recv()) is not None:
            connection.send(paint(job, stopping))
