"""Image sequences: numbered picture files with a pattern such as `frame_%05d.png`."""

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from nst_tf.images.io import load_picture
from nst_tf.utils.errors import UserError
from nst_tf.video.footage import Footage, Frame

NUMBER = re.compile(r"%0?(\d*)d")

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".mpg")
"""Extensions of films, whose names are never patterns."""


def is_sequence(path: str) -> bool:
    """Return whether a path is the pattern of an image sequence, and not the name of a film."""
    named = Path(path)
    return (
        bool(NUMBER.search(named.name))
        and named.suffix.lower() not in VIDEO_SUFFIXES
        and not os.path.isfile(path)
    )


def numbered(path: str, number: int) -> Path:
    """Return the path of a number; ValueError: the pattern does not have exactly one number."""
    try:
        return Path(path).with_name(Path(path).name % number)
    except (TypeError, ValueError):
        raise UserError(
            f"{path} is not a pattern with one number: use one like frame_%05d.png, and %% for %"
        ) from None


def open_sequence(path: str, rate: Fraction) -> Footage:
    """Open an image sequence: the files from the lowest number up to the first gap.

    Raises:
        OSError: no file matches the pattern, or the first one cannot be read.
        ValueError: the pattern does not have exactly one number.
    """
    found = numbers(path)
    if not found:
        raise FileNotFoundError(
            f"{path} matches no file: check the directory and the number of digits"
        )
    first = last = min(found)
    while numbered(path, last + 1).is_file():
        last += 1
    opened = load_picture(numbered(path, first))
    size = opened.pixels.shape[1:3]

    def read() -> Iterator[Frame]:
        for number in range(first, last + 1):
            picture = load_picture(numbered(path, number))
            height, width = picture.pixels.shape[1:3]
            if (height, width) != size:
                raise UserError(
                    f"{numbered(path, number)} is {width}x{height} pixels, but the first file "
                    f"{size[1]}x{size[0]}: give all files the same size"
                )
            yield Frame.of(picture, number - first)

    return Footage(
        path, size, rate, 1 / rate, lambda: range(last + 1 - first), read, first=first,
        transparent=opened.alpha is not None,
    )  # fmt: skip


def numbers(path: str) -> list[int]:
    """Return the numbers of the files that match the pattern."""
    numbered(path, 0)  # raises if the pattern has two numbers
    name, directory = Path(path).name, Path(path).parent
    before, after = (part.replace("%%", "%") for part in NUMBER.split(name)[::2])
    return [
        int(digits)
        for file in (directory.iterdir() if directory.is_dir() else ())
        if file.name.startswith(before) and file.name.endswith(after)
        and (digits := file.name[len(before) : len(file.name) - len(after)]).isdecimal()
        and numbered(path, int(digits)).name == file.name
    ]  # fmt: skip
