"""The precision of the features, as requested and as the hardware supports it."""

import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nst_tf.compute.machine import Machine, has_bfloat16, has_gpu, this_machine
from nst_tf.compute.processor import CPUINFO, x86_flags
from nst_tf.utils.errors import UserError


def feature_precision(precision: str, convolution: str, machine: Machine | None = None) -> str:
    """Return `float32` or `bfloat16`: the given precision, or the one that `auto` means.

    `auto` means bfloat16 on a CPU with instructions for it, unless the convolutions are Winograd's,
    and float32 elsewhere.

    Args:
        precision: the setting.
        convolution: the setting.
        machine: by default, this one.
    """
    if precision != "auto":
        return precision
    machine = machine or this_machine()
    fast = machine.bfloat16 and not machine.gpu and convolution != "winograd"
    return "bfloat16" if fast else "float32"


def is_emulated(precision: str, cpuinfo: Path = CPUINFO) -> bool:
    """Return whether features of a precision take an x86 CPU many times as long as float32."""
    if precision != "bfloat16" or not x86_flags(cpuinfo) or has_bfloat16(cpuinfo):
        return False
    return not has_gpu()


@functools.cache
def warn_if_emulated(precision: str, cpuinfo: Path = CPUINFO) -> None:
    """Warn once per process about a precision that the processor has no instructions for."""
    if is_emulated(precision, cpuinfo):
        warnings.warn(
            "precision=bfloat16: this processor has no instructions for it, and a step takes many "
            "times as long as in float32; use precision=auto"
        )


class TensorFloat32:
    """TensorFlow's switch for TF32, which all runs of the process share.

    Only NVIDIA GPUs obey it; where `matters` returns False, any mix of runs is accepted.
    """

    def __init__(self, matters: Callable[[], bool] = has_gpu) -> None:
        self._matters = matters
        self._taking = threading.Lock()
        self._runs: set[object] = set()

    @contextmanager
    def set_to(self, allowed: bool) -> Iterator[None]:
        """Set the switch for a run, the block. It stays until a run needs the other position.

        A UserError reports that another run is active and needs the other position.
        """
        import tensorflow as tf

        switch, run = tf.config.experimental, object()
        with self._taking:
            other = switch.tensor_float_32_execution_enabled() != allowed
            if other and self._runs and self._matters():
                raise UserError(
                    f"tf32 is {not allowed} in an active run of this process: wait for its end, or "
                    "use another process"
                )
            switch.enable_tensor_float_32_execution(allowed)
            self._runs.add(run)
        try:
            yield
        finally:
            self._runs.discard(run)  # without the lock: this may run in a garbage collection


TF32 = TensorFloat32()
