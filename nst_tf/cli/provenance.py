"""The part of a result's metadata that names its pictures and flags."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nst_tf.cli.inputs import Inputs, picture_paths
from nst_tf.cli.request import Request
from nst_tf.inputs.identity import Identity, identity, identity_digest
from nst_tf.network.weights import BUNDLED_SHA256, Weights
from nst_tf.transfer.provenance import method_metadata


def run_metadata(
    request: Request, inputs: Inputs, weights: Weights | None, precision: str | None
) -> dict[str, Any]:
    """Return the metadata of a result: its settings, flags and names of files without their paths.

    Call it before the run: it imports TensorFlow, and a failure must not cost a finished picture.
    Without a network, `weights` and `precision` are `None`.
    """
    known = {path: file.sha256 for path, file in inputs.files.items()}
    if weights:
        known[inputs.fitted.settings.weights] = weights.sha256
    return method_metadata(inputs.fitted.settings, weights, precision) | {
        "recipe": request.recipe,
        "content": Path(request.content).name if request.content else None,
        "styles": [Path(path).name for path in request.style],
        **{
            name: [Path(path).name for path in request.paths(name)]
            for name in ("content_mask", "style_mask", "keep_mask")
        },
        **_colors(request),
        "bit_depth": request.bit_depth,
        "dpi": request.dpi,
        "files": {
            name: [inputs.files[path].entry() for path in paths]
            for name, paths in picture_paths(request).items()
            if paths
        },
        "identity": request_identity(request, known.__getitem__),
    }


def request_identity(request: Request, digest: Callable[[str], str]) -> str:
    """Return a checksum of all that determines the picture of a request, but the machine.

    Args:
        digest: returns the SHA-256 of a file that the run reads, hexadecimal.
    """
    named = {"bundled": BUNDLED_SHA256, "imagenet": "imagenet"}  # Keras checks what it downloads
    weights = request.settings.weights
    inputs: dict[str, Any] = {
        name: list(map(digest, paths)) for name, paths in picture_paths(request).items() if paths
    }
    if not request.settings.recolor:
        inputs["weights"] = named.get(weights) or digest(weights)
    inputs |= {name: getattr(request, name) for name in ("bit_depth", "dpi")}
    return identity_digest(identity(inputs | _colors(request), request.settings))


def _colors(request: Request) -> dict[str, int]:
    """Return the number of regions by colour, if there are any: earlier versions had none."""
    return {"color_regions": request.color_regions} if request.color_regions else {}


def kept_identity(request: Request, inputs: Inputs, weights: Weights) -> Identity:
    """Return what determines the network's picture of a run: see `network_identity`."""
    from nst_tf.transfer.kept import network_identity

    files = {
        f"{name} {number}" if len(paths) > 1 else name: inputs.files[path].sha256
        for name, paths in picture_paths(request).items()
        for number, path in enumerate(paths, start=1)
    }
    others = {"weights": weights.sha256, **_colors(request)}
    return network_identity(files | others, request.settings)
