"""The names of pictures: a template, and duplicates."""

import dataclasses
import os
import re
import string
from collections import Counter
from collections.abc import Iterable

from nst_tf.images.save import FORMATS, output_format
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import shortened
from nst_tf.validation import unknown

LENGTHS = ((0, 0), (1, 0), (1, 1), (2, 1), (2, 2))
"""The parts of the paths of photo and painting in a name, from short to long.

0 stands for the file's name, 1 for its name and ending, and 2 for the directory's name too.
"""

SPARE = len(".checkpoint.old")  # bytes that the name of a checkpoint set aside adds

FIELDS = ("content", "style", "recipe", "row")
"""The fields of a template that are not settings."""

NAMEABLE = (*FIELDS, *(field.name for field in dataclasses.fields(Settings)))
"""All fields that a template may have."""


class Template:
    """The pattern of pictures' names, such as `{style}/{content}.png`.

    Raises:
        UserError: a field is unknown, or the name does not end like a picture.
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
        """Return the name of a job's picture; UserError if a value does not fit its format.

        Args:
            length: index in `LENGTHS`; longer names avoid duplicates.
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
    """Return the names of files in a picture's name, with as much of their paths as asked for."""
    return "-".join(_writable(_stem(path, length)) for path in paths)


def _stem(path: str, length: int) -> str:
    stem, ending = os.path.splitext(os.path.basename(path))
    if not length:
        return stem
    directory = os.path.basename(os.path.dirname(path)) if length > 1 else ""
    return "-".join(filter(None, (directory, stem, ending[1:])))


def _writable(name: str) -> str:
    """Return a name with %E9 in place of a byte that is not UTF-8, as on old disks."""
    return re.sub("[\udc80-\udcff]", lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", name)


def _written(value: object) -> object:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return value.replace(os.sep, "_") if isinstance(value, str) else value


def place_output(directory: str, name: str, bit_depth: int) -> str:
    """Return the path of a picture in the output directory.

    Raises:
        UserError: the name leads out of the directory, or does not end like a picture.
    """
    parts = name.replace(os.sep, "/").split("/")
    if not name or os.path.isabs(name) or os.pardir in parts:
        raise UserError(f"output {name!r} leads out of --output_dir: leave out / and ..")
    output_format(name, bit_depth)
    head, tail = os.path.split(name)
    return os.path.join(directory, head, shortened(tail, SPARE))


def identity(path: str) -> str:
    """Return the spelling that all spellings of a path share."""
    directory, name = os.path.split(os.path.abspath(path))
    return os.path.normcase(os.path.join(os.path.realpath(directory), name))


def duplicates(identities: Iterable[str]) -> set[str]:
    """Return the identities that occur more than once."""
    return {name for name, count in Counter(identities).items() if count > 1}
