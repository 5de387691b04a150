"""The precision of the features: what is asked for, and what the hardware multiplies."""

import functools
import warnings
from pathlib import Path

from nst_tf.compute.processor import CPUINFO, has_any, x86_flags


def feature_precision(precision: str, convolution: str) -> str:
    """Return `float32` or `bfloat16`: the precision itself, or what `auto` amounts to here.

    `auto` is bfloat16 on a CPU with instructions for it, unless the convolutions are to be
    Winograd's, and float32 elsewhere.
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
    """Warn, once in a process, of a precision that the processor has no instructions for."""
    if is_emulated(precision, cpuinfo):
        warnings.warn(
            "precision=bfloat16: this processor has no instructions for it, and a step takes many "
            "times as long as in float32; use precision=auto"
        )
