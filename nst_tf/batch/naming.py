"""What pictures are called: a template, and names that two jobs have taken."""

import dataclasses
import functools
import hashlib
import os
import re
import string
from array import array
from collections.abc import Iterable

import numpy as np

from nst_tf.images.save import FORMATS, output_format
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import shortened
from nst_tf.validation import unknown

LENGTHS = ((0, 0), (1, 0), (1, 1), (2, 1), (2, 2))
"""How much of the paths of photo and painting goes into a name, from short to long.

0 stands for the file's name, 1 for its name and ending, and 2 for the directory's name too.
"""

SPARE = len(".checkpoint.old")  # bytes that a checkpoint which is set aside needs beyond a name

FIELDS = ("content", "style", "recipe", "row")
"""What a template may name beside settings."""

NAMEABLE = (*FIELDS, *(field.name for field in dataclasses.fields(Settings)))
"""What a template may name."""


class Template:
    """How pictures are called, such as `{content}-{style}.png`.

    Args:
        text: a format string. It may make directories, such as `{style}/{content}.png`.

    Raises:
        ValueError: a field is not known, or the name is no picture's in the output directory.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            fields = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise UserError(f"{text!r} is not a template ({error}): write {{content}}") from None
        for name in fields:
            if name not in NAMEABLE:
                raise unknown("field of the name", f"{{{name}}}", [f"{{{n}}}" for n in NAMEABLE])
        self.fields = frozenset(fields)
        self._settings = [name for name in fields if name not in FIELDS]
        suffix = os.path.splitext(text)[1].lower()
        if suffix not in FORMATS and "{" not in suffix:
            raise UserError(f"{text!r} must end in one of {' '.join(FORMATS)}")

    def name(
        self,
        contents: Iterable[str],
        styles: Iterable[str],
        recipe: str,
        row: int,
        of: Settings,
        length: int = 0,
    ) -> str:
        """Return the name of a job's picture.

        Args:
            contents: the path of its photo, or none.
            styles: those of its paintings.
            recipe: the recipe's name.
            row: its number, from 1.
            of: its settings.
            length: index in `LENGTHS`, for names that would be taken twice.

        Raises:
            ValueError: a value does not fit the format that the template gives it.
        """
        values = {name: _written(getattr(of, name)) for name in self._settings}
        for_content, for_style = LENGTHS[length]
        try:
            return self.text.format(
                content=_called(contents, for_content) or "texture",
                style=_called(styles, for_style) or "reconstruction",
                recipe=recipe,
                row=row,
                **values,
            )
        except ValueError as error:
            raise UserError(f"--name {self.text!r} does not fit: {error}") from None


def _called(paths: Iterable[str], length: int) -> str:
    """Return what files are called in a name, with as much of their paths as `LENGTHS` says."""
    return "-".join(_writable(_stem(path, length)) for path in paths)


def _stem(path: str, length: int) -> str:
    stem, ending = os.path.splitext(os.path.basename(path))
    if not length:
        return stem
    directory = os.path.basename(os.path.dirname(path)) if length > 1 else ""
    return "-".join(filter(None, (directory, stem, ending[1:])))


def _writable(name: str) -> str:
    """Return a name with %E9 in place of a byte that is not UTF-8, as old disks have it."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value.replace(os.sep, "_") if isinstance(value, str) else value


def place_output(directory: str, name: str, bit_depth: int) -> str:
    """Return the path of a picture in the output directory.

    Raises:
        ValueError: the name leads out of the directory, or has no ending of a picture.
    """
    # Not pathlib, which interns every part: the names of a million rows pass here.
    parts = name.replace(os.sep, "/").split("/")
    if not name or os.path.isabs(name) or os.pardir in parts:
        raise UserError(f"output {name!r} leads out of --output_dir: leave out / and ..")
    output_format(name, bit_depth)
    head, tail = os.path.split(name)
    return os.path.join(directory, head, shortened(tail, SPARE))


@functools.lru_cache(256)
def _directory(path: str) -> str:
    return os.path.realpath(path)


def identity(path: str) -> int:
    """Return a number that two spellings of a path share, and other paths hardly ever."""
    directory, name = os.path.split(os.path.abspath(path))
    whole = os.path.normcase(os.path.join(_directory(directory), name))
    return int.from_bytes(
        hashlib.blake2b(whole.encode(errors="surrogatepass"), digest_size=8).digest(), "big"
    )


class Taken:
    """The names that jobs have taken, in eight bytes each."""

    def __init__(self) -> None:
        self._identities = array("Q")

    def add(self, path: str) -> None:
        """Take a name."""
        self._identities.append(identity(path))

    def twice(self) -> set[int]:
        """Return the identities of the names that have been taken more than once."""
        found = np.sort(np.frombuffer(self._identities, np.uint64))
        return {int(number) for number in found[1:][found[1:] == found[:-1]]}
