"""The precision of the features: what is asked for, and what the hardware multiplies."""

import functools
from pathlib import Path

from nst_tf.network.processor import CPUINFO, has_any


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
