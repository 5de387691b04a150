"""What a picture was made from."""

from pathlib import Path
from typing import Any

from absl import flags

from nst_tf.cli.inputs import picture_paths
from nst_tf.images.decode import upright_size
from nst_tf.network.weights import Weights
from nst_tf.settings import Settings
from nst_tf.transfer.provenance import method_metadata
from nst_tf.utils.digests import file_digest


def run_metadata(
    values: flags.FlagValues, settings: Settings, weights: Weights, precision: str
) -> dict[str, Any]:
    """Return what the result is made from, for its metadata: names of files, not their paths.

    Call it before the run: it imports TensorFlow, and a failure must not cost a finished picture.

    Args:
        values: the flags.
        settings: of the run.
        weights: the network's parameters.
        precision: of the features, which `auto` in the settings has led to.
    """
    return method_metadata(settings, weights, precision) | {
        "recipe": values.recipe,
        "content": Path(values.content).name if values.content else None,
        "styles": [Path(path).name for path in values.style or ()],
        **{
            name: [Path(path).name for path in values[name].value or ()]
            for name in ("content_mask", "style_mask", "keep_mask")
        },
        "keep_faces": values.keep_faces,
        "bit_depth": values.bit_depth,
        "dpi": values.dpi,
        "files": {
            name: list(map(_file, paths))
            for name, paths in picture_paths(values, settings).items()
            if paths
        },
    }


def _file(path: str) -> dict[str, Any]:
    """Return what tells a picture file from others: its name, its size upright, its checksum.

    Raises:
        OSError: it cannot be read any more.
    """
    height, width = upright_size(path)
    return {"name": Path(path).name, "size": f"{width}x{height}", "sha256": file_digest(path)}
