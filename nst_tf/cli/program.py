"""`nst-tf`, the program that paints one picture."""

from nst_tf.cli.flags import parse
from nst_tf.cli.help import help_screen, help_text
from nst_tf.cli.streams import NOTHING_TO_SAVE, exit_status, print_out, run_program


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
    if request.sheet:
        from nst_tf.cli.sheet_run import make_sheet

        return make_sheet(argv, request)
    from nst_tf.cli.session import PictureRun, ready  # slow to import, and not needed for help

    return PictureRun(*ready(request)).run()


def console() -> None:
    """Run `nst-tf` as a process."""
    run_program(main)
