"""`nst-tf-video`: films."""

from nst_tf.cli.help import help_text
from nst_tf.cli.streams import exit_status, print_out, run_program
from nst_tf.video.flags import FILM_FLAGS, FILM_SCREEN, FILM_USAGE, NOTHING, parse_film


def main(argv: list[str]) -> int:
    """Run the command line and return the exit status.

    0 for a finished film, 1 for bad input, 2 for misused flags, 128 + the signal's number for a
    film that was stopped, whose painted frames are a film all the same.
    """
    return exit_status(lambda: _main(argv), NOTHING)


def _main(argv: list[str]) -> int:
    values, settings = parse_film(argv)
    if values.help:
        return print_out(FILM_SCREEN.rstrip())
    if values.helpfull:
        return print_out(help_text(settings, FILM_FLAGS, FILM_USAGE))
    if values.version:
        from nst_tf.utils.version import __version__

        return print_out(f"nst_tf {__version__}")
    from nst_tf.video.job import prepare
    from nst_tf.video.session import Run  # slow to import, and help needs none of it

    return Run(prepare(values, settings)).run()


def console() -> None:
    """Run the program as a process."""
    run_program(main)
