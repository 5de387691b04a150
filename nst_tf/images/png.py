"""Chunks of PNG files that Pillow refuses or leaves out."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, NamedTuple

from PIL import PngImagePlugin

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MOST_PROFILE = 64 * 2**20
"""Limit of an inflated colour profile, bytes."""

_TEXTS = (b"zTXt", b"iTXt", b"tEXt")


class _Chunk(NamedTuple):
    """A chunk of a PNG file: its name, and the place and length of its data."""

    name: bytes
    start: int
    length: int


def _chunks(file: IO[bytes]) -> Iterator[_Chunk]:
    """Yield the chunks of a PNG file, up to where it ends or makes no sense."""
    at = len(SIGNATURE)
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head)
        yield _Chunk(name, at + 8, length)
        at += length + 12


def _data(file: IO[bytes], chunk: _Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(chunk.length)


def read_cicp(file: IO[bytes]) -> tuple[int, int] | None:
    """Return the primaries and the transfer function that a PNG file names by cICP, or None."""
    for chunk in _chunks(file):
        if chunk.name == b"cICP" and chunk.length == 4:
            primaries, transfer, *_ = _data(file, chunk)
            return primaries, transfer
        if chunk.name == b"IDAT":
            break
    return None


def read_exif(file: IO[bytes]) -> bytes | None:
    """Return the Exif data of a PNG file as they are in JPEG files, or b"" if it has none.

    Pillow decodes a whole picture to find them. None: they are in a text, which Pillow reads.
    """
    found = b""
    for chunk in _chunks(file):
        if chunk.name in _TEXTS and _data(file, chunk).startswith(b"Raw profile type"):
            return None
        if chunk.name == b"eXIf":
            found = b"Exif\0\0" + _data(file, chunk)
    return found


def lean_copy(file: IO[bytes], keep: bytes) -> tuple[io.BytesIO, bytes | None] | None:
    """Return a PNG file in memory without what is too large for Pillow, or None if nothing is.

    Pillow refuses the whole file for a text or a profile of more than 1 MiB. The copy has no text
    but that of the keyword `keep`. The profile that it lacks is returned with it.
    """
    chunks = list(_chunks(file))
    plain = sum(chunk.length for chunk in chunks if chunk.name in _TEXTS)
    packed = [chunk for chunk in chunks if chunk.name in (b"zTXt", b"iTXt", b"iCCP")]
    if plain < PngImagePlugin.MAX_TEXT_CHUNK and not any(_large(file, part) for part in packed):
        return None
    copy, profile = io.BytesIO(), None
    copy.write(SIGNATURE)
    for chunk in chunks:
        if chunk.name == b"iCCP" and _large(file, chunk):
            profile = _inflated(_data(file, chunk), MOST_PROFILE) or None
        elif chunk.name not in _TEXTS or _data(file, chunk).startswith(keep + b"\0"):
            file.seek(chunk.start - 8)
            copy.write(file.read(chunk.length + 12))
    copy.seek(0)
    return copy, profile


def _large(file: IO[bytes], chunk: _Chunk) -> bool:
    """Return whether a chunk that may be compressed is too large for Pillow."""
    most = PngImagePlugin.MAX_TEXT_CHUNK
    return len(_inflated(_data(file, chunk), most + 1)) > most


def _inflated(data: bytes, most: int) -> bytes:
    """Return what a chunk holds behind its keyword, inflated up to a limit; b"" if nothing."""
    body = data.partition(b"\0")[2]
    if body[:2] == b"\1\0":  # iTXt: compressed, method 0; language and translated keyword follow
        body = b"\0" + body[2:].split(b"\0", 2)[-1]
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(body[1:], most)
    return b""
