"""The pictures of a directory or a pattern."""

import fnmatch
import glob
import os
import warnings
from collections import Counter
from collections.abc import Iterator

from PIL import Image

from nst_tf.images.foreign import ENDINGS
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError

BEYOND_PILLOW = (".heic", ".heif", ".hif", *ENDINGS)
"""Endings of pictures that other decoders read."""

NO_PICTURES = {"BUFR", "GRIB", "HDF5", "MPEG"}
"""Formats that Pillow recognises and cannot decode."""


def find_pictures(flag: str, place: str) -> list[str]:
    """Return the pictures of a directory, those that match a pattern, or a single one, by name.

    Hidden files are ignored. Files that do not end like a picture are ignored with a warning.

    Raises:
        OSError: the place does not exist.
        UserError: there are no pictures.
    """
    if os.path.isfile(place):
        return [place]
    if os.path.isdir(place):
        found = [entry.path for entry in os.scandir(place) if not _is_hidden(entry.name)]
    elif glob.has_magic(place):
        found = list(_matches(place))
    else:
        raise FileNotFoundError(
            f"--{flag} {place} does not exist: name a directory, a picture or a pattern such as "
            "'*.jpg' in quotes"
        )
    endings = _endings()
    kinds = {path: _kind(path, endings) for path in dict.fromkeys(found)}
    others = Counter(kind for kind in kinds.values() if kind).most_common()
    left_out = ", ".join(counted(count, kind) for kind, count in others)
    pictures = sorted(path for path, kind in kinds.items() if not kind)
    if not pictures:
        raise UserError(f"--{flag} {place} has no pictures" + f", only {left_out}" * bool(left_out))
    if left_out:
        warnings.warn(f"--{flag} {place}: {left_out} left out: not pictures")
    return pictures


def _endings() -> set[str]:
    """Return the endings of the pictures that can be read."""
    Image.init()
    readable = Image.OPEN.keys() - NO_PICTURES
    return {
        *BEYOND_PILLOW,
        *(ending for ending, kind in Image.EXTENSION.items() if kind in readable),
    }


def _kind(path: str, endings: set[str]) -> str:
    """Return the kind of a file that is not a picture, in words; empty for a picture."""
    if os.path.isdir(path):
        return "linked folder" if os.path.islink(path) else "folder"
    if not os.path.exists(path):
        return "broken link"
    ending = os.path.splitext(path)[1].lower()
    if ending in endings:
        return "" if os.path.isfile(path) else "device"
    return f"{ending} file" if ending else "other file"


def _matches(pattern: str) -> Iterator[str]:
    """Yield the paths that match a pattern. A part of it that exists is taken literally.

    `**` stands for a directory and all below it, each once: links to directories are not followed.
    """
    drive, rest = os.path.splitdrive(pattern)
    parts = rest.replace(os.altsep or os.sep, os.sep).split(os.sep)
    begin = drive + os.sep if rest.startswith(os.sep) else drive
    parts = [part for part in parts if part]
    if parts[-1] == "**":
        parts.append("*")
    for path in _below(begin, parts):
        # The pictures of a directory below `**` match themselves.
        if "**" not in parts or os.path.islink(path) or not os.path.isdir(path):
            yield path


def _below(folder: str, parts: list[str]) -> Iterator[str]:
    """Yield the paths in a directory that match the parts of a pattern."""
    if not parts:
        yield folder
        return
    part, *rest = parts
    literal = os.path.join(folder, part)
    if part != "**" and (not glob.has_magic(part) or os.path.lexists(literal)):
        if os.path.lexists(literal):
            yield from _below(literal, rest)
        return
    try:
        entries = list(os.scandir(folder or os.curdir))
    except OSError:  # not a directory, or one that cannot be read
        return
    if part == "**":
        yield from _below(folder, rest)
    for entry in entries:
        path = os.path.join(folder, entry.name)
        if _is_hidden(entry.name) and not part.startswith("."):
            continue
        if part == "**":
            if entry.is_dir(follow_symlinks=False):
                yield from _below(path, parts)
        elif fnmatch.fnmatch(entry.name, part):
            yield from _below(path, rest)


def _is_hidden(name: str) -> bool:
    return name.startswith(".")
