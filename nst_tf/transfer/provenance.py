"""The record of a picture: its settings, files and versions, for the file's metadata."""

import dataclasses
import platform
from pathlib import Path
from typing import Any

from nst_tf.network.weights import Weights
from nst_tf.settings import Settings
from nst_tf.utils.version import __version__


def method_metadata(settings: Settings, weights: Weights, precision: str) -> dict[str, Any]:
    """Return versions, settings and weights of a run, with names of files instead of their paths.

    It imports TensorFlow.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    names = {name: Path(getattr(settings, name)).name for name in ("init", "weights")}
    return {
        "nst_tf": __version__,
        "settings": dataclasses.asdict(settings) | names | {"precision": precision},
        "weights": {"name": weights.name, "sha256": weights.sha256},
        # The modules know their versions; the distribution may be called tensorflow-cpu.
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
