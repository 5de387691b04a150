"""Formats that imagecodecs or tifffile read, but Pillow does not."""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
from PIL import Image, ImageFile

from nst_tf.images import jpeg, jxl, tiff
from nst_tf.images.levels import encode_srgb, quantize, to_float
from nst_tf.images.stated import hdr_remark
from nst_tf.utils.files import StrPath, open_again
from nst_tf.utils.stderr import quiet

_JPEG_LS = 0xF7


class Header(NamedTuple):
    """The header of a file, read before its picture is decoded.

    Attributes:
        bits: bits a sample, of integers.
        linear: whether samples are proportional to light.
        remark: the limits of reading its colours, in words that follow its name, or "".
    """

    width: int
    height: int
    bits: int = 16
    linear: bool = False
    remark: str = ""


class Format(NamedTuple):
    """A file format.

    Attributes:
        name: as users know it.
        starts: the possible first bytes of its files.
        header: reads the header from the file's data.
        decode: returns the samples, `[H, W]` or `[H, W, C]`, of the file's data.
        codec: of imagecodecs, which must be available.
    """

    name: str
    starts: tuple[bytes, ...]
    header: Callable[[bytes], Header]
    decode: Callable[[bytes], np.ndarray]
    codec: str


def _jxl_header(data: bytes) -> Header:
    width, height, bits, transfer = jxl.read_header(data)
    remark = hdr_remark(transfer or 0)
    if transfer not in (1, jxl.LINEAR, jxl.SRGB) and not remark:
        remark = "has a colour profile, which cannot be read of JPEG XL: it is read as sRGB"
    return Header(width, height, bits, transfer == jxl.LINEAR, remark)


def _jxr_header(data: bytes) -> Header:
    """Return the header of a JPEG XR file, ITU-T T.832, annex A: directories like TIFF's."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    tags = {}
    for number in range(count):
        tag, kind, _, value = struct.unpack_from("<HHII", data, at + 2 + 12 * number)
        tags[tag] = value & 0xFFFF if kind == 3 else value
    return Header(tags[0xBC80], tags[0xBC81])


def _radiance_header(data: bytes) -> Header:
    """Return the header of a Radiance file: lines of text, then its height and width."""
    lines = data.partition(b"\n\n")[2].partition(b"\n")[0].split()
    if len(lines) != 4 or (lines[0], lines[2]) != (b"-Y", b"+X"):
        raise ValueError("the size of the Radiance file is missing or turned")
    return Header(int(lines[3]), int(lines[1]), linear=True)


def _jpeg_header(data: bytes) -> Header:
    frame = jpeg.read_frame(data)
    return Header(frame.width, frame.height, frame.precision)


def _decode_jxl(data: bytes) -> np.ndarray:
    samples = imagecodecs.jpegxl_decode(data)
    return samples[0] if samples.ndim == 4 else samples  # the first frame of an animation


def _decode_jxr(data: bytes) -> np.ndarray:
    with quiet():  # jxrlib prints tags that it does not know
        return imagecodecs.jpegxr_decode(data)


def _decode_jpeg(data: bytes) -> np.ndarray:
    if jpeg.read_frame(data).marker == _JPEG_LS:
        return imagecodecs.jpegls_decode(data)
    return imagecodecs.jpeg8_decode(data)


FORMATS = (
    Format("JPEG XL", (jxl.CODESTREAM, jxl.CONTAINER), _jxl_header, _decode_jxl, "JPEGXL"),
    Format("JPEG XR", (b"II\xbc\x01",), _jxr_header, _decode_jxr, "JPEGXR"),
    Format("Radiance", (b"#?RADIANCE", b"#?RGBE"), _radiance_header, imagecodecs.rgbe_decode,
           "RGBE"),
    Format("JPEG", (b"\xff\xd8\xff",), _jpeg_header, _decode_jpeg, "JPEG8"),
)  # fmt: skip
"""Formats that imagecodecs decodes; JPEG where it is lossless or has more than 8 bits."""


ENDINGS = (".jxl", ".jxr", ".wdp", ".hdp", ".hdr", ".jls")
"""Endings of files in these formats."""


class ForeignImage(ImageFile.StubImageFile):
    """A picture that Pillow does not decode. To Pillow it has 8 bits a channel."""

    header: Header

    def __init__(self, path: StrPath, name: str, header: Header, decode: Callable[[], np.ndarray]):
        self.header = header
        self._decode = decode
        super().__init__(open_again(path), "")
        self._exclusive_fp = True
        self.format = name

    def _open(self) -> None:
        self._size, self._mode = (self.header.width, self.header.height), "RGB"

    def samples(self) -> np.ndarray:
        """Return the samples `[H, W, C]`, uint8, uint16 or float32, of sRGB.

        ValueError: they are neither grey nor RGB.
        """
        samples = self._decode()
        samples = samples[..., None] if samples.ndim == 2 else samples
        if samples.ndim != 3 or samples.shape[:2] != self.size[::-1] or samples.shape[2] > 4:
            raise ValueError(f"it decodes to samples of shape {samples.shape}")
        if samples.dtype == np.uint16 and self.header.bits < 16:
            samples = tiff.scaled_to_16(samples, self.header.bits)
        if samples.dtype.kind == "f":
            samples = samples.astype(np.float32, copy=False)
        # Floats of JPEG XR are scRGB, which is linear: ITU-T T.832, annex A.
        linear = self.header.linear or (self.format == "JPEG XR" and samples.dtype.kind == "f")
        return _from_linear(samples) if linear else samples

    def _load(self) -> Any:
        return _Loader()


class _Loader:
    """The interface of Pillow to a decoder that it does not have."""

    def open(self, image: Image.Image) -> None:
        """Do nothing: the header has been read."""

    def load(self, image: Image.Image) -> Image.Image:
        """Return the decoded picture."""
        assert isinstance(image, ForeignImage)
        levels = quantize(to_float(image.samples()))
        loaded = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
        loaded.info = image.info
        return loaded


def _from_linear(samples: np.ndarray) -> np.ndarray:
    """Return light as sRGB's values, IEC 61966-2-1; an alpha, the last channel, is kept.

    Values brighter than white become white.
    """
    colors = samples.shape[-1] - (samples.shape[-1] in (2, 4))
    values = np.clip(to_float(samples), 0, 1)
    for channel in np.moveaxis(values, -1, 0)[:colors]:
        channel[...] = encode_srgb(channel)
    return values


def open_foreign(path: StrPath) -> ForeignImage | None:
    """Return a picture of one of `FORMATS`, not decoded yet, or None for other files."""
    with open_again(path) as file:
        start = file.read(32)
        for kind in FORMATS:
            if start.startswith(kind.starts) and getattr(imagecodecs, kind.codec).available:
                header = kind.header(start + file.read())
                return ForeignImage(path, kind.name, header, partial(_decode, kind, path))
    return None


def open_page(path: StrPath, place: tiff.Place) -> ForeignImage:
    """Return a page of a TIFF file, not decoded yet."""
    header = Header(place.size[1], place.size[0])
    image = ForeignImage(path, "TIFF", header, partial(tiff.read_samples, path, place))
    image.info.update(tiff.read_info(path, place))
    return image


def _decode(kind: Format, path: StrPath) -> np.ndarray:
    with open_again(path) as file:
        return kind.decode(file.read())
