"""The rows of a manifest, and the pairs of photos and paintings."""

import csv
import dataclasses
import io
import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

from nst_tf.batch.flags import COMMON
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError
from nst_tf.validation import checked_auto, checked_each, checked_ramp, unknown
from nst_tf.workers.job import PICTURES, Flags

FIELDS = dataclasses.fields(Settings)

COLUMNS = (*PICTURES, "output", *COMMON, *(field.name for field in FIELDS))
"""The columns that a row may have."""

MEANT = {"photo": "content", "image": "content", "painting": "style"}
"""Columns that do not exist, and the ones that may be meant."""

SEVERAL = tuple(name for name in PICTURES if name != "content")
"""The columns that may be repeated, like their flags."""

JOINTS = {
    field.name: ":" if field.metadata["check"] is checked_ramp else ","
    for field in FIELDS
    if isinstance(field.default, tuple) or field.metadata["check"] in (checked_ramp, checked_each)
}
"""The settings that may have several values, and the separator of these in a flag."""

WHOLE = {"steps", "bit_depth", "dpi"} | {
    field.name
    for field in FIELDS
    if type(field.default) is int or field.metadata["check"] is checked_auto
}
NUMBERS = WHOLE | {
    field.name for field in FIELDS if type(field.default) is float and JOINTS.get(field.name) != ","
}

DELIMITERS = ",;\t"

Numbered = Iterator[tuple[int, Flags | ValueError]]


class ManifestRow(NamedTuple):
    """The description of a job in a manifest or a pair of directories.

    Attributes:
        place: where it stands, such as `jobs.csv:12`.
        output: the picture's name in the directory of results, if the row has one.
    """

    place: str
    flags: Flags
    output: str = ""


def read_manifest(path: str) -> Iterator[ManifestRow | ValueError]:
    """Yield the rows of a manifest, and an error for each invalid row.

    Paths in it are relative to the current directory, like those in flags.

    Args:
        path: a file of CSV, with commas, semicolons or tabs, or of JSON; its contents show which.
            `-` stands for stdin.

    Raises:
        OSError: it cannot be read.
        UserError: it is not text.
    """
    name = "stdin" if path == "-" else path
    if path != "-" and not os.path.exists(path):
        raise FileNotFoundError(f"--manifest {path} does not exist: check the path")
    if os.path.isdir(path):
        raise IsADirectoryError(f"--manifest {path} is a directory: name a .csv or .jsonl")
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            data = file.read()
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"--manifest {name} cannot be read: {reason}") from None
    # Spreadsheets may write UTF-16, which says so.
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = io.StringIO(data.decode(encoding), newline="")
    except UnicodeError:
        raise UserError(
            f"--manifest {name} is not text in UTF-8: save it as .csv in UTF-8"
        ) from None
    for line, row in _reader(text)(text):
        place = f"{name}:{line}"
        yield _problem(place, row) if isinstance(row, ValueError) else _row(place, row)


def _reader(file: IO[str]) -> Any:
    """Return the function that reads the rows of a file, by its first character."""
    first = next((line.lstrip()[0] for line in file if line.strip() and not _is_comment(line)), "")
    file.seek(0)
    return {"{": _json_lines, "[": _json_list}.get(first, _csv_rows)


def _is_comment(line: str) -> bool:
    return line.startswith("#")


def _csv_rows(file: IO[str]) -> Numbered:
    delimiter = _delimiter(file)
    reader = csv.reader(file, strict=True, delimiter=delimiter)
    names: tuple[str, ...] | None = None
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return
            cells = [cell.strip() for cell in cells]
            if not any(cells) or _is_remark(cells, names) or cells[0].startswith("sep="):
                continue
            if names is None:
                names = _header(cells)
            else:
                yield reader.line_num, _given(names, cells)
        except (csv.Error, UserError) as error:
            yield reader.line_num, UserError(str(error))
            if names is None:
                return  # without a header, rows mean nothing


def _delimiter(file: IO[str]) -> str:
    """Return the delimiter of a file: the character that is most frequent in its header."""
    lines = (line for line in file if line.strip() and not _is_comment(line))
    header = next((line for line in lines if not line.startswith("sep=")), "")
    file.seek(0)
    return max(DELIMITERS, key=header.count)


def _is_remark(cells: Sequence[str], names: tuple[str, ...] | None) -> bool:
    """Return whether a line is a comment: a file's name may begin with # too."""
    if not _is_comment(cells[0]):
        return False
    return names is None or cells[0].startswith("# ") or not any(cells[1:])


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    names = tuple(_column(cell) if cell else "" for cell in cells)
    for name in filter(None, names):
        if names.count(name) > 1 and name not in SEVERAL:
            raise UserError(f"column {name!r} is there twice")
    return names


