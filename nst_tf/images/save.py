"""Float32 arrays as picture files."""

import io
import os
import struct
from collections.abc import Mapping
from typing import IO, Any

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffImagePlugin

from nst_tf.images.exif import SOFTWARE, PhotoExif
from nst_tf.images.io import over_white
from nst_tf.images.levels import quantize
from nst_tf.images.metadata import metadata_options, to_xmp
from nst_tf.images.profiles import srgb_profile
from nst_tf.images.resize import as_image
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import StrPath, is_stream, write_whole
from nst_tf.validation import BIT_DEPTHS, FORMATS

DEEP_FORMATS = ("PNG", "TIFF")
"""Formats that hold 16 bits a channel."""

_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
}

_PLACE = 34664
"""A TIFF tag that nobody uses, in the order just before that of the Exif directory, which tifffile
refuses to write."""

_LARGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}  # pixels: limits of libjpeg and of the format


def output_format(path: StrPath, bit_depth: int = 8, format: str | None = None) -> str:
    """Return Pillow's name of the format that the extension of `path` asks for.

    Args:
        format: an extension without its dot, for paths that have none; by default png for devices
            and pipes, such as /dev/stdout.

    Raises:
        ValueError: the extension is not one of `FORMATS`, the depth is neither 8 nor 16, or the
            format cannot hold it.
    """
    suffix = os.path.splitext(path)[1].lower()
    if not suffix and (format or is_stream(path)):
        suffix = f".{format or 'png'}"
    if suffix not in FORMATS:
        raise UserError(
            f"{path} does not have the extension of a picture: use one of {' '.join(FORMATS)}"
        )
    if bit_depth not in BIT_DEPTHS:
        raise UserError(f"bit_depth must be 8 or 16, not {bit_depth}")
    if bit_depth == 16 and FORMATS[suffix] not in DEEP_FORMATS:
        raise UserError(
            f"{path} cannot hold a bit_depth of 16, only 8: save a .png or .tiff instead"
        )
    return FORMATS[suffix]


def check_output_size(path: StrPath, height: int, width: int, format: str | None = None) -> None:
    """Check that the format that `path` asks for can hold a picture of that size.

    `format` is that of `output_format`.

    Raises:
        ValueError: it cannot.
    """
    limit = _LARGEST_SIDE.get(output_format(path, format=format))
    if limit and max(height, width) > limit:
        raise UserError(
            f"{path} cannot hold {width}x{height} pixels, only {limit} a side: save a .png or .tiff"
        )


def save_image(
    path: StrPath,
    image: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    has_profile: bool = False,
    metadata: Mapping[str, Any] | None = None,
    exif: PhotoExif | None = None,
    bit_depth: int = 8,
    overwrite: bool = True,
    format: str | None = None,
) -> None:
    """Write an image as PNG, JPEG, WebP (lossless) or TIFF by its extension, whole or not at all.

    Args:
        path: where to write.
        image: float `[1, H, W, 3]` or `[H, W, 3]` in [0, 1], sRGB.
        alpha: `[H, W]` in [0, 1], or None; JPEG cannot hold it and shows white instead.
        has_profile: whether to embed a profile of sRGB.
        metadata: recorded as JSON, which `read_metadata` reads back.
        exif: data of the photo, and dots per inch, for the file: from `io.load_picture`, or such
            as `PhotoExif(dpi=(300, 300))`.
        bit_depth: bits a channel, 8 or, for PNG and TIFF, 16; values are rounded.
        overwrite: whether a file that is there already is replaced.
        format: as for `output_format`.

    Raises:
        ValueError: the extension, the depth or the image is not valid.
        OSError: the file cannot be written, or exists and must be kept (`FileExistsError`).
    """
    kind = output_format(path, bit_depth, format)
    pixels = as_image("image", image)[0]
    if alpha is not None and kind == "JPEG":
        pixels, alpha = over_white(pixels, alpha), None
    levels = quantize(pixels, bit_depth)
    if alpha is not None:
        levels = np.concatenate([levels, quantize(alpha, bit_depth)[..., None]], axis=-1)
    profile = srgb_profile() if has_profile else None
    exif = exif or PhotoExif()
    with write_whole(path, overwrite) as file:
        if kind == "TIFF":
            _write_tiff(file, levels, profile, metadata, exif)
            return
        options = _SAVE_OPTIONS[kind] | ({"icc_profile": profile} if profile else {})
        options |= metadata_options(kind, metadata, exif)
        if bit_depth == 16:
            _write_deep_png(file, levels, options)
        else:
            Image.fromarray(levels).save(file, kind, **options)


def _write_deep_png(file: IO[bytes], levels: np.ndarray, options: Mapping[str, Any]) -> None:
    """Write uint16 `[H, W, 3 or 4]` with the chunks that Pillow makes of its options."""
    small = io.BytesIO()
    Image.new("RGB", (1, 1)).save(small, "PNG", **options)
    chunks = small.getvalue()
    encoded = imagecodecs.png_encode(levels)
    header = 8 + 25  # bytes of the signature and of the chunk IHDR
    file.write(encoded[:header])
    file.write(chunks[header : chunks.rindex(b"IDAT") - 4])  # whose length stands before it
    file.write(encoded[header:])


def _write_tiff(
    file: IO[bytes],
    levels: np.ndarray,
    profile: bytes | None,
    metadata: Mapping[str, Any] | None,
    exif: PhotoExif,
) -> None:
    """Write uint8 or uint16 `[H, W, 3 or 4]`; Pillow writes neither 16 bits nor capture data."""
    stored = exif.to_pillow()
    tags: list[tuple] = [(tag, 2, 0, stored[tag], True) for tag in exif.authorship]
    if metadata is not None:
        packet = to_xmp(metadata)
        tags.append((int(ExifTags.Base.XMLPacket), 1, len(packet), packet, True))
    if exif.capture:
        tags.append((_PLACE, 4, 1, 0, True))
    tifffile.imwrite(
        file,
        levels,
        photometric="rgb",
        extrasamples=["unassalpha"] if levels.shape[-1] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=profile,
        resolution=exif.dpi,
        resolutionunit=2 if exif.dpi else None,
        extratags=tags,
        software=False if metadata is None else SOFTWARE,
        metadata=None,  # tifffile's own
    )
    if exif.capture:
        _append_capture(file, exif.capture)


def _append_capture(file: IO[bytes], capture: Mapping[int, Any]) -> None:
    """Append an Exif directory to a TIFF file and point to it where the file has `_PLACE`."""
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        place = tiff.pages.first.tags[_PLACE]
        header = b"II*\0\0\0\0\0" if tiff.byteorder == "<" else b"MM\0*\0\0\0\0"
        if tiff.is_bigtiff:  # whose directories Pillow cannot write
            return
    directory = TiffImagePlugin.ImageFileDirectory_v2(header)
    for tag, value in capture.items():
        directory[tag] = value
    end = file.seek(0, io.SEEK_END)
    start = end + end % 2  # TIFF 6.0, section 2: on a word boundary
    file.write(b"\0" * (start - end) + directory.tobytes(start))
    file.seek(place.offset)
    file.write(struct.pack(f"{tiff.byteorder}H", ExifTags.IFD.Exif))
    file.seek(place.valueoffset)
    file.write(struct.pack(f"{tiff.byteorder}I", start))
