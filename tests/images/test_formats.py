"""The table of formats in docs/control.md and what is read agree."""

import io
import re
import struct
import zlib

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image

from nst_tf.cli.pictures import find_pictures
from nst_tf.images.io import load_picture
from nst_tf.images.levels import quantize
from tests.conftest import ROOT
from tests.images.test_foreign import SIGNATURES
from tests.images.test_profiles import swapped_profile
from tests.images.test_sixteen_bit import sixteen_bit_png
from tests.images.test_tiff import CFA, write_raw

SIDE = 32
FLAT = np.full((SIDE, SIDE, 3), (40000, 20100, 10000), np.uint16)
BYTES = (FLAT >> 8).astype(np.uint8)


def pillow(kind, **options):
    """Return a writer of a format of Pillow's."""

    def write(profile=None):
        data = io.BytesIO()
        more = {} if profile is None else {"icc_profile": profile}
        Image.fromarray(BYTES).save(data, kind, **options, **more)
        return data.getvalue()

    return write


def heic(profile=None):
    pillow_heif.register_heif_opener()
    return pillow("HEIF", quality=-1)(profile)


def tiff(profile=None):
    data = io.BytesIO()
    tifffile.imwrite(data, FLAT, photometric="rgb", iccprofile=profile)
    return data.getvalue()


def png(profile=None):
    chunks = {} if profile is None else {"iCCP": b"ICC\0\0" + zlib.compress(profile)}
    return sixteen_bit_png(FLAT, **chunks)


def psd(profile=None):
    """Return a file as Adobe's specification says: header, three sections, the merged picture."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, SIDE, SIDE, 8, 3)
    resources = b""
    if profile is not None:
        padded = profile + bytes(len(profile) % 2)
        resources = b"8BIM" + struct.pack(">H2xI", 1039, len(profile)) + padded
    sections = struct.pack(">II", 0, len(resources)) + resources + struct.pack(">I", 0)
    return header + sections + b"\0\0" + np.moveaxis(BYTES, -1, 0).tobytes()


WRITERS = {
    "JPEG": pillow("JPEG", quality=100, subsampling=0),
    "PNG": png,
    "TIFF": tiff,
    "WebP": pillow("WEBP", lossless=True),
    "HEIC, HEIF": heic,
    "AVIF": pillow("AVIF", quality=100, subsampling="4:4:4"),
    "JPEG XL": lambda: imagecodecs.jpegxl_encode(BYTES, lossless=True),
    "JPEG XR": lambda: imagecodecs.jpegxr_encode(FLAT, level=1.0),
    "JPEG 2000": lambda: imagecodecs.jpeg2k_encode(FLAT, level=0),
    "Radiance HDR": lambda: imagecodecs.rgbe_encode((FLAT / 65535).astype(np.float32), header=True),
    "PSD": psd,
    "GIF": pillow("GIF"),
    "BMP": pillow("BMP"),
    "TGA": pillow("TGA"),
    "PPM": pillow("PPM"),
    "QOI": pillow("QOI"),
    "ICO": pillow("ICO", sizes=[(SIDE, SIDE)]),
}


def table():
    """Return the rows of the table, by the names of their formats."""
    text = (ROOT / "docs" / "control.md").read_text(encoding="utf-8")
    part = text.partition("| format | bits a channel |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| ([^|]+) \| (.*) \|$", part, re.MULTILINE))


def test_the_table_has_every_format():
    named = ", ".join(table())
    assert [name for name in WRITERS if name not in named] == []
    *_, refused = table()
    for name in SIGNATURES:
        assert name.partition(".")[2].upper().replace("JXS", "JPEG XS") in refused.replace(
            "OpenEXR", "EXR"
        )


@pytest.mark.parametrize("name", WRITERS)
def test_a_format_keeps_the_bits_that_the_table_says(name):
    (row,) = [row for names, row in table().items() if name in names.split(" and ")[0].split(", ")
              or name == names]  # fmt: skip
    picture = load_picture(WRITERS[name]())
    deep = np.abs(quantize(picture.pixels[0], 16).astype(int) - FLAT).max() <= 1
    assert deep == row.startswith("16") or name in ("JPEG XL", "Radiance HDR")
    if name != "Radiance HDR":  # which holds light
        np.testing.assert_allclose(picture.pixels[0], FLAT / 65535, atol=3 / 255)


@pytest.mark.parametrize("name", [name for name, row in table().items() if "profile," in row
                                  or "profile |" in row])  # fmt: skip
def test_a_format_has_its_profile_honoured(name):
    picture = load_picture(WRITERS[name](swapped_profile()))
    assert picture.has_profile
    np.testing.assert_allclose(picture.pixels[0], FLAT[..., ::-1] / 65535, atol=4 / 255)


def test_a_raw_photo_is_refused(tmp_path):
    write_raw(tmp_path / "photo.nef", CFA)
    with pytest.raises(OSError, match="is a raw photo"):
        load_picture(tmp_path / "photo.nef")


def test_a_directory_of_photos_has_those_of_every_format(tmp_path):
    for name in ("a.jxl", "b.JXR", "c.hdr", "d.jp2", "e.heic", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match="1 .txt file left out"):
        found = find_pictures("content_dir", str(tmp_path))
    assert [path[-5:] for path in found] == ["a.jxl", "b.JXR", "c.hdr", "d.jp2", ".heic"]
