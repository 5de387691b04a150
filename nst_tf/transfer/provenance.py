"""The record of a picture: its settings, files and versions, for the file's metadata."""

import dataclasses
import platform
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.network.weights import Weights
from nst_tf.settings import Settings
from nst_tf.transfer.progress import NoSteps, Progress, stage_of
from nst_tf.utils.version import __version__


def method_metadata(
    settings: Settings, weights: Weights | None, precision: str | None
) -> dict[str, Any]:
    """Return versions, settings and weights of a run, with names of files instead of their paths.

    Args:
        weights, precision: of the network, for which TensorFlow is imported; `None`: the run has
            none.
    """
    names = {name: Path(getattr(settings, name)).name for name in ("init", "weights")}
    recorded = dataclasses.asdict(settings) | names
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    record: dict[str, Any] = {"nst_tf": __version__, "settings": recorded, "versions": versions}
    if weights is None:
        return record
    import keras
    import tensorflow as tf

    recorded["precision"] = precision
    # The modules know their versions; the distribution may be called tensorflow-cpu.
    versions |= {"tensorflow": tf.__version__, "keras": keras.__version__}
    return record | {"weights": {"name": weights.name, "sha256": weights.sha256}}


def step_metadata(progress: Progress) -> dict[str, Any]:
    """Return what the record of a run that ends with a step has of this step."""
    state = progress.state
    plan = {} if isinstance(state, NoSteps) else {"plan": state.plan.record()}
    return {"steps": state.step, "stage": stage_of(progress)} | plan
