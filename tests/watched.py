"""`nst-tf` with a further callback, which looks into the run or disturbs it."""

from nst_tf.cli.flags import parse
from nst_tf.cli.session import PictureRun, ready
from nst_tf.cli.streams import NOTHING_TO_SAVE, exit_status


def main(words, watcher):
    """Run the program with some words, and return its exit status.

    Args:
        words: of the command line.
        watcher: is called with the `Progress` of every step, after the program's own callbacks.
    """
    return exit_status(
        lambda: PictureRun(*ready(parse(["nst-tf", *words])), [watcher]).run(), NOTHING_TO_SAVE
    )


def after(step, event):
    """Return a watcher that calls a function after a step."""

    def watch(progress):
        if progress.step == step:
            event()

    return watch
