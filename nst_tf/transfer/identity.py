"""The identity of a run: what another run must share to continue from its state."""

import os
import platform

import numpy as np
import tensorflow as tf

from nst_tf.inputs.identity import Identity, identity
from nst_tf.inputs.prepare import RunInputs
from nst_tf.network.weights import Weights
from nst_tf.utils.digests import array_digest


def run_identity(fitted: RunInputs, weights: Weights, precision: str) -> Identity:
    """Return what must be equal for a run to continue bit for bit: pictures, settings, machine."""
    pictures: dict[str, np.ndarray | None] = {"content": fitted.content}
    pictures |= {f"style {n}": style for n, style in enumerate(fitted.styles, start=1)}
    for number, region in enumerate(fitted.regions, start=1):
        pictures[f"content mask {number}"] = region.content
        for style, mask in region.styles.items():
            pictures[f"style mask {number} of style {style + 1}"] = mask
    pictures |= {"keep mask": fitted.keep, "init": fitted.initial}
    if fitted.faces:
        pictures["faces"] = np.array([face.points for face in fitted.faces])
    if fitted.reference is not None:
        pictures |= {"reference": fitted.reference.image, "confidence": fitted.reference.confidence}
    digests = {name: array_digest(array) for name, array in pictures.items() if array is not None}
    return identity(digests, fitted.settings) | machine_identity(weights, precision)


def machine_identity(weights: Weights, precision: str) -> Identity:
    """Return the part of the identity that concerns network and machine."""
    return {
        "weights": weights.sha256,
        "precision": precision,
        "number of processors": os.cpu_count(),
        "processor": platform.machine(),
        "TensorFlow's version": tf.__version__,
    }
