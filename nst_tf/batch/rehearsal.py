"""A dry run: the pictures that would be made, and the jobs that would fail."""

import dataclasses
import os
from typing import Any

from nst_tf.batch.finished import is_finished
from nst_tf.batch.job import method, parse_job
from nst_tf.batch.journal import finished_record
from nst_tf.batch.source import Jobs
from nst_tf.cli.inputs import load_inputs, picture_paths
from nst_tf.cli.streams import print_error, print_out
from nst_tf.images.save import check_output_size
from nst_tf.utils.stdout import print_json
from nst_tf.workers.job import Job
from nst_tf.workers.outcome import Outcome, run_safely

TO_DO = {"status": "to do"}


def rehearse(jobs: Jobs, json: bool = False) -> int:
    """List what each job would make, and return the exit status: 1 if any would fail.

    Args:
        json: whether to print a line of JSON for each job, besides what is printed anyway.
    """
    rehearsal, status = Rehearsal(), 0
    for job in jobs.valid():
        finished = is_finished(job)
        outcome = Outcome(job, "done") if finished else rehearsal(job)
        for warning in outcome.warnings:
            print_error(f"warning: {job.place}: {warning}", 0)
        if outcome.error:
            status = print_error(f"{job.place}: {outcome.error}", 1)
        else:
            print_out(f"{job.place} -> {job.output}{' (finished)' * finished}")
        if json:
            state = {"status": "failed", "error": outcome.error} if outcome.error else TO_DO
            print_json(finished_record(job) | ({} if finished else state))
    return status


class Rehearsal:
    """Reads the pictures of jobs as a run would.

    Each picture is read once with the same settings: of every photo with every painting, all
    photos with the first painting and all paintings with the first photo are read.
    """

    def __init__(self) -> None:
        self._sound: set[int] = set()

    def __call__(self, job: Job) -> Outcome:
        """Return `done`, or `failed` with the reason why a run would fail."""
        return run_safely(job, lambda: self._rehearse(job))

    def _rehearse(self, job: Job) -> Outcome:
        request = parse_job(job)
        replaced = request.overwrite or os.path.exists(f"{job.output}.checkpoint")
        if os.path.exists(job.output) and not replaced:
            raise FileExistsError(f"{job.output} exists: choose another name or add --overwrite")
        common: Any = method(job.flags)
        paths = [path for named in picture_paths(request).values() for path in named]
        keys = {hash((common, path)) for path in paths}
        if not keys <= self._sound:
            # The search for faces takes longest and refuses nothing.
            settings = dataclasses.replace(request.settings, keep_faces=False)
            inputs = load_inputs(dataclasses.replace(request, settings=settings))
            check_output_size(job.output, *inputs.fitted.size)
            self._sound |= keys
        return Outcome(job, "done")
