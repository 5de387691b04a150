"""The part of a result's metadata that names its pictures and flags."""

from pathlib import Path
from typing import Any

from nst_tf.cli.inputs import Inputs, picture_paths
from nst_tf.cli.request import Request
from nst_tf.network.weights import Weights
from nst_tf.transfer.provenance import method_metadata


def run_metadata(
    request: Request, inputs: Inputs, weights: Weights, precision: str
) -> dict[str, Any]:
    """Return the metadata of a result: its settings, flags and names of files without their paths.

    Call it before the run: it imports TensorFlow, and a failure must not cost a finished picture.

    Args:
        request: the run.
        inputs: its pictures and settings.
        weights: the network's parameters.
        precision: of the features, as `auto` in the settings has chosen it.
    """
    return method_metadata(inputs.fitted.settings, weights, precision) | {
        "recipe": request.recipe,
        "content": Path(request.content).name if request.content else None,
        "styles": [Path(path).name for path in request.style],
        **{
            name: [Path(path).name for path in request.paths(name)]
            for name in ("content_mask", "style_mask", "keep_mask")
        },
        "keep_faces": request.keep_faces,
        "bit_depth": request.bit_depth,
        "dpi": request.dpi,
        "files": {
            name: [inputs.files[path].entry() for path in paths]
            for name, paths in picture_paths(request).items()
            if paths
        },
    }
