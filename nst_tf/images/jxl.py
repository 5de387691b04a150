"""Headers of JPEG XL files: size, depth and colours, ISO/IEC 18181-1, annexes A, D and E."""

import io
import struct
from typing import NamedTuple

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_BITS, _BITS_OF_FLOATS = ((0, 8), (0, 10), (0, 12), (6, 1)), ((0, 32), (0, 16), (0, 24), (6, 1))
_ENUM = ((0, 0), (0, 1), (4, 2), (6, 18))
_RGB, _GREY = 0, 1
_D65, _SRGB_PRIMARIES = 1, 1
LINEAR, SRGB = 8, 13
"""Transfer functions, by their numbers in ITU-T H.273."""


class Header(NamedTuple):
    """The header of a JPEG XL file.

    Attributes:
        width, height: pixels, upright.
        bits: bits a sample.
        transfer: the colours' transfer function, if they are sRGB's in everything else; None: they
            are others.
    """

    width: int
    height: int
    bits: int
    transfer: int | None


def read_header(data: bytes) -> Header:
    """Return the header of a JPEG XL file from its first bytes; ValueError if there is none."""
    bits = _Bits(_codestream(data)[2:])
    width, height = _size(bits)
    if bits.read(1):  # the default: 8 bits, sRGB
        return Header(width, height, 8, SRGB)
    if bits.read(1):
        orientation = 1 + bits.read(3)
        if orientation >= 5:
            width, height = height, width
        _skip_extra_fields(bits)
    depth = _depth(bits)
    bits.read(1)  # whether 16 bits are enough for the decoder
    extra = bits.choose((0, 0), (0, 1), (4, 2), (12, 1))
    if not all(_skip_alpha(bits) for _ in range(extra)):
        return Header(width, height, depth, None)
    bits.read(1)  # whether XYB is used inside
    return Header(width, height, depth, _transfer(bits))


class _Bits:
    """Bits of a stream, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:128], "little")
        self._left = 8 * len(data[:128])

    def read(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header of JPEG XL is cut")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value

    def choose(self, *choices: tuple[int, int]) -> int:
        """Return a number that is written in one of four ways: its bits, and an offset to add."""
        count, more = choices[self.read(2)]
        return self.read(count) + more


def _codestream(data: bytes) -> bytes:
    """Return the start of the codestream in a file, which may be a container of boxes."""
    if data.startswith(CODESTREAM):
        return data
    file = io.BytesIO(data)
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if size == 1:
            size = int.from_bytes(file.read(8), "big") - 8
        if name in (b"jxlc", b"jxlp"):
            file.seek(4 * (name == b"jxlp"), io.SEEK_CUR)  # the part's number
            return file.read(256)
        if size < 8:
            break
        file.seek(size - 8, io.SEEK_CUR)
    raise ValueError("the file of JPEG XL has no picture")


def _size(bits: _Bits) -> tuple[int, int]:
    """Return width and height."""
    small = bits.read(1)

    def side() -> int:
        return 8 * (1 + bits.read(5)) if small else bits.choose((9, 1), (13, 1), (18, 1), (30, 1))

    height = side()
    ratio = bits.read(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _skip_extra_fields(bits: _Bits) -> None:
    if bits.read(1):  # another size to be shown at
        _size(bits)
    if bits.read(1):
        raise ValueError("the file of JPEG XL has a preview")
    if bits.read(1):  # an animation: ticks a second, loops, time codes
        bits.choose((0, 100), (0, 1000), (10, 1), (30, 1))
        bits.choose((0, 1), (0, 1001), (8, 1), (10, 1))
        bits.choose((0, 0), (3, 0), (16, 0), (32, 0))
        bits.read(1)


def _depth(bits: _Bits) -> int:
    """Return the bits a sample."""
    if not bits.read(1):
        return bits.choose(*_BITS)
    depth = bits.choose(*_BITS_OF_FLOATS)
    bits.read(4)  # of the exponent
    return depth


def _skip_alpha(bits: _Bits) -> bool:
    """Return whether another channel than the colours is an alpha, and pass it by."""
    if bits.read(1):  # the default
        return True
    if bits.choose(*_ENUM):
        return False
    _depth(bits)
    bits.choose((0, 0), (0, 3), (0, 4), (3, 1))  # how much smaller it is
    for _ in range(bits.choose((0, 0), (4, 0), (5, 16), (10, 48))):
        bits.read(8)  # of its name
    bits.read(1)  # whether the colours are multiplied by it
    return True


def _transfer(bits: _Bits) -> int | None:
    """Return the transfer function of colours that have sRGB's primaries and white, or None."""
    if bits.read(1):  # the default
        return SRGB
    if bits.read(1):  # an ICC profile
        return None
    space = bits.choose(*_ENUM)
    if space not in (_RGB, _GREY) or bits.choose(*_ENUM) != _D65:
        return None
    if space == _RGB and bits.choose(*_ENUM) != _SRGB_PRIMARIES:
        return None
    return None if bits.read(1) else bits.choose(*_ENUM)
