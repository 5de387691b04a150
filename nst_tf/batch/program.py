"""The program `nst-tf-batch`: every photo with every painting, or the rows of a manifest."""

from nst_tf.batch.flags import parse_batch
from nst_tf.batch.help import batch_help, batch_screen
from nst_tf.cli.streams import exit_status, print_out, run_program
from nst_tf.cli.worker_flags import check_ray
from nst_tf.utils.stdout import stdout_for_results


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 if all pictures exist, 1 for bad input or a failed job, 2 for misused flags. For a batch that
    was stopped, which the same command resumes, 128 + the signal's number.
    """
    return exit_status(lambda: _main(argv), "stopped before the first job")


def _main(argv: list[str]) -> int:
    values = parse_batch(argv)
    if values.help:
        return print_out(batch_screen())
    if values.helpfull:
        return print_out(batch_help())
    if values.version:
        from nst_tf.utils.version import __version__

        return print_out(f"nst_tf {__version__}")
    from nst_tf.batch.rehearsal import rehearse
    from nst_tf.batch.session import Batch, check_places  # slow to import, and help needs none
    from nst_tf.batch.source import Jobs

    check_places(values)
    check_ray(values)
    jobs = Jobs(values)
    total = jobs.check()
    with stdout_for_results(values.json):
        if values.dry_run:
            return rehearse(jobs, values.json)
        return Batch(values, jobs, total).run()


def console() -> None:
    """Entry point of `nst-tf-batch`."""
    run_program(main)
