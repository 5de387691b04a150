"""What a picture was made from."""

import dataclasses
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

import nst_tf
from nst_tf.cli.runtime import feature_precision
from nst_tf.network.weights import Weights
from nst_tf.settings import Settings

if TYPE_CHECKING:
    from nst_tf.memory.plan import Plan


def record(
    values: flags.FlagValues, settings: Settings, weights: Weights, plan: "Plan", steps: int
) -> dict[str, Any]:
    """Return what the result was made from, for its metadata: no paths, but names."""
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    return {
        "nst_tf": nst_tf.__version__,
        "settings": dataclasses.asdict(settings)
        | {name: Path(getattr(settings, name)).name for name in ("init", "weights")}
        | {"precision": feature_precision(settings)},
        "steps": steps,
        "plan": {name: getattr(plan, name) for name in ("block_size", "lbfgs_memory", "fast")},
        "content": Path(values.content).name if values.content else None,
        "styles": [Path(path).name for path in values.style or ()],
        **{
            name: [Path(path).name for path in values[name].value or ()]
            for name in ("content_mask", "style_mask")
        },
        "weights": {"name": weights.name, "sha256": weights.sha256},
        "versions": {"python": platform.python_version(), **versions},
    }
