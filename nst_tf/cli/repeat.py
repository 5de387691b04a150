"""Settings and files of an earlier result, for `--from_image`."""

import dataclasses
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from absl import flags

from nst_tf.images.metadata import read_metadata
from nst_tf.network.weights import BUNDLED_SHA256
from nst_tf.settings import INITS, Settings
from nst_tf.utils.digests import file_digest
from nst_tf.utils.errors import UserError
from nst_tf.utils.version import __version__

FLAG = "from_image"

OWNERS = {"content_mask": "content", "keep_mask": "content", "style_mask": "style"}
"""For the flag of a mask, the flag of the pictures that it belongs to."""

GONE = {"jit_compile"}  # settings of earlier versions that changed only the time of a run


class Recorded(NamedTuple):
    """An input file of a picture: its name, and its checksum if it is recorded."""

    name: str
    sha256: str | None


def repeated(values: flags.FlagValues) -> tuple[dict[str, Any], Settings | None]:
    """Return the flags of the picture that --from_image names, and its settings.

    A flag that is given keeps its value. An explicit --recipe stands for all settings, so none are
    returned. Differences to the earlier run, and settings unknown to this version, are warned of.

    Raises:
        OSError: the picture cannot be read, or a file that it was made from cannot be found.
        UserError: it carries no settings, or settings that are not valid.
    """
    path = values.from_image
    record = read_metadata(path)
    settings = record.get("settings")
    if not isinstance(settings, dict):
        raise UserError(f"--{FLAG} {path} carries no settings of nst_tf")
    try:
        files = _files(record)
    except (TypeError, AttributeError, LookupError):
        raise UserError(f"--{FLAG} {path} names its files in a way that is not valid") from None
    if record.get("nst_tf") != __version__:
        warnings.warn(
            f"{path} was made by nst_tf {record.get('nst_tf')}: {__version__} may paint differently"
        )
    if side := record.get("network_max_dim"):
        warnings.warn(
            f"{path} was repainted from the network's picture of --max_dim {side}: the network may "
            "paint differently now"
        )
    changes: dict[str, Any] = {}
    for flag in ("content", "style", *OWNERS):
        if values[flag].value or not files.get(flag):
            continue
        if owner := OWNERS.get(flag):
            named = changes.get(owner, values[owner].value)
            if not _are_named(named, files.get(owner, ())):
                continue  # the mask of another picture
        found = [_find(path, flag, file) for file in files[flag]]
        changes[flag] = found[0] if flag == "content" else found
    masks = [values[flag].value for flag in ("content_mask", "style_mask")]
    if not values["color_regions"].present and not any(masks):
        changes["color_regions"] = record.get("color_regions", 0)
    if values["recipe"].present:
        return changes, None
    recipe = record.get("recipe")
    changes["recipe"] = recipe if isinstance(recipe, str) else None
    places = {
        flag: _find(path, flag, file)
        for flag in ("init", "weights")
        for file in files.get(flag, ())
        if not values[flag].present
    }
    if places.get("init") in INITS:  # a file that has the name of a keyword
        places["init"] = os.path.join(os.curdir, places["init"])
    if record.get("keep_faces") is True:  # up to version 2.1, which kept all of each face
        settings = {"keep_faces": True, "face_strength": 1.0} | settings
    return changes, _settings(path, settings | places)


def _files(record: dict[str, Any]) -> dict[str, list[Recorded]]:
    """Return the input files of a picture by flag; up to version 1.4, only names are recorded."""
    masks = {flag: record.get(flag) or [] for flag in OWNERS}
    content, init = record.get("content"), record["settings"].get("init", INITS[0])
    names = {"content": [content] if content else [], "style": record.get("styles") or [], **masks}
    names["init"] = [] if init in INITS else [init]
    files = {flag: [Recorded(Path(name).name, None) for name in names[flag]] for flag in names}
    for flag, entries in (record.get("files") or {}).items():
        files[flag] = [Recorded(Path(file["name"]).name, file["sha256"]) for file in entries]
    weights = record.get("weights") or {"name": "bundled", "sha256": BUNDLED_SHA256}
    if weights["name"] not in ("bundled", "imagenet"):
        files["weights"] = [Recorded(Path(weights["name"]).name, weights["sha256"])]
    elif weights["name"] == "bundled" and weights["sha256"] != BUNDLED_SHA256:
        warnings.warn("the bundled weights have changed since then")
    return files


def _are_named(paths: str | Sequence[str] | None, files: Sequence[Recorded]) -> bool:
    """Return whether paths have the names of recorded files."""
    given = [paths] if isinstance(paths, str) else paths or ()
    return [Path(path).name for path in given] == [file.name for file in files]


def _find(picture: str, flag: str, file: Recorded) -> str:
    """Return the path of the file with the recorded checksum, or else of the first with its name.

    A FileNotFoundError reports that no file has the name.
    """
    found = [path for path in _places(picture, file.name) if os.path.isfile(path)]
    if not found:
        raise FileNotFoundError(
            f"--{FLAG} {picture} was made from {file.name}, which is neither beside it nor in this "
            f"directory: name it by --{flag}"
        )
    if file.sha256 is None:
        return found[0]
    for path in found:
        if file_digest(path) == file.sha256:
            return path
    warnings.warn(f"{found[0]} differs from the file that {picture} was made from")
    return found[0]


def _places(picture: str, name: str) -> Iterator[str]:
    if name:
        yield os.path.join(os.path.dirname(picture), name)
        yield name


def _settings(path: str, recorded: dict[str, Any]) -> Settings:
    """Return recorded settings; settings that later versions added have their defaults."""
    known = {field.name for field in dataclasses.fields(Settings)}
    if unknown := sorted(recorded.keys() - known - GONE):
        warnings.warn(f"{path}: unknown settings are ignored: {', '.join(unknown)}")
    try:
        return Settings(**{name: recorded[name] for name in recorded.keys() & known})
    except UserError as error:
        raise UserError(f"--{FLAG} {path}: {error}") from None
