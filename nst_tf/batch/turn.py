"""Turns of batches that write into the same directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from nst_tf.cli.streams import print_error
from nst_tf.workers.outcome import ShouldStop

NAME = ".nst_tf-batch.lock"  # never removed: waiting batches must find the same file
LOOK = 0.2  # seconds between calls of `should_stop`


@contextmanager
def turn(directory: str, should_stop: ShouldStop) -> Iterator[None]:
    """Wait until no other batch writes into a directory, and keep others waiting for the block.

    The wait ends if `should_stop` returns true. The system releases the lock when a process ends in
    any way. On a file system without locks, nothing waits.
    """
    lock = FileLock(os.path.join(directory, NAME), thread_local=False)
    with suppress(OSError, NotImplementedError):
        if not _acquired(lock, 0):
            print_error(f"another batch paints into {directory}: waiting for its end", 0)
            while not should_stop() and not _acquired(lock, LOOK):
                pass
    try:
        yield
    finally:
        lock.release()


def _acquired(lock: FileLock, timeout: float) -> bool:
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        return False
    return True
