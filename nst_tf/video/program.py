"""The program `nst-tf-video`."""

import dataclasses
import time

from absl import flags

from nst_tf.cli.help import help_text
from nst_tf.cli.streams import exit_status, print_out, run_program
from nst_tf.settings import Settings
from nst_tf.utils.stdout import print_json, stdout_for_results
from nst_tf.video.flags import NOTHING, VIDEO_FLAGS, VIDEO_SCREEN, VIDEO_USAGE, parse_video
from nst_tf.video.pipes import through_files, writes_to_stdout


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    The status is 0 for a finished film, 1 for bad input, 2 for wrong flags, and 128 plus the
    signal's number for a stopped film, of which the painted frames are saved.
    """
    return exit_status(lambda: _main(argv), NOTHING)


def _main(argv: list[str]) -> int:
    values, settings = parse_video(argv)
    if values.help:
        return print_out(VIDEO_SCREEN.rstrip())
    if values.helpfull:
        return print_out(help_text(settings, VIDEO_FLAGS, VIDEO_USAGE))
    if values.version:
        from nst_tf.utils.version import __version__

        return print_out(f"nst_tf {__version__}")
    with stdout_for_results(values.json or writes_to_stdout(values)):
        return _paint(values, settings)


def _paint(values: flags.FlagValues, settings: Settings) -> int:
    began = time.monotonic()
    from nst_tf.video.job import prepare
    from nst_tf.video.session import VideoRun  # slow to import, and unused by --help

    with through_files(values) as piped:
        job = dataclasses.replace(prepare(values, settings), piped=piped)
    run = VideoRun(job, began=began)
    status = run.run()
    if values.json and len(run.job.store):
        from nst_tf.video.record import film_record

        print_json(film_record(run))
    return status


def console() -> None:
    """Run the program as a process."""
    run_program(main)
