"""The machine that computes, as far as plans and kernels depend on it."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from nst_tf.compute.processor import CPUINFO, has_any

# Instructions for which TensorFlow enables oneDNN: `IsMKLEnabled` in its util/util.cc.
_ONEDNN = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


@dataclass(frozen=True)
class Machine:
    """What TensorFlow computes with.

    Attributes:
        gpu: whether there are GPUs, which then compute everything.
        onednn: whether the kernels for the CPU are oneDNN's; otherwise they are Eigen's.
        bfloat16: whether the CPU multiplies in bfloat16.
    """

    gpu: bool = False
    onednn: bool = False
    bfloat16: bool = False


def this_machine() -> Machine:
    """Return the machine of this process; TensorFlow's devices cannot change afterwards."""
    return Machine(has_gpu(), has_onednn(), has_bfloat16())


def has_gpu() -> bool:
    """Return whether TensorFlow computes on GPUs here."""
    import tensorflow as tf

    return bool(tf.config.list_logical_devices("GPU"))


@functools.cache
def has_onednn(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether TensorFlow uses oneDNN's kernels on this CPU."""
    setting = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "")
    if setting:
        return setting.lower() in ("1", "true")
    return has_any(_ONEDNN, cpuinfo)


@functools.cache
def has_bfloat16(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether this is an x86 CPU that multiplies in bfloat16; others emulate it."""
    return has_any({"avx512_bf16", "amx_bf16"}, cpuinfo)
