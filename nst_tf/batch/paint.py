"""Jobs painted in this process, in the same way as by `nst-tf`."""

import dataclasses
import os
import warnings
from typing import TYPE_CHECKING

from nst_tf.batch.finished import is_finished
from nst_tf.batch.job import parse_job
from nst_tf.cli.job import CheckpointError, RunContext, check, prepare
from nst_tf.compute.device import start_tensorflow
from nst_tf.settings import Settings
from nst_tf.utils.files import make_directory
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import Outcome, ShouldStop, run_safely

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache


class JobPainter:
    """Paints jobs one after the other, and keeps what the next one can use.

    That is the network, the compiled steps and the statistics of the latest paintings. With equal
    threads and memory, the picture equals that of `nst-tf` with the same flags, bit for bit.

    Args:
        budget: bytes that this process may use; `None` leaves it to the settings.
        threads: number of threads that TensorFlow may use; 0 for all.
    """

    def __init__(self, budget: int | None = None, threads: int = 0) -> None:
        self._budget = budget
        self._threads = threads
        self._cache: StatisticsCache | None = None

    def __call__(self, job: Job, should_stop: ShouldStop) -> Outcome:
        """Paint a job; errors are reported by the outcome, not raised."""
        return run_safely(job, lambda: self._paint(job, should_stop))

    def _paint(self, job: Job, should_stop: ShouldStop) -> Outcome:
        if is_finished(job):  # by a worker that was lost afterwards
            return Outcome(job, "done")
        request = parse_job(job)
        make_directory(os.path.dirname(job.output) or os.curdir)
        checked = check(request, self._budget)
        memory: tuple[int, StatisticsCache] | tuple[()] = ()
        if not checked.settings.recolor:
            self._start(request.device, request.deterministic)
            memory = self._memory(checked.settings)
        try:
            prepared = prepare(checked, *memory)
        except CheckpointError as error:
            _set_aside(error)
            checked = check(request, self._budget)  # it may refuse to overwrite
            prepared = prepare(checked, *memory)
        running = RunContext(prepared)
        transfer, saved = running.job.transfer, running.job.saved
        if should_stop():
            return Outcome(job, "stopped")
        callbacks = [*running.recorders(), lambda _: should_stop()]
        image = transfer.finish(callbacks, saved.state if saved else None)
        assert running.latest
        assert running.checkpoint
        outcome = Outcome(
            job,
            "done",
            steps=running.latest.state.step,
            losses=dict(running.latest.losses),
            size=checked.inputs.fitted.size,
            faces=len(checked.inputs.fitted.faces),
        )
        if not running.has_ended():
            running.checkpoint.save()
            return dataclasses.replace(outcome, status="stopped")
        try:
            running.outputs.save_picture(checked.paths.picture, image)
        except FileExistsError:  # from a worker that had been given up too early
            if not is_finished(job):
                raise
        running.checkpoint.remove()
        return outcome

    def _start(self, device: str, deterministic: bool) -> None:
        if self._cache is None:  # later, TensorFlow no longer lets threads be chosen
            start_tensorflow(device, deterministic, self._threads)

    def _memory(self, settings: Settings) -> "tuple[int, StatisticsCache]":
        """Return the bytes that a run may use, and the cache of statistics, which has the rest."""
        from nst_tf.compute.budget import memory_budget
        from nst_tf.compute.cache import StatisticsCache, cache_share

        budget = memory_budget(settings) if self._budget is None else self._budget
        if self._cache is None:
            self._cache = StatisticsCache(cache_share(budget))
        return budget - self._cache.limit, self._cache


def _set_aside(error: CheckpointError) -> None:
    """Rename a checkpoint that the job cannot use."""
    aside = error.path.with_name(f"{error.path.name}.old")
    os.replace(error.path, aside)
    warnings.warn(
        f"{error.path} is set aside as {aside.name}, and the job starts again: {error.reason}"
    )
