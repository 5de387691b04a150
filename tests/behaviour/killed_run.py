"""A run of the program whose checkpoints are due after every step, on a slow disk.

It prints a line before each step's end and while a checkpoint is written, for who wants to kill it.
"""

import contextlib
import sys
import time

import nst_tf.transfer.checkpoint
from nst_tf.callbacks import checkpoint
from nst_tf.cli.program import main
from nst_tf.utils.files import write_whole

PIECES = 8


class SlowFile:
    """A file that takes a while for every piece of what is written."""

    def __init__(self, file):
        self._file = file

    def write(self, data):
        data = memoryview(data).cast("B")
        size = -(-len(data) // PIECES) or 1
        for start in range(0, len(data), size):
            self._file.write(data[start : start + size])
            time.sleep(0.001)


@contextlib.contextmanager
def slowly(path, *arguments):
    with write_whole(path, *arguments) as file:
        print("writing", flush=True)
        yield SlowFile(file)
    print("written", flush=True)


if __name__ == "__main__":
    nst_tf.transfer.checkpoint.write_whole = slowly
    checkpoint.SHARE = 1e9
    sys.exit(main(["nst", "--quiet", "--checkpoint_every=0", *sys.argv[1:]]))
