"""Formats that Pillow does not read."""

import struct
import warnings

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from nst_tf.images.decode import open_picture, upright_size
from nst_tf.images.io import load_image, load_picture
from nst_tf.images.jxl import read_header
from nst_tf.images.levels import quantize
from tests.images.test_profiles import srgb_curve
from tests.images.test_sixteen_bit import samples

DEEP = samples(3, 24, 30)
LEVELS = (DEEP >> 8).astype(np.uint8)
FLOATS = (DEEP / 65535).astype(np.float32)


def jxl(array, **options):
    return imagecodecs.jpegxl_encode(array, lossless=True, **options)


def half(array):
    """Return samples with an alpha in the middle of their range."""
    alpha = np.full((*array.shape[:2], 1), np.iinfo(array.dtype).max // 2, array.dtype)
    return np.concatenate([array, alpha], axis=-1)


# imagecodecs writes into JPEG XL files of more than 8 bits that their samples are linear.
BRIGHT = 0.5 + FLOATS / 2
LIGHT, LIGHT_10 = srgb_curve(DEEP / 65535), srgb_curve((DEEP >> 6) / 1023)
FILES = {
    "8.jxl": (jxl(LEVELS), LEVELS / 255),
    "8-box.jxl": (jxl(LEVELS, usecontainer=True), LEVELS / 255),
    "8-grey.jxl": (jxl(LEVELS[..., 0]), LEVELS[..., :1] / 255),
    "8-alpha.jxl": (jxl(half(LEVELS)), LEVELS / 255),
    "10.jxl": (jxl(DEEP >> 6, bitspersample=10), LIGHT_10),
    "16.jxl": (jxl(DEEP), LIGHT),
    "16-alpha.jxl": (jxl(half(DEEP)), LIGHT),
    "float.jxl": (jxl(FLOATS), LIGHT),
    "film.jxl": (jxl(np.stack([LEVELS, LEVELS[::-1]])), LEVELS / 255),
    "8.jxr": (imagecodecs.jpegxr_encode(LEVELS, level=1.0), LEVELS / 255),
    "16.jxr": (imagecodecs.jpegxr_encode(DEEP, level=1.0), DEEP / 65535),
    "16-grey.jxr": (imagecodecs.jpegxr_encode(DEEP[..., 0], level=1.0), DEEP[..., :1] / 65535),
    "float.jxr": (imagecodecs.jpegxr_encode(FLOATS, level=1.0), LIGHT),
    "light.hdr": (imagecodecs.rgbe_encode(BRIGHT, header=True), srgb_curve(BRIGHT)),
    "jpg12.jpg": (
        imagecodecs.jpeg8_encode(np.full_like(DEEP, 1000), level=100, bitspersample=12),
        np.full_like(FLOATS, 1000 / 4095),
    ),
    "ls.jpg": (imagecodecs.jpegls_encode(LEVELS), LEVELS / 255),
    "16.jp2": (imagecodecs.jpeg2k_encode(DEEP, level=0), DEEP / 65535),
    "12.j2k": (
        imagecodecs.jpeg2k_encode(DEEP >> 4, level=0, codecformat="j2k", bitspersample=12),
        (DEEP >> 4) / 4095,
    ),
}
ROUNDED = {"light.hdr": 3 / 255, "float.jxr": 1 / 255}  # 8 bits of mantissa, and a coarse step


@pytest.mark.parametrize("name", FILES)
def test_they_are_read_in_their_depth(tmp_path, name):
    data, expected = FILES[name]
    (tmp_path / name).write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = load_picture(tmp_path / name)
    atol = ROUNDED.get(name, 1e-4)  # sRGB's curve is 13 times as steep near black
    np.testing.assert_allclose(
        picture.pixels[0], np.broadcast_to(expected, FLOATS.shape), atol=atol
    )
    assert (picture.alpha is not None) == ("alpha" in name)
    assert upright_size(tmp_path / name) == picture.full_size == DEEP.shape[:2]


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("1")])
def test_pillow_shows_them_in_8_bits(tmp_path, name):
    data, expected = FILES[name]
    (tmp_path / name).write_bytes(data)
    with open_picture(tmp_path / name) as opened:
        opened.draft("RGB", (8, 8))
        shown = np.asarray(opened.convert("RGB"))
    atol = 255 * ROUNDED.get(name, 0) + 1.5
    np.testing.assert_allclose(shown, np.broadcast_to(expected, FLOATS.shape) * 255, atol=atol)


def test_brighter_than_white_is_white(tmp_path):
    light = np.array([[[0.25, 1.0, 40.0]]], np.float32)
    (tmp_path / "sun.hdr").write_bytes(imagecodecs.rgbe_encode(light, header=True))
    loaded = load_image(tmp_path / "sun.hdr")[0, 0, 0]
    np.testing.assert_allclose(loaded, [srgb_curve(np.array(0.25)), 1, 1], atol=0.02)


