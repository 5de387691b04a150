"""The state of a page without a server, whose queue paints nothing."""

import contextlib

from nst_tf.page.queue import RunQueue
from nst_tf.page.state import AppState
from nst_tf.page.visitors import Visitors


@contextlib.contextmanager
def unpainted(folder, limits, samples=None):
    """Yield the state of a page that keeps its files in a folder, by default the samples too."""
    with contextlib.closing(RunQueue([])) as queue:
        visitors = Visitors(folder / "runs", limits=limits)
        yield AppState(visitors, queue, limits, samples or folder, folder)
