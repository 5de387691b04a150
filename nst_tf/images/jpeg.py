"""JPEG files whose end is missing."""

import io
from collections.abc import Iterator
from typing import IO, NamedTuple

from PIL import Image, ImageChops

_END = b"\xff\xd9"
_FILLERS = tuple(bytes.fromhex(pattern) * 64 for pattern in ("5a3c9611", "a5c3d26e"))
"""Bits that a decoder takes for pixels if it still misses some; one kind may look like the rest."""

TAIL = 4096
"""Bytes at a file's end in which its end marker is, unless other data follow the picture."""

_STANDALONE = {0x01, *range(0xD0, 0xDA)}
_SCAN = 0xDA
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7}  # 0xF7: JPEG-LS


class Frame(NamedTuple):
    """The header of a JPEG frame.

    Attributes:
        marker: second byte of the frame's marker: its process.
        precision: bits a sample.
        width, height: pixels.
    """

    marker: int
    precision: int
    width: int
    height: int


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and place of the segments of a JPEG stream up to its first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        yield marker, at
        if marker == _SCAN:
            return
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def read_frame(data: bytes) -> Frame:
    """Return the header of a JPEG stream's frame; ValueError if there is none."""
    for marker, at in _segments(data):
        if marker in _FRAMES and at + 10 <= len(data):
            height, width = (int.from_bytes(data[at + i : at + i + 2], "big") for i in (5, 7))
            return Frame(marker, data[at + 4], width, height)
    raise ValueError("no frame header")


def completed(file: IO[bytes]) -> bytes | None:
    """Return a JPEG file with the end marker that it lacks; None: it has one, or lacks pixels too.

    A file that also lacks pixels decodes differently if other bits stand before the end: a decoder
    takes them for the missing pixels.
    """
    file.seek(max(0, file.seek(0, io.SEEK_END) - TAIL))
    if _END in file.read():
        return None
    file.seek(0)
    data = file.read()
    scan = next((at for marker, at in _segments(data) if marker == _SCAN), None)
    if scan is None or _END in data[scan:]:
        return None
    whole = data + _END
    pixels = _pixels(whole)
    for filler in _FILLERS:
        if ImageChops.difference(pixels, _pixels(data + filler + _END)).getbbox():
            return None
    return whole


def _pixels(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.load()
        return image
