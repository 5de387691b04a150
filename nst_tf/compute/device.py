"""The start of TensorFlow: without its noise, on the device that was asked for."""

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from nst_tf.utils.errors import UserError
from nst_tf.utils.stderr import STDERR, own_stderr, stderr_to

DEVICES = re.compile(r"auto|cpu|gpu(:\d+)?")
QUIET = "3"  # only errors of its C++ code

_IMPORTING = threading.Lock()


class TooLateError(UserError, RuntimeError):
    """The device is chosen after TensorFlow has computed something: it is the whole process's."""


def quieten_tensorflow() -> bool:
    """Ask TensorFlow for errors only, and return whether it is to be quiet.

    Who wants its messages sets TF_CPP_MIN_LOG_LEVEL to a level below 3.
    """
    return os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", QUIET) == QUIET


def import_tensorflow() -> None:
    """Import TensorFlow in a program of ours, without its start-up messages."""
    own_stderr()
    with _IMPORTING:
        if "tensorflow" in sys.modules:
            return
        quiet = quieten_tensorflow()
        # TensorFlow prints some of its messages before it reads the level.
        with _stderr_held_back() if quiet else nullcontext():
            import tensorflow as tf

            tf.config.list_physical_devices("GPU")


def use_device(device: str) -> list[Any]:
    """Choose a device as `choose_device` does, and set TensorFlow up for it.

    A GPU's memory is taken as it is needed; on a CPU, runs repeat to the bit.
    """
    gpus = choose_device(device)
    grow_memory(gpus)
    if not gpus:
        disable_graph_optimizer()
    return gpus


def choose_device(device: str) -> list[Any]:
    """Let TensorFlow see nothing but a device, from now on and in the whole process.

    Args:
        device: `auto` for TensorFlow's own placement, `cpu`, `gpu`, or `gpu:1` for the second one.

    Returns:
        The GPUs in use.

    Raises:
        ValueError: the machine has no such device.
        TooLateError: TensorFlow has computed on other devices already.
    """
    import tensorflow as tf

    if not DEVICES.fullmatch(device):
        raise UserError(f"device {device!r} is not auto, cpu, gpu or gpu:NUMBER")
    if device == "auto":
        return tf.config.get_visible_devices("GPU")
    gpus = tf.config.list_physical_devices("GPU")
    kind, _, number = device.partition(":")
    if kind == "gpu" and int(number or 0) >= len(gpus):
        raise UserError(
            f"device {device!r} is not there: TensorFlow found {len(gpus)} GPUs; use auto"
        )
    gpus = [] if kind == "cpu" else [gpus[int(number or 0)]]
    if gpus != tf.config.get_visible_devices("GPU"):
        try:
            tf.config.set_visible_devices(gpus, "GPU")
        except RuntimeError:
            raise TooLateError(
                f"device {device!r} comes too late: it is the whole process's, so choose it before "
                "TensorFlow computes anything"
            ) from None
    return gpus


def grow_memory(gpus: list[Any]) -> None:
    """Let TensorFlow take the memory of GPUs as it needs it, instead of all of it at once."""
    import tensorflow as tf

    for gpu in gpus:
        with suppress(RuntimeError):  # in a process that has made a picture, it is too late
            tf.config.experimental.set_memory_growth(gpu, True)


def disable_graph_optimizer() -> None:
    """Let TensorFlow compute graphs as they were traced, so that a run repeats to the bit on a CPU.

    Its graph optimizer, Grappler, rewrites the graphs of each process a little differently. They
    add up slopes in orders of their own, and of three or more slopes the order varies within a
    process too. It saves about 2 % of a step's time, and takes time and memory of its own. On a GPU
    it chooses the layout of the features, so it is left alone there.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hide what libraries print to file descriptor 2, unless the block fails."""
    with tempfile.TemporaryFile() as noise:
        try:
            with stderr_to(noise):
                yield
        except Exception:
            noise.seek(0)
            if written := noise.read():
                os.write(STDERR, written)
            raise
