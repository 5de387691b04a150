"""The start of TensorFlow: without its noise, on the device that was asked for."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def start_tensorflow(device: str = "auto", deterministic: bool = False) -> str:
    """Import TensorFlow without its start-up noise and choose the device.

    Args:
        device: `auto` for TensorFlow's own placement, `cpu`, `gpu`, or `gpu:1` for the second one.
        deterministic: whether to use only operations whose results repeat exactly.

    Returns:
        The device, in words.

    Raises:
        ValueError: the machine has no such device.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever it is set to for other work
    with _stderr_held_back():
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    kind, _, number = device.partition(":")
    if kind == "cpu":
        gpus = []
    elif kind == "gpu":
        if int(number or 0) >= len(gpus):
            raise ValueError(
                f"device {device!r} is not there: TensorFlow found {len(gpus)} GPUs; "
                "use --device=auto"
            )
        gpus = [gpus[int(number or 0)]]
    if gpus != tf.config.get_visible_devices("GPU"):
        tf.config.set_visible_devices(gpus, "GPU")
    for gpu in gpus:
        # By default TensorFlow takes the whole memory of each GPU at once. In a process that has
        # already made a picture, it is too late to change that.
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not gpus:
        return "CPU" if kind == "cpu" else "CPU (TensorFlow found no GPU)"
    names = {tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus}
    return " and ".join(sorted(name or "GPU" for name in names))


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Hide what libraries print to file descriptor 2, unless the block fails."""
    # TensorFlow prints some of its start-up messages before it reads the log level.
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as noise:
        os.dup2(noise.fileno(), 2)
        try:
            yield
        except Exception:
            noise.seek(0)
            os.write(kept, noise.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