def test_a_turned_jpeg_xl_is_as_large_as_it_is_shown(tmp_path):
    # A bare codestream whose metadata say: 8 bits, turned by 90 degrees.
    header = read_header(b"\xff\x0a" + turned_header(24, 30, 6))
    assert (header.width, header.height, header.bits) == (24, 30, 8)


def turned_header(height, width, orientation):
    """Return the start of a codestream, ISO/IEC 18181-1, annexes D.2 and D.3."""
    fields = [(0, 1), (0, 2), (height - 1, 9), (0, 3), (0, 2), (width - 1, 9)]
    fields += [(0, 1), (1, 1), (orientation - 1, 3), (0, 3)]  # not the default; extra fields
    fields += [(0, 1), (0, 2), (1, 1), (0, 2), (1, 1), (1, 1)]  # 8 bits; sRGB
    value = at = 0
    for number, count in fields:
        value |= number << at
        at += count
    return value.to_bytes(32, "little")


@pytest.mark.parametrize(
    "name", ["8.jxl", "8-box.jxl", "8.jxr", "light.hdr", "jpg12.jpg", "16.jp2"]
)
@pytest.mark.parametrize("size", [20, 60, 120])
def test_what_is_cut_is_refused_in_one_line(tmp_path, name, size):
    (tmp_path / name).write_bytes(FILES[name][0][:size])
    with pytest.raises(OSError, match=f"{name} (cannot be read: damaged|is )") as caught:
        load_image(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_refused_by_its_header(tmp_path):
    (tmp_path / "bomb.hdr").write_bytes(b"#?RADIANCE\n\n-Y 60000 +X 60000\n")
    start = struct.pack("<4sIH", b"II\xbc\x01", 8, 2)
    sides = [struct.pack("<HHII", tag, 4, 1, 60000) for tag in (0xBC80, 0xBC81)]
    (tmp_path / "bomb.jxr").write_bytes(start + b"".join(sides))
    (tmp_path / "bomb.jxl").write_bytes(b"\xff\x0a" + bomb_header())
    for name in ("bomb.hdr", "bomb.jxr", "bomb.jxl"):
        with pytest.raises(ValueError, match=rf"{name} has too many pixels, 3600 million where"):
            load_image(tmp_path / name)


def bomb_header():
    """Return the start of a codestream of 60000x60000 pixels with the default metadata."""
    value = (2 << 1) | (59999 << 3) | (1 << 21) | (1 << 24)
    return value.to_bytes(32, "little")


SIGNATURES = {
    "a.exr": (b"v/1\x01" + bytes(60), "is an OpenEXR picture, .* tone-mapped"),
    "a.psd": (
        b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 8, 8, 16, 3) + bytes(60),
        "is a Photoshop document with 16 bits a channel, .* export it as PNG or TIFF",
    ),
    "a.psb": (b"8BPS\0\2" + bytes(60), r"\(PSB\).* export it as"),
    "a.pdf": (b"%PDF-1.7\n", "is a PDF document, .* export it as"),
    "a.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
    "a.xcf": (b"gimp xcf v011\0", "is a GIMP file"),
    "a.jxs": (b"\xff\x10\xff\x50" + bytes(60), "is a JPEG XS picture"),
    "a.cr2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(60), "is a raw photo"),
    "a.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "is a raw photo"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "is a raw photo"),
    "a.orf": (b"IIRO\x08\0\0\0" + bytes(60), "is a raw photo"),
    "a.rw2": (b"IIU\0\x18\0\0\0" + bytes(60), "is a raw photo"),
    "a.x3f": (b"FOVb" + bytes(60), "is a raw photo"),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_cannot_be_read_is_named_with_the_remedy(tmp_path, name):
    data, words = SIGNATURES[name]
    (tmp_path / name).write_bytes(data)
    for read in (load_image, upright_size):
        with pytest.raises(OSError, match=rf"{name} {words}|{name} .*{words}") as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("own_process")
def test_the_decoder_of_jpeg_xr_prints_nothing(tmp_path, capfd):
    data = bytearray(FILES["8.jxr"][0])
    at = data.index(struct.pack("<H", 0xBC82))  # the resolution
    data[at : at + 2] = b"\xff\xff"
    (tmp_path / "odd.jxr").write_bytes(data)
    np.testing.assert_array_equal(quantize(load_image(tmp_path / "odd.jxr")[0]), LEVELS)
    assert capfd.readouterr() == ("", "")


def test_they_are_read_from_memory_too():
    image = load_image(FILES["8.jxl"][0])
    np.testing.assert_array_equal(quantize(image[0]), LEVELS)


def test_pillows_formats_are_still_its_own():
    Image.init()
    assert not {"JPEG XL", "JPEG XR", "Radiance"} & set(Image.ID)
