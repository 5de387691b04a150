"""A running batch: its workers, its journal, its end."""

import contextlib
import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from absl import flags

from nst_tf.batch.finished import is_finished
from nst_tf.batch.journal import Journal, finished_record, record
from nst_tf.batch.need import greatest_need, share_out
from nst_tf.batch.paint import JobPainter
from nst_tf.batch.sheet import MOST, draw_sheet, is_sheet_of, legend
from nst_tf.batch.source import WINDOW, Jobs, ordered
from nst_tf.batch.summary import Report, Tally
from nst_tf.batch.turn import turn
from nst_tf.cli.signals import Stopper
from nst_tf.cli.streams import print_error
from nst_tf.images.save import output_format
from nst_tf.utils.files import check_directory, check_outputs, make_directory
from nst_tf.utils.stdout import print_json
from nst_tf.workers.job import Job, absolute_paths
from nst_tf.workers.local import run_here
from nst_tf.workers.outcome import Outcome, RunJob, ShouldStop

if TYPE_CHECKING:
    from nst_tf.workers.cluster import RayLog


def check_places(values: flags.FlagValues) -> None:
    """Refuse outputs that a batch could not write, with an OSError or UserError."""
    check_directory(values.output_dir, "output_dir")
    if values.contact_sheet:
        output_format(values.contact_sheet)
        check_outputs([values.contact_sheet], [values.manifest] if values.manifest else [])
        if not values.overwrite and not is_sheet_of(values.contact_sheet, values.output_dir):
            for path in filter(
                os.path.exists, (values.contact_sheet, legend(values.contact_sheet))
            ):
                raise FileExistsError(f"{path} exists: choose another name or add --overwrite")


class Batch:
    """A running batch.

    Args:
        make: makes the function that runs a job, from a worker's bytes of memory and threads.
    """

    def __init__(
        self,
        values: flags.FlagValues,
        jobs: Jobs,
        total: int,
        make: Callable[[int | None, int], RunJob] = JobPainter,
    ) -> None:
        self.values = values
        self.jobs = jobs
        self.make = make
        self.tally = Tally(total)
        self.log: RayLog | None = None
        self.journal_path = values.journal or os.path.join(values.output_dir, "journal.jsonl")

    def run(self) -> int:
        """Run all jobs and return the exit status."""
        with contextlib.ExitStack() as closing:
            if self.values.ray:
                from nst_tf.workers.cluster import joined

                self.log = closing.enter_context(joined(self.values.ray))
            make_directory(self.values.output_dir)
            journal = closing.enter_context(contextlib.closing(Journal(self.journal_path)))
            report = Report(self.tally, self.journal_path, sys.stdout, self.values.quiet)
            closing.callback(report.close)
            stopper = closing.enter_context(Stopper(self.stopped))
            closing.enter_context(turn(self.values.output_dir, stopper))
            for outcome in self.outcomes(self.unfinished(report), stopper):
                self.tally.add(outcome)
                report.show(outcome)
                if self.values.json:
                    print_json(record(outcome))
                if outcome.status != "stopped":
                    journal.write(outcome)
        if stopper.signal is not None and self.tally.ended < self.tally.total:
            self.stopped()
            return 128 + stopper.signal
        status = 1 if self.tally.failed else 0
        return self.draw_sheet() or status if self.values.contact_sheet else status

    def unfinished(self, report: Report) -> Iterator[Job]:
        """Yield the jobs that are not finished, with similar ones next to each other."""

        def left() -> Iterator[Job]:
            for job in self.jobs.valid():
                if is_finished(job):
                    self.tally.skipped += 1
                    report.update()
                    if self.values.json:
                        print_json(finished_record(job))
                else:
                    yield job

        return ordered(left())

    def outcomes(self, jobs: Iterator[Job], should_stop: ShouldStop) -> Iterator[Outcome]:
        """Have workers run the jobs, and yield the outcome of each as it ends."""
        values = self.values
        first: list[Job] = []
        if values.jobs > 1 or values.ray:  # their need decides the number of workers
            first = list(itertools.islice(jobs, WINDOW))
            if not first:
                return iter(())
            jobs = itertools.chain(first, jobs)
        if values.ray:
            return self.outcomes_of_cluster(jobs, first, should_stop)
        wanted = min(values.jobs, self.tally.total)
        share = share_out(wanted, first, values.device)
        if share.workers < wanted:
            print_error(f"warning: memory is enough for {share.workers} of {values.jobs} --jobs", 0)
        make = functools.partial(self.make, share.budget, share.threads)
        return run_here(jobs, make, share.workers, should_stop)

    def outcomes_of_cluster(
        self, jobs: Iterator[Job], first: list[Job], should_stop: ShouldStop
    ) -> Iterator[Outcome]:
        """Have a Ray cluster run the jobs; the need of the `first` stands for all."""
        import ray

        from nst_tf.workers.cluster import demand, largest_memory
        from nst_tf.workers.ray import run_on_ray
        from nst_tf.workers.ship import Sender

        values = self.values
        need = greatest_need(first, values.device, largest_memory(ray.nodes()))
        each = demand(values.ray_cpus, need)
        budget = None if each.gpus else each.memory
        make = functools.partial(self.make, budget, each.cpus)
        sender = Sender(ray.put) if values.ship_inputs else None
        absolute = map(absolute_paths, jobs)  # other machines have other current directories
        return run_on_ray(absolute, make, each, should_stop, values.ray_workers, sender, self.log)

    def stopped(self) -> None:
        """Print that a signal has ended the batch, and how to resume it."""
        tally = self.tally
        print_error(
            f"stopped with {tally.ended} of {tally.total} jobs ended; the same command resumes the "
            "batch",
            1,
        )

    def draw_sheet(self) -> int:
        """Draw the contact sheet and return the exit status."""
        path = self.values.contact_sheet
        pictures = [job.output for job in itertools.islice(self.jobs.valid(), MOST)]
        if self.tally.total > MOST:
            print_error(f"warning: {path} shows the first {MOST} of {self.tally.total} pictures", 0)
        draw_sheet(path, pictures, self.jobs.columns, self.values.output_dir)
        return 0
