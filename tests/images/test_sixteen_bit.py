"""Pictures with 16 bits a channel."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from nst_tf.images.io import load_image, load_mask, load_picture
from nst_tf.images.levels import quantize
from nst_tf.images.metadata import read_metadata
from nst_tf.images.save import output_format, save_image


def samples(channels, height=8, width=9, seed=0):
    shape = (height, width, channels)
    return np.random.default_rng(seed).integers(0, 65536, shape).astype(np.uint16)


def sixteen_bit_png(array, **chunks):
    """Encode uint16 `[H, W, C]`, which Pillow reads but cannot write."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width, channels = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    color_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header)]
    parts += [chunk(kind.encode(), data) for kind, data in chunks.items()]
    parts += [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_grey_keeps_its_depth(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    for name in ("deep.png", "deep.tiff"):
        Image.fromarray(ramp).save(tmp_path / name)
        image = load_image(tmp_path / name)
        np.testing.assert_allclose(image[0, :, :, 0], ramp / 65535, atol=1e-6)


def test_a_grey_file_of_the_other_byte_order_is_the_same(tmp_path):
    ramp = samples(1)
    for order in "<>":
        tifffile.imwrite(tmp_path / "deep.tiff", ramp[..., 0], byteorder=order)
        image = load_image(tmp_path / "deep.tiff")
        np.testing.assert_array_equal(quantize(image[0, :, :, :1], 16), ramp)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_png_keeps_its_depth(tmp_path, channels):
    array = samples(channels)
    (tmp_path / "deep.png").write_bytes(sixteen_bit_png(array))
    picture = load_picture(tmp_path / "deep.png")
    colors = array[..., :1].repeat(3, -1) if channels == 2 else array[..., :3]
    np.testing.assert_array_equal(quantize(picture.pixels[0], 16), colors)
    if channels == 3:
        assert picture.alpha is None
    else:
        np.testing.assert_array_equal(quantize(picture.alpha, 16), array[..., -1])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_keeps_its_depth(tmp_path, channels, compression, order, planar):
    array = samples(channels)
    tifffile.imwrite(
        tmp_path / "deep.tiff",
        array if planar == "contig" else np.moveaxis(array, -1, 0),
        photometric="rgb",
        planarconfig=planar,
        byteorder=order,
        compression=compression,
        predictor=compression == "lzw",
        rowsperstrip=3,
        extrasamples=["unassalpha"] * (channels - 3),
    )
    picture = load_picture(tmp_path / "deep.tiff")
    np.testing.assert_array_equal(quantize(picture.pixels[0], 16), array[..., :3])
    assert (picture.alpha is None) == (channels == 3)


def test_padding_is_no_alpha_and_premultiplied_colours_are_divided(tmp_path):
    array = samples(4)
    path = tmp_path / "deep.tiff"
    tifffile.imwrite(path, array, photometric="rgb", extrasamples=["unspecified"])
    assert load_picture(path).alpha is None
    array[..., 3] = 16384
    array[..., :3] //= 4
    tifffile.imwrite(path, array, photometric="rgb", extrasamples=["assocalpha"])
    picture = load_picture(path)
    np.testing.assert_allclose(picture.alpha, 16384 / 65535, atol=1e-6)
    np.testing.assert_allclose(picture.pixels[0], array[..., :3] / 16384, atol=1 / 65535)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
def test_orientation_is_applied_as_to_8_bits(tmp_path, name, orientation):
    array = samples(3)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray((array >> 8).astype(np.uint8)).save(tmp_path / f"8-{name}", exif=exif)
    if name == "deep.png":
        (tmp_path / name).write_bytes(sixteen_bit_png(array, eXIf=exif.tobytes()[6:]))
    else:
        tag = (ExifTags.Base.Orientation, 3, 1, orientation, True)
        tifffile.imwrite(tmp_path / name, array, photometric="rgb", extratags=[tag])
    deep = quantize(load_image(tmp_path / name)[0], 16)
    np.testing.assert_array_equal(deep >> 8, quantize(load_image(tmp_path / f"8-{name}")[0]))


def test_grey_may_name_a_transparent_value(tmp_path):
    values = np.array([[7, 65535], [32768, 7]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png", transparency=7)
    picture = load_picture(tmp_path / "deep.png")
    np.testing.assert_array_equal(picture.alpha, [[0, 1], [1, 0]])
    np.testing.assert_allclose(picture.pixels[0, :, :, 0], [[1, 1], [32768 / 65535, 1]], atol=1e-6)


def test_a_png_may_name_a_transparent_colour(tmp_path):
    array = np.full((2, 2, 3), (1000, 2000, 3000), np.uint16)
    array[0, 1] = 1001, 2000, 3000  # the same in 8 bits
    array[1, 0] = 60000, 2000, 3000
    data = sixteen_bit_png(array, tRNS=struct.pack(">HHH", 1000, 2000, 3000))
    (tmp_path / "deep.png").write_bytes(data)
    picture = load_picture(tmp_path / "deep.png")
    np.testing.assert_array_equal(picture.alpha, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(quantize(picture.pixels[0, 0, 1], 16), [1001, 2000, 3000])
    np.testing.assert_array_equal(picture.pixels[0, 0, 0], 1)
    mask = load_mask(tmp_path / "deep.png")
    np.testing.assert_array_equal(mask[0, 0], 0)


def test_libpng_prints_nothing_before_the_refusal(tmp_path):
    data = bytearray(sixteen_bit_png(samples(3)))
    data[28] = 7  # an interlace method that does not exist
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "odd.png").write_bytes(data)
    script = (  # a program that sets up no log
        "from nst_tf import load_image\n"
        "try:\n    load_image('odd.png')\n"
        "except OSError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.startswith("odd.png cannot be read: damaged or truncated")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")


@pytest.mark.parametrize("name", ["out.png", "out.tiff", "out.tif"])
@pytest.mark.parametrize("clear", [False, True])
def test_saving_in_16_bits_keeps_every_level(tmp_path, name, clear):
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    array = np.stack([levels, levels[::-1], levels.T], axis=-1)
    alpha = levels[:, ::-1] if clear else None
    record = {"settings": {"epochs": 3}, "artist": "Utagawa 歌川", "chunk": "IDAT"}
    save_image(
        tmp_path / name,
        (array / 65535).astype(np.float32),
        alpha=None if alpha is None else alpha / 65535,
        has_profile=True,
        metadata=record,
        bit_depth=16,
    )
    picture = load_picture(tmp_path / name)
    shown = np.ones((256, 256), bool) if alpha is None else alpha > 0
    np.testing.assert_array_equal(quantize(picture.pixels[0], 16)[shown], array[shown])
    if clear:
        np.testing.assert_array_equal(quantize(picture.alpha, 16), alpha)
    assert picture.has_profile
    assert read_metadata(tmp_path / name) == record
    with Image.open(tmp_path / name) as saved:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(saved.info["icc_profile"]))
        assert saved.getexif()[ExifTags.Base.Software] == "nst_tf"
        np.testing.assert_allclose(np.asarray(saved)[..., :3], array / 257, atol=1)  # as others see
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    with Image.open(tmp_path / name) as saved:
        saved.verify()


@pytest.mark.parametrize("name", ["out.png", "out.tiff"])
def test_a_plain_picture_carries_nothing_else(tmp_path, name):
    save_image(tmp_path / name, np.zeros((4, 4, 3)), bit_depth=16)
    with Image.open(tmp_path / name) as saved:
        assert not {"icc_profile", "exif", "nst_tf"} & set(saved.info)
        assert not {ExifTags.Base.Software, ExifTags.Base.ImageDescription} & set(saved.getexif())


@pytest.mark.parametrize("name", ["out.jpg", "out.jpeg", "out.webp"])
def test_formats_of_8_bits_are_refused(tmp_path, name):
    words = rf"{name} cannot hold a bit_depth of 16, only 8: save a \.png or \.tiff instead$"
    with pytest.raises(ValueError, match=words):
        output_format(name, 16)
    with pytest.raises(ValueError, match=words):
        save_image(tmp_path / name, np.zeros((4, 4, 3)), bit_depth=16)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="bit_depth must be 8 or 16, not 12"):
        output_format("out.png", 12)
