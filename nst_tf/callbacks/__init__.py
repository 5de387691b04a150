"""Callbacks of a run: they print, draw and write its progress."""

from nst_tf.callbacks.checkpoint import Checkpoint
from nst_tf.callbacks.console import Console
from nst_tf.callbacks.figures import save_run_figure
from nst_tf.callbacks.history import History
from nst_tf.callbacks.snapshots import Snapshots
from nst_tf.callbacks.tensorboard import TensorBoard
from nst_tf.callbacks.timelapse import TimeLapse

__all__ = [
    "Checkpoint",
    "Console",
    "History",
    "Snapshots",
    "TensorBoard",
    "TimeLapse",
    "save_run_figure",
]
