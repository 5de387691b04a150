"""The identity of a run: what another run must share to continue from its state."""

import dataclasses
import json
import os
import platform

import numpy as np
import tensorflow as tf

from nst_tf.inputs.prepare import RunInputs
from nst_tf.network.weights import Weights
from nst_tf.transfer.state import Identity
from nst_tf.utils.digests import array_digest


def run_identity(fitted: RunInputs, weights: Weights, precision: str) -> Identity:
    """Return what must be equal for a run to continue bit for bit: pictures, settings, machine.

    Args:
        fitted: pictures, masks and settings of the run.
        weights: of the network.
        precision: of the features, `float32` or `bfloat16`.
    """
    pictures: dict[str, np.ndarray | None] = {"content": fitted.content}
    pictures |= {f"style {n}": style for n, style in enumerate(fitted.styles, start=1)}
    for number, region in enumerate(fitted.regions, start=1):
        pictures[f"content mask {number}"] = region.content
        for style, mask in region.styles.items():
            pictures[f"style mask {number} of style {style + 1}"] = mask
    pictures |= {"keep mask": fitted.keep, "init picture": fitted.initial}
    if fitted.reference is not None:
        pictures |= {"reference": fitted.reference.image, "confidence": fitted.reference.confidence}
    settings = dataclasses.asdict(fitted.settings)
    # Where memory and weights come from does not change the picture; what they are does.
    for name in ("memory_budget", "weights", "precision"):
        del settings[name]
    return json.loads(
        json.dumps(
            {name: array_digest(array) for name, array in pictures.items() if array is not None}
            | settings
            | machine_identity(weights, precision)
        )
    )


def machine_identity(weights: Weights, precision: str) -> Identity:
    """Return the part of the identity that concerns network and machine.

    Args:
        weights: of the network.
        precision: of the features, `float32` or `bfloat16`.
    """
    return {
        "weights": weights.sha256,
        "precision": precision,
        "number of processors": os.cpu_count(),
        "processor": platform.machine(),
        "TensorFlow's version": tf.__version__,
    }


def differences(ours: Identity, theirs: Identity) -> list[str]:
    """Return in words what two runs do not share: entries of `ours` first, then of `theirs`."""
    names = [*ours, *(name for name in theirs if name not in ours)]
    return [_difference(name, ours, theirs) for name in names if ours.get(name) != theirs.get(name)]


def _difference(name: str, ours: Identity, theirs: Identity) -> str:
    values = (ours.get(name), theirs.get(name))
    if any(isinstance(value, str) and len(value) == 64 for value in values):  # digests
        return name
    return f"{name} is {values[0]}, was {values[1]}"
