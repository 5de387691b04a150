"""Jobs run by processes of this machine, each of which can die without the others."""

import dataclasses
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from nst_tf.utils.stderr import own_stderr
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import ATTEMPTS, Outcome, ShouldStop, WorkerFactory

LOOK = 0.2  # seconds between calls of `should_stop`
PATIENCE = 10.0  # seconds for an idle worker to end


def run_here(
    jobs: Iterator[Job], make: WorkerFactory, workers: int, should_stop: ShouldStop
) -> Iterator[Outcome]:
    """Run jobs in worker processes and yield their outcomes as they end.

    A job is taken whenever a worker is free. The death of a worker fails only its job. A new
    process tries the job once more. The same holds for a job that ran out of memory. Once
    `should_stop` returns true, no job is begun, and running ones end soon.
    """
    pool = _Pool(make, workers)
    again: deque[tuple[Job, int]] = deque()
    try:
        while True:
            while pool.has_capacity and not should_stop():
                job, attempt = again.popleft() if again else (next(jobs, None), 1)
                if job is None:
                    break
                pool.give(job, attempt)
            if not pool.busy:
                return
            for worker in pool.ended(should_stop):
                outcome = worker.outcome()
                if outcome.worth_retrying:
                    pool.drop(worker)  # a new process has its memory back
                if outcome.worth_retrying and outcome.attempts < ATTEMPTS and not should_stop():
                    again.append((outcome.job, outcome.attempts + 1))
                else:
                    yield outcome
    finally:
        pool.close()


class _Pool:
    """The workers; a process starts when there is a job for it."""

    def __init__(self, make: WorkerFactory, limit: int) -> None:
        self._make = make
        self._limit = limit
        self._workers: list[_Worker] = []
        self._stopped = False

    @property
    def has_capacity(self) -> bool:
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

    def ended(self, should_stop: ShouldStop) -> list["_Worker"]:
        """Wait for the next answers, and return the workers that sent them."""
        busy = {worker.connection: worker for worker in self.busy}
        while True:
            if should_stop() and not self._stopped:
                self._stopped = True
                for worker in busy.values():
                    worker.stop()
            if found := wait(busy.keys(), LOOK):
                return [busy[connection] for connection in found]  # type: ignore[index]

    def drop(self, worker: "_Worker") -> None:
        self._workers.remove(worker)
        worker.close()

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()  # first all, so that none waits for another
        for worker in self._workers:
            worker.close()


class _Worker:
    """A process that does one job at a time."""

    def __init__(self, make: WorkerFactory) -> None:
        # Not `fork`: TensorFlow's threads would not exist in the child.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, make))
        self._process.start()
        theirs.close()  # so that the end of the process closes the pipe
        self.job: Job | None = None
        self._attempt = 0

    def give(self, job: Job, attempt: int) -> None:
        self.job, self._attempt = job, attempt
        with suppress(OSError):  # a dead process is noticed when its answer is read
            self.connection.send(job)

    def outcome(self) -> Outcome:
        """Return the outcome of the job."""
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

    def stop(self) -> None:
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


def _work(connection: Connection, make: WorkerFactory) -> None:
    """Run jobs until the first process sends no more; called in the worker process."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the first process decides when to stop
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    own_stderr()
    # Any message during a job, or the end of the first process, is a request to stop.
    should_stop: Callable[[], bool] = connection.poll
    run_job = make()
    with suppress(EOFError, OSError):
        while (job := connection.recv()) is not None:
            connection.send(run_job(job, should_stop))
