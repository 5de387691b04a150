"""`nst-tf`, the program that paints one picture."""

import time

from nst_tf.cli.flags import parse
from nst_tf.cli.help import help_screen, help_text
from nst_tf.cli.request import Request
from nst_tf.cli.streams import (
    NOTHING_TO_SAVE,
    exit_status,
    print_error,
    print_out,
    run_program,
)
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import STDOUT_PATH
from nst_tf.utils.stdout import print_json, stdout_for_results


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    The status is 0 for a finished picture, 1 for bad input, 2 for misused flags, and 128 + the
    signal's number for a run that was stopped, whose picture is saved all the same.
    """
    return exit_status(lambda: _main(argv), NOTHING_TO_SAVE)


def _main(argv: list[str]) -> int:
    request = parse(argv)
    if request.help:
        return print_out(help_screen())
    if request.helpfull:
        return print_out(help_text(request.settings))
    if request.version:
        from nst_tf.utils.version import __version__

        return print_out(f"nst_tf {__version__}")
    if request.doctor:
        return _diagnose(request.json)
    if request.sheet:
        from nst_tf.cli.sheet_run import make_sheet

        return make_sheet(argv, request)
    with stdout_for_results(request.json or request.output == STDOUT_PATH):
        return _paint(request)


def _diagnose(json: bool) -> int:
    from nst_tf.cli.doctor import diagnosis, lines

    with stdout_for_results(json):
        found = diagnosis()
        if json:
            print_json(found)
    return 0 if json else print_out("\n".join(lines(found)))


def _paint(request: Request) -> int:
    began = time.monotonic()
    from nst_tf.cli.measure import measured, table
    from nst_tf.cli.record import run_record  # slow to import, and not needed for help
    from nst_tf.cli.session import PictureRun, ready

    run = PictureRun(*ready(request), began=began)
    status, figures = run.run(), {}
    saved = run.outcome and run.outcome.saved
    if request.measure and saved:
        try:
            figures = measured(saved, run.job.request)
        except UserError as error:  # the picture is there all the same
            status = print_error(f"{saved} is not measured: {error}", status or 1)
    if figures and not request.quiet:
        print_out(table({str(saved): figures}))
    if request.json and run.latest:
        print_json(run_record(run) | ({"figures": figures} if figures else {}))
    return status


def console() -> None:
    """Run `nst-tf` as a process."""
    run_program(main)
