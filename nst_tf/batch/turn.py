"""Batches that write into the same directory, one after the other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from nst_tf.cli.streams import print_error
from nst_tf.workers.outcome import ShouldStop

NAME = ".nst_tf-batch.lock"  # which stays: batches that wait must find the same file
LOOK = 0.2  # seconds between looks at whether to stop


@contextmanager
def turn(directory: str, should_stop: ShouldStop) -> Iterator[None]:
    """Wait until no other batch writes into a directory, and keep others waiting for the block.

    The system gives the lock back when a process ends, however it ends. Where a file system has no
    locks, nothing waits.

    Args:
        directory: where pictures go.
        should_stop: once it returns true, the wait ends.
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
