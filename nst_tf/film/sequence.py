"""Image sequences: numbered picture files, by a pattern such as `frame_%05d.png`."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from nst_tf.errors import UserError
from nst_tf.film.footage import Footage, Frame
from nst_tf.images.depth import to_levels
from nst_tf.images.io import load_image

NUMBER = re.compile(r"%0?(\d*)d")


def is_sequence(path: str) -> bool:
    """Return whether a path is the pattern of an image sequence."""
    return bool(NUMBER.search(Path(path).name))


def numbered(path: str, number: int) -> Path:
    """Return the file of a number; ValueError: the pattern holds more than one number."""
    try:
        return Path(path % number)
    except (TypeError, ValueError):
        raise UserError(
            f"{path} is no pattern with one number: write it like frame_%05d.png, and %% for %"
        ) from None


def open_sequence(path: str, rate: Fraction) -> Footage:
    """Open an image sequence: the files from the lowest number on, up to the first gap.

    Args:
        path: the pattern.
        rate: frames a second.

    Raises:
        OSError: there is no file of the pattern, or the first cannot be read.
        ValueError: it is no pattern.
    """
    found = numbers(path)
    if not found:
        raise FileNotFoundError(f"{path} matches no file: check directory and number of digits")
    first = last = min(found)
    while numbered(path, last + 1).is_file():
        last += 1
    size = _pixels(numbered(path, first)).shape[:2]

    def read() -> Iterator[Frame]:
        for number in range(first, last + 1):
            pixels = _pixels(numbered(path, number))
            if pixels.shape[:2] != size:
                raise UserError(
                    f"{numbered(path, number)} is {pixels.shape[1]}x{pixels.shape[0]} pixels, but "
                    f"the first file {size[1]}x{size[0]}: give all the same size"
                )
            yield Frame(pixels, number - first)

    return Footage(path, size, rate, 1 / rate, last + 1 - first, read, first=first)


def numbers(path: str) -> list[int]:
    """Return the numbers that have a file of the pattern."""
    numbered(path, 0)  # which refuses patterns of two numbers
    name, directory = Path(path).name, Path(path).parent
    before, after = (part.replace("%%", "%") for part in NUMBER.split(name)[::2])
    return [
        int(digits)
        for file in (directory.iterdir() if directory.is_dir() else ())
        if file.name.startswith(before) and file.name.endswith(after)
        and (digits := file.name[len(before) : len(file.name) - len(after)]).isdecimal()
        and numbered(path, int(digits)).name == file.name
    ]  # fmt: skip


def _pixels(path: Path) -> np.ndarray:
    return to_levels(load_image(path)[0])
