"""Exif data worth keeping: author, date, camera and exposure."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from PIL import ExifTags, Image

_Tag = ExifTags.Base

SOFTWARE = "nst_tf"
"""Name of this program in a picture's file."""

# Places, serial numbers and makers' notes are dropped: they reveal more than people expect of a
# picture that they show to others.
AUTHORSHIP = (_Tag.Artist, _Tag.Copyright, _Tag.Make, _Tag.Model)
CAPTURE = (
    _Tag.DateTimeOriginal, _Tag.OffsetTimeOriginal, _Tag.SubsecTimeOriginal, _Tag.ExposureTime,
    _Tag.FNumber, _Tag.ISOSpeedRatings, _Tag.FocalLength, _Tag.FocalLengthIn35mmFilm,
    _Tag.LensMake, _Tag.LensModel,
)  # fmt: skip


@dataclass(frozen=True)
class PhotoExif:
    """The photo's data in the result's file.

    Attributes:
        authorship: artist, copyright and camera, by their numbers in Exif.
        capture: date and exposure, by their numbers in Exif's own directory.
        dpi: pixels per inch across and down, or None.
    """

    authorship: Mapping[int, Any] = field(default_factory=dict)
    capture: Mapping[int, Any] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None

    def to_pillow(self) -> Image.Exif:
        """Return these data as Pillow's Exif data of an upright picture."""
        exif = Image.Exif()
        for tag, value in self.authorship.items():
            # Pillow reads Exif's text as Latin-1 and writes ASCII; the bytes are unchanged.
            exif[tag] = value.encode("latin-1", "replace")
        if self.capture:
            exif.get_ifd(ExifTags.IFD.Exif).update(self.capture)
        if self.dpi:
            exif[_Tag.XResolution], exif[_Tag.YResolution] = self.dpi
            exif[_Tag.ResolutionUnit] = 2  # inches
        return exif


def read_photo_exif(image: Image.Image) -> PhotoExif:
    """Return the Exif data to keep of an open picture file, without damaged entries."""
    exif: Mapping[int, Any] = {}
    own: Mapping[int, Any] = {}
    with suppress(Exception):  # of many kinds, although the pixels are intact
        exif = image.getexif()
        own = image.getexif().get_ifd(ExifTags.IFD.Exif)
    dpi = _dpi(image, exif)
    if dpi and swaps_axes(exif):
        dpi = dpi[::-1]
    return PhotoExif(_kept(exif, AUTHORSHIP, str), _kept(own, CAPTURE, object), dpi)


def swaps_axes(exif: Mapping[int, Any]) -> bool:
    """Return whether the upright picture's width is the height of the stored one."""
    return exif.get(_Tag.Orientation, 1) in (5, 6, 7, 8)


def _kept(exif: Mapping[int, Any], tags: tuple[int, ...], kind: type) -> dict[int, Any]:
    found = {}
    for tag in tags:
        value = exif.get(tag)
        if isinstance(value, str):
            value = value.split("\0")[0].strip()
        elif not _is_number(value):
            continue
        if isinstance(value, kind) and value != "":
            found[int(tag)] = value
    return found


def _is_number(value: Any) -> bool:
    with suppress(TypeError, ValueError, ZeroDivisionError):
        return not isinstance(value, bytes) and math.isfinite(float(value))
    return False


def _dpi(image: Image.Image, exif: Mapping[int, Any]) -> tuple[float, float] | None:
    """Return the pixels per inch that a file states, or None."""
    stated = image.format == "PNG" or image.info.get("jfif_unit") in (1, 2)
    if not stated and _Tag.XResolution not in exif:
        return None  # Pillow's number is only a default
    dpi = image.info.get("dpi")
    if not dpi and exif.get(_Tag.ResolutionUnit) == 2:  # which Pillow reads only in some formats
        dpi = exif.get(_Tag.XResolution), exif.get(_Tag.YResolution)
    if not dpi or not all(_is_number(value) and value >= 1 for value in dpi):
        return None
    return float(dpi[0]), float(dpi[1])
