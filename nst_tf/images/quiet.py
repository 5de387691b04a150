"""Silence for decoders whose C libraries print messages."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nst_tf.utils.stderr import stderr_to

_STDERR = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Discard output to the descriptor of stderr during a block, for one thread at a time."""
    with _STDERR, open(os.devnull, "wb") as nothing, stderr_to(nothing):
        yield
