"""A job done in this process, by the same way as `run` does it."""

import dataclasses
import os
import warnings
from typing import TYPE_CHECKING

from nst_tf.batch.finished import is_finished
from nst_tf.cli.flags import parse
from nst_tf.cli.job import CheckpointError, RunContext, check, prepare
from nst_tf.compute.start import start_tensorflow
from nst_tf.settings import Settings
from nst_tf.utils.files import make_directory
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import Outcome, Stopping, run_safely

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache


class Painter:
    """Does jobs one after the other, and keeps what the next one can use.

    The network and compiled steps stay, and what the network finds in the latest paintings. With as
    many threads and as much memory, the picture is that of `run` by the same flags, bit for bit.

    Args:
        budget: bytes that this process may take; None: what the settings say.
        threads: that TensorFlow may use; 0: all.
    """

    def __init__(self, budget: int | None = None, threads: int = 0) -> None:
        self._budget = budget
        self._threads = threads
        self._memo: StatisticsCache | None = None

    def __call__(self, job: Job, stopping: Stopping) -> Outcome:
        """Do a job; whatever goes wrong is told by the outcome."""
        return run_safely(job, lambda: self._paint(job, stopping))

    def _paint(self, job: Job, stopping: Stopping) -> Outcome:
        if is_finished(job):  # by a worker that was lost before it could say so
            return Outcome(job, "done")
        request = parse(["nst_tf.batch", *job.words()])
        make_directory(os.path.dirname(job.output) or os.curdir)
        checked = check(request, self._budget)
        self._start(request.device, request.deterministic)
        memory = self._memory(checked.settings)
        try:
            prepared = prepare(checked, *memory)
        except CheckpointError as error:
            _set_aside(error)
            checked = check(request, self._budget)  # which may refuse to overwrite
            prepared = prepare(checked, *memory)
        running = RunContext(prepared)
        transfer, saved = running.job.transfer, running.job.saved
        if stopping():
            return Outcome(job, "stopped")
        callbacks = [*running.recorders(), lambda _: stopping()]
        image = transfer.finish(callbacks, saved.state if saved else None)
        assert running.latest
        assert running.checkpoint
        outcome = Outcome(
            job, "done", steps=running.latest.step, losses=dict(running.latest.losses)
        )
        if not running.has_ended():
            running.checkpoint.save()
            return dataclasses.replace(outcome, status="stopped")
        try:
            running.outputs.save_picture(checked.paths.picture, image)
        except FileExistsError:  # by a worker that had been given up too early
            if not is_finished(job):
                raise
        running.checkpoint.remove()
        return outcome

    def _start(self, device: str, deterministic: bool) -> None:
        if self._memo is None:  # threads can be chosen before TensorFlow computes anything
            start_tensorflow(device, deterministic, self._threads)

    def _memory(self, settings: Settings) -> "tuple[int, StatisticsCache]":
        """Return the bytes that a run may take, and the memo, which takes the rest."""
        from nst_tf.compute.budget import memory_budget
        from nst_tf.compute.cache import StatisticsCache, cache_share

        budget = memory_budget(settings) if self._budget is None else self._budget
        if self._memo is None:
            self._memo = StatisticsCache(cache_share(budget))
        return budget - self._memo.limit, self._memo


def _set_aside(error: CheckpointError) -> None:
    """Rename a checkpoint that the job cannot use."""
    aside = error.path.with_name(f"{error.path.name}.old")
    os.replace(error.path, aside)
    warnings.warn(
        f"{error.path} is set aside as {aside.name}, and the job starts again: {error.reason}"
    )
