"""The part of a result's metadata that names its pictures and flags."""

from pathlib import Path
from typing import Any

from nst_tf.cli.inputs import picture_paths
from nst_tf.cli.request import Request
from nst_tf.images.decode import upright_size
from nst_tf.network.weights import Weights
from nst_tf.settings import Settings
from nst_tf.transfer.provenance import method_metadata
from nst_tf.utils.digests import file_digest


def run_metadata(
    request: Request, settings: Settings, weights: Weights, precision: str
) -> dict[str, Any]:
    """Return the metadata of a result: its settings, flags and names of files without their paths.

    Call it before the run: it imports TensorFlow, and a failure must not cost a finished picture.

    Args:
        request: the run.
        settings: of the run, after its pictures have been read.
        weights: the network's parameters.
        precision: of the features, as `auto` in the settings has chosen it.
    """
    return method_metadata(settings, weights, precision) | {
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
            name: list(map(_file, paths)) for name, paths in picture_paths(request).items() if paths
        },
    }


def _file(path: str) -> dict[str, Any]:
    """Return the name of a picture file, its size when upright, and its checksum.

    Raises:
        OSError: it cannot be read any more.
    """
    height, width = upright_size(path)
    return {"name": Path(path).name, "size": f"{width}x{height}", "sha256": file_digest(path)}
