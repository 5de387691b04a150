"""The rows of a manifest, and the pairs of photos and paintings."""

import csv
import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from nst_tf.checks import unknown
from nst_tf.errors import UserError
from nst_tf.jobs.flags import COMMON
from nst_tf.jobs.job import PICTURES, Flags, Row
from nst_tf.settings import Settings

SETTINGS = tuple(field.name for field in dataclasses.fields(Settings))

COLUMNS = (*PICTURES, "output", *COMMON, *SETTINGS)
"""What a row may say."""

SEVERAL = tuple(name for name in PICTURES if name != "content")
"""The columns that may be there several times, as their flags may."""


def read_rows(path: str) -> Iterator[Row | ValueError]:
    """Yield the rows of a manifest, one by one, and an error for each that is not valid.

    Paths in it are relative to the current directory, as those of flags are.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no manifest at all.
    """
    ending = os.path.splitext(path)[1].lower()
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
    if ending not in readers:
        raise UserError(f"--manifest {path} must end in .csv or .jsonl")
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for line, row in readers[ending](file):
                place = f"{path}:{line}"
                yield _problem(place, row) if isinstance(row, ValueError) else _row(place, row)
    except UnicodeDecodeError:
        raise UserError(f"--manifest {path} is no text in UTF-8: save it as such") from None
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"--manifest {path} cannot be read: {reason}") from None


Numbered = Iterator[tuple[int, Flags | ValueError]]


def _csv_rows(file: Any) -> Numbered:
    reader = csv.reader(file, strict=True)
    names: tuple[str, ...] | None = None
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return
            if not any(map(str.strip, cells)):
                continue
            if names is None:
                names = _header(cells)
            elif len(cells) != len(names):
                raise UserError(f"{len(cells)} cells, but the header has {len(names)}")
            else:
                yield reader.line_num, _given(zip(names, map(str.strip, cells), strict=True))
        except UnicodeDecodeError:  # after which there is no next row
            raise
        except (csv.Error, ValueError) as error:
            yield reader.line_num, UserError(str(error))
            if names is None:
                return  # without a header, rows mean nothing


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    names = tuple(_column(cell.strip()) for cell in cells)
    for name in names:
        if names.count(name) > 1 and name not in SEVERAL:
            raise UserError(f"column {name!r} is there twice")
    return names


def _json_rows(file: Any) -> Numbered:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:  # numbers stay as they are written
            record = json.loads(line, parse_int=str, parse_float=str)
        except (ValueError, RecursionError) as error:
            yield number, UserError(f"no JSON: {error}")
            continue
        try:
            yield number, _given(_members(record))
        except ValueError as error:
            yield number, error


def _members(record: Any) -> Iterator[tuple[str, str]]:
    """Yield the flags of a row in JSON; a list is several values, or one with commas."""
    if not isinstance(record, dict):
        raise UserError(f"a row must be an object such as {{}}, not {record!r:.60}")
    for key, value in record.items():
        name = _column(key)
        if name in SEVERAL and isinstance(value, list):
            yield from ((name, _scalar(name, item)) for item in value)
        elif isinstance(value, list):
            yield name, ",".join(_scalar(name, item) for item in value)
        elif value is not None:
            yield name, _scalar(name, value)


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        raise UserError(f"{name} must be a word, a number or a list of them, not {value!r:.60}")
    return value


def _column(name: str) -> str:
    name = name.lstrip("-").replace("-", "_")
    if name not in COLUMNS:
        raise unknown("column", name, COLUMNS)
    return name


def _given(cells: Any) -> Flags:
    """Return the cells that are not empty."""
    return tuple((name, value) for name, value in cells if value)


def _row(place: str, flags: Flags) -> Row:
    output = dict(flags).get("output", "")
    return Row(place, tuple(flag for flag in flags if flag[0] != "output"), output)


def _problem(place: str, error: ValueError) -> ValueError:
    return UserError(f"{place}: {error}")


def pair_rows(contents: Sequence[str], styles: Sequence[str], pairs: str) -> Iterator[Row]:
    """Yield a row for each pair of a photo and a painting.

    Args:
        contents: paths of the photos.
        styles: paths of the paintings.
        pairs: `product`, every photo with every painting, or `zip`, one with one.

    Raises:
        ValueError: `zip`, but there are more of one than of the other.
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
        yield Row(f"{content} by {style}", (("content", content), ("style", style)))
