"""What must happen around TensorFlow's start: silence, devices, and signals that end a run."""

import functools
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from nst_tf.settings import Settings


def start_tensorflow(device: str = "auto", deterministic: bool = False) -> str:
    """Import TensorFlow without its start-up noise and choose the device.

    Args:
        device: `auto` for TensorFlow's own placement, `cpu`, `gpu`, or `gpu:1` for the second one.
        deterministic: whether only operations may be used whose results repeat exactly.

    Returns:
        The device in words.

    Raises:
        ValueError: the device is not one of these, or the machine has none such.
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
        # Otherwise TensorFlow takes the whole memory of each GPU at once. Where it has started
        # already, in a process that runs more than one picture, it is too late to ask.
        with suppress(RuntimeError):
            tf.config.experimental.set_memory_growth(gpu, True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    if not gpus:
        return "CPU" if kind == "cpu" else "CPU (TensorFlow found no GPU)"
    names = {tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus}
    return " and ".join(sorted(name or "GPU" for name in names))


def feature_precision(settings: Settings) -> str:
    """Return `float32` or `bfloat16`: what `settings.precision` says, or `auto` amounts to."""
    if settings.precision != "auto":
        return settings.precision
    if settings.convolution == "winograd" or not has_bfloat16():
        return "float32"
    import tensorflow as tf

    return "float32" if tf.config.list_logical_devices("GPU") else "bfloat16"


@functools.cache
def has_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether this is an x86 CPU that multiplies in bfloat16; elsewhere it is emulated."""
    try:
        words = set(cpuinfo.read_text().split())
    except OSError:
        return False
    return not words.isdisjoint({"avx512_bf16", "amx_bf16"})


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    """Keep what libraries print to file descriptor 2 to ourselves, unless the block fails."""
    # Some of TensorFlow's start-up messages come before any log level is in force.
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


class Stopper:
    """A callback that ends the run after the step in which SIGINT, SIGTERM or SIGHUP came.

    As a context manager it holds the signals' handlers, so that saving is not interrupted either.

    Attributes:
        signal: number of the signal that came, or None.
    """

    _SIGNALS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Stopper":
        for number in self._SIGNALS:
            self._previous[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.signal = number

    def __call__(self, _: object) -> bool:
        return self.signal is not None