def _given(names: Sequence[str], cells: list[str]) -> Flags:
    """Return the cells of a row that are not empty."""
    while len(cells) > len(names) and not cells[-1]:
        cells.pop()
    if len(cells) != len(names):
        raise UserError(
            f"{len(cells)} cells, but the header has {len(names)}: put quotes around a cell that "
            "has a comma"
        )
    for number, (name, cell) in enumerate(zip(names, cells, strict=True), start=1):
        if cell and not name:
            raise UserError(f"{cell!r} is in column {number}, which has no name in the header")
    return tuple((name, _value(name, c)) for name, c in zip(names, cells, strict=True) if c)


def _value(name: str, text: str) -> str:
    """Return a value as a flag has it: spreadsheets write whole numbers with a decimal point."""
    if name in NUMBERS and re.fullmatch(r"[-+]?\d+,\d+", text):
        raise UserError(f"{name} is {text!r}, with a decimal comma: write {text.replace(',', '.')}")
    if name in WHOLE and re.fullmatch(r"[-+]?\d+\.0+", text):
        return text.partition(".")[0]
    return text


def _json_lines(file: IO[str]) -> Numbered:
    for number, line in enumerate(file, start=1):
        if not line.strip() or _is_comment(line):
            continue
        try:
            yield number, tuple(_members(_loads(line)))
        except UserError as error:
            yield number, error


def _json_list(file: IO[str]) -> Numbered:
    """Yield the objects of a list, numbered from 1 instead of by line."""
    try:
        records = _loads("".join(line for line in file if not _is_comment(line)))
    except UserError as error:
        yield 1, error
        return
    for number, record in enumerate(records, start=1):
        try:
            yield number, tuple(_members(record))
        except UserError as error:
            yield number, error


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, including duplicates."""


def _loads(text: str) -> Any:
    try:  # numbers remain as they are written
        return json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not JSON: {error}") from None


def _members(record: Any) -> Iterator[tuple[str, str]]:
    """Yield the flags of a row in JSON; a list is several values, or one with commas."""
    if not isinstance(record, _Pairs):
        raise UserError(f"a row must be an object such as {{}}, not {_shown(record)}")
    names = [_column(key) for key, _ in record]
    for name, (_, value) in zip(names, record, strict=True):
        if names.count(name) > 1:
            raise UserError(f"{name!r} is there twice: give it one value, or a list")
        if isinstance(value, _Pairs) or not isinstance(value, list):
            yield from ((name, _scalar(name, item)) for item in (value,) if item is not None)
        elif name in SEVERAL:
            yield from ((name, _scalar(name, item)) for item in value)
        elif name in JOINTS:
            yield name, JOINTS[name].join(_scalar(name, item) for item in value)
        else:
            raise UserError(f"{name} has {len(value)} values: give each its own row")


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        several = " or a list of them" * (name in JOINTS or name in SEVERAL)
        raise UserError(f"{name} must be a word or a number{several}, not {_shown(value)}")
    return _value(name, value)


def _shown(value: Any) -> str:
    return f"{dict(value) if isinstance(value, _Pairs) else value!r}"[:60]


def _column(name: str) -> str:
    plain = name.strip().lower().lstrip("-").replace("-", "_").replace(" ", "_")
    if plain in MEANT:
        raise UserError(f"unknown column {name!r}: did you mean {MEANT[plain]!r}?")
    if plain not in COLUMNS:
        raise unknown("column", name, COLUMNS)
    return plain


def _row(place: str, flags: Flags) -> ManifestRow:
    output = dict(flags).get("output", "")
    return ManifestRow(place, tuple(flag for flag in flags if flag[0] != "output"), output)


def _problem(place: str, error: ValueError) -> ValueError:
    return UserError(f"{place}: {error}")


def pair_rows(contents: Sequence[str], styles: Sequence[str], pairs: str) -> Iterator[ManifestRow]:
    """Yield a row for each pair of a photo and a painting: all with all, or one with one.

    Raises:
        UserError: `zip`, but the numbers of photos and paintings differ.
    """
    if pairs == "zip" and len(contents) != len(styles):
        raise UserError(
            f"--pairs zip needs as many paintings as photos, but there are {len(contents)} photos "
            f"and {len(styles)} paintings"
        )
    found = zip(contents, styles, strict=True) if pairs == "zip" else (
        itertools.product(contents, styles)
    )  # fmt: skip
    for content, style in found:
        yield ManifestRow(f"{content} by {style}", (("content", content), ("style", style)))
