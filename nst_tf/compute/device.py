"""The start of TensorFlow without its messages, on the requested device."""

import gc
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
    """The device cannot change any more: TensorFlow has computed something in this process."""


def start_tensorflow(device: str = "auto", deterministic: bool = False, threads: int = 0) -> str:
    """Import TensorFlow in a program, without its messages, and set it up for the device.

    Args:
        device: `auto` for TensorFlow's own placement, `cpu`, `gpu`, or `gpu:1` for the second one.
        deterministic: whether to use only operations whose results repeat exactly.
        threads: number of threads that it may use; 0 for one per processor.

    Returns:
        The device, in words.

    Raises:
        UserError: the machine has no such device.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"  # other programs may want another one
    import_tensorflow()
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    gpus = use_device(device)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not gpus:
        return "CPU" if device == "cpu" else "CPU (TensorFlow found no GPU)"
    names = {tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus}
    return " and ".join(sorted(name or "GPU" for name in names))


def quieten_tensorflow() -> bool:
    """Ask TensorFlow to print only errors, and return whether it will.

    Set TF_CPP_MIN_LOG_LEVEL to a level below 3 to see its messages.
    """
    return os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", QUIET) == QUIET


def import_tensorflow() -> None:
    """Import TensorFlow in one of our programs, without its start-up messages."""
    own_stderr()
    with _IMPORTING:
        if "tensorflow" in sys.modules:
            return
        quiet = quieten_tensorflow()
        # TensorFlow prints some of its messages before it reads the level.
        with _stderr_held_back() if quiet else nullcontext():
            import tensorflow as tf

            tf.config.list_physical_devices("GPU")
        # A tenth of a short run went into searches of TensorFlow's modules for garbage.
        gc.freeze()


def use_device(device: str) -> list[Any]:
    """Choose a device, set TensorFlow up for it, and return the GPUs in use.

    TensorFlow allocates a GPU's memory as it needs it. On a CPU, runs repeat to the bit. `device`
    is that of `start_tensorflow`, and errors are those of `choose_device`.
    """
    gpus = choose_device(device)
    grow_memory(gpus)
    if not gpus:
        disable_graph_optimizer()
    return gpus


def choose_device(device: str) -> list[Any]:
    """Restrict TensorFlow to a device, in the whole process, and return the GPUs in use.

    Raises:
        UserError: the machine has no such device.
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
    """Let TensorFlow allocate the memory of GPUs as it needs it, instead of all at the start."""
    import tensorflow as tf

    for gpu in gpus:
        with suppress(RuntimeError):  # in a process that has made a picture, it is too late
            tf.config.experimental.set_memory_growth(gpu, True)


def disable_graph_optimizer() -> None:
    """Let TensorFlow compute graphs as they were traced, so that a run repeats to the bit on a CPU.

    Its graph optimizer, Grappler, rewrites the graphs of each process a little differently. The
    rewritten graphs add up gradients in different orders, and the order of three or more gradients
    varies even within a process. Grappler saves about 2 % of a step's time, and costs time and
    memory. On a GPU it chooses the layout of the features, so it stays on there.
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
