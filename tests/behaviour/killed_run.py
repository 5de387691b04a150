"""A run of the program that kills itself at one of its checkpoints, which are due at every step.

The first argument is the number of the checkpoint, the second the moment: `half` of it is written,
the `whole` of it but under another name, or it is `saved`.
"""

import contextlib
import itertools
import os
import signal
import sys

import nst_tf.transfer.checkpoint
from nst_tf.callbacks import checkpoint
from nst_tf.cli.program import main
from nst_tf.utils.files import write_whole


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class HalfFile:
    """A file in the middle of whose writing the process ends."""

    def __init__(self, file):
        self._file = file

    def write(self, data):
        if isinstance(data, memoryview):  # an array, not the header
            data = data.cast("B")
            self._file.write(data[: len(data) // 2])
            self._file.flush()
            die()
        return self._file.write(data)


def killing(count, moment):
    """Return a `write_whole` that ends the process at a moment of its call of a number."""
    numbers = itertools.count(1)

    @contextlib.contextmanager
    def write(path, *arguments):
        when = moment if next(numbers) == count else None
        with write_whole(path, *arguments) as file:
            yield HalfFile(file) if when == "half" else file
            if when == "whole":
                die()
        if when == "saved":
            die()

    return write


if __name__ == "__main__":
    _, number, moment, *flags = sys.argv
    nst_tf.transfer.checkpoint.write_whole = killing(int(number), moment)
    checkpoint.SHARE = 1e9
    sys.exit(main(["nst", "--quiet", "--checkpoint_every=0", *flags]))
