"""The precision of the features, as requested and as the hardware supports it."""

import functools
import warnings
from pathlib import Path

from nst_tf.compute.processor import CPUINFO, has_any, x86_flags


def feature_precision(precision: str, convolution: str) -> str:
    """Return `float32` or `bfloat16`: the given precision, or the one that `auto` means here.

    `auto` means bfloat16 on a CPU with instructions for it, unless the convolutions are Winograd's,
    and float32 elsewhere.
    """
    if precision != "auto":
        return precision
    if convolution == "winograd" or not has_bfloat16():
        return "float32"
    import tensorflow as tf

    return "float32" if tf.config.list_logical_devices("GPU") else "bfloat16"


@functools.cache
def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether this is an x86 CPU that multiplies in bfloat16; others emulate it."""
    return has_any({"avx512_bf16", "amx_bf16"}, cpuinfo)


def is_emulated(precision: str, cpuinfo: Path = CPUINFO) -> bool:
    """Return whether features of a precision take an x86 CPU many times as long as float32."""
    if precision != "bfloat16" or not x86_flags(cpuinfo) or has_bfloat16(cpuinfo):
        return False
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")


@functools.cache
def warn_if_emulated(precision: str, cpuinfo: Path = CPUINFO) -> None:
    """Warn once per process about a precision that the processor has no instructions for."""
    if is_emulated(precision, cpuinfo):
        warnings.warn(
            "precision=bfloat16: this processor has no instructions for it, and a step takes many "
            "times as long as in float32; use precision=auto"
        )
