"""The report of `--doctor`: what a run would use here, for questions and reports of bugs."""

import dataclasses
import importlib.util
import platform
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any

from nst_tf.utils.version import __version__

EXTRAS = {
    "app": ("gradio",),
    "heif": ("pillow_heif",),
    "mcp": ("gradio", "mcp"),
    "notebook": ("IPython", "ipywidgets"),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
    "video": ("av", "cv2"),
}
"""The modules that each extra brings."""

VERSIONS = ("tensorflow", "keras", "numpy", "numba", "pillow", "imagecodecs", "psutil")
"""Distributions whose versions are reported."""

STEPS = 4  # of the timed run
SIZE = (384, 512)  # height and width of its picture, pixels


def diagnosis() -> dict[str, Any]:
    """Return what is known of this installation and machine, as JSON values by name.

    TensorFlow is started for it, and a picture painted for some seconds.
    """
    return dict(_entries())


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield a line `name: value` for each entry of a diagnosis."""
    for name, value in found.items():
        shown = value
        if isinstance(value, list):
            shown = ", ".join(value) or "none"
        elif isinstance(value, bool):
            shown = "yes" if value else "no"
        yield f"{name}: {shown}"


def _entries() -> Iterator[tuple[str, Any]]:
    yield "nst_tf", __version__
    yield "python", f"{platform.python_implementation()} {platform.python_version()}"
    yield from ((name, _version(name)) for name in VERSIONS)
    yield "system", platform.platform()
    yield from _extras()
    yield from _processor()
    yield from _tensorflow()
    yield from _memory()
    yield from _step()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def _extras() -> Iterator[tuple[str, list[str]]]:
    found = {name: all(map(importlib.util.find_spec, needs)) for name, needs in EXTRAS.items()}
    yield "extras", [name for name, here in found.items() if here]
    yield "missing_extras", [name for name, here in found.items() if not here]


def _processor() -> Iterator[tuple[str, Any]]:
    from nst_tf.compute.processor import blas_kernels, describe_processor, processor_count

    described = describe_processor()
    yield "processor", described["model"]
    yield "instructions", described["flags"]
    yield "blas", blas_kernels()
    yield "processors", processor_count()


def _tensorflow() -> Iterator[tuple[str, Any]]:
    from nst_tf.compute.device import start_tensorflow

    yield "device", start_tensorflow()
    import tensorflow as tf

    from nst_tf.compute.machine import this_machine
    from nst_tf.compute.processor import processor_count

    threads = tf.config.threading.get_intra_op_parallelism_threads() or processor_count()
    machine = this_machine()
    yield "devices", [device.name for device in tf.config.list_logical_devices()]
    yield "threads", threads
    yield "onednn", machine.onednn
    yield "bfloat16_instructions", machine.bfloat16


def _memory() -> Iterator[tuple[str, str]]:
    import psutil

    from nst_tf.compute.budget import describe_bytes, free_memory, host_budget
    from nst_tf.settings import Settings

    yield "memory", describe_bytes(psutil.virtual_memory().total)
    yield "free_memory", describe_bytes(free_memory())
    yield "memory_budget", describe_bytes(host_budget(Settings()))


def _step() -> Iterator[tuple[str, Any]]:
    """Time steps of the recipe `tutorial` on a picture of random pixels."""
    import numpy as np

    from nst_tf.inputs.prepare import prepare_inputs
    from nst_tf.recipes import recipe
    from nst_tf.transfer.run import StyleTransfer

    settings = dataclasses.replace(recipe("tutorial"), epochs=1, steps_per_epoch=STEPS)
    photo, painting = np.random.default_rng(0).random((2, 1, *SIZE, 3), np.float32)
    began = time.monotonic()
    transfer = StyleTransfer(prepare_inputs(photo, painting, settings))
    ends = [began, *(time.monotonic() for _ in transfer.steps())]
    first, *later = np.diff(ends)
    yield "fast_convolutions", transfer.plans[-1].winograd
    yield "precision", transfer.plans[-1].precision
    yield "timed", f"recipe tutorial at {SIZE[1]}x{SIZE[0]} pixels"
    yield "first_step_seconds", round(float(first), 2)
    yield "step_seconds", round(float(min(later)), 2)
