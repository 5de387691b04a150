"""TIFF files with several pictures, raw data, and samples that Pillow does not read."""

import warnings

import numpy as np
import pytest
import tifffile

from nst_tf.images.decode import upright_size
from nst_tf.images.io import load_image, load_picture
from nst_tf.images.levels import quantize
from tests.images.test_profiles import swapped_profile
from tests.images.test_sixteen_bit import samples

CFA = 32803  # a photometric interpretation: colour filter array
BIG = samples(3, 24, 30)
SMALL = {"subfiletype": 1, "photometric": "rgb"}


def write_raw(path, photometric):
    """Write a file as cameras do: a preview, and the raw data below it."""
    with tifffile.TiffWriter(path) as file:
        file.write(BIG[:4, :6], subifds=1, **SMALL)
        file.write(BIG[..., 0] if photometric == CFA else BIG, photometric=photometric)


@pytest.mark.parametrize("photometric", [CFA, 34892])
@pytest.mark.parametrize("name", ["photo.dng", "photo.nef", "photo.tif"])
def test_a_raw_photo_is_refused_with_the_remedy(tmp_path, name, photometric):
    write_raw(tmp_path / name, photometric)
    for read in (load_image, upright_size):
        with pytest.raises(OSError, match=rf"{name} is a raw photo, which cannot .* export it as"):
            read(tmp_path / name)


def test_a_dng_is_raw_by_its_version(tmp_path):
    version = (50706, 1, 4, (1, 4, 0, 0), True)
    tifffile.imwrite(tmp_path / "photo.tif", BIG, photometric="rgb", extratags=[version])
    with pytest.raises(OSError, match="is a raw photo"):
        load_image(tmp_path / "photo.tif")


@pytest.mark.parametrize("sub", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_largest_page_is_taken_with_a_warning(tmp_path, sub, dtype):
    big = (BIG / 65535).astype(dtype) if dtype == np.float32 else (BIG >> 8).astype(dtype)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        file.write((BIG[:4, :6] >> 8).astype(np.uint8), subifds=int(sub), **SMALL)
        file.write(big, photometric="rgb")
    with pytest.warns(UserWarning, match=r"holds 2 pictures: the largest, 30x24, is used"):
        image = load_image(tmp_path / "pages.tif")
    top = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    np.testing.assert_allclose(image[0], big / top, atol=1e-6)
    assert upright_size(tmp_path / "pages.tif") == (24, 30)


def test_the_first_of_equal_pages_is_taken_and_a_mask_is_none(tmp_path):
    levels = (BIG >> 8).astype(np.uint8)
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        file.write(levels, photometric="rgb")
        file.write(levels[::-1], photometric="rgb")
        file.write(np.zeros((99, 99), bool), subfiletype=4, photometric="mask")
    with pytest.warns(UserWarning, match="has 2 frames: only the first is used"):
        image = load_image(tmp_path / "pages.tif")
    np.testing.assert_array_equal(quantize(image[0]), levels)


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_page_below_another_keeps_its_orientation(tmp_path, orientation):
    with tifffile.TiffWriter(tmp_path / "pages.tif") as file:
        file.write((BIG[:4, :6] >> 8).astype(np.uint8), subifds=1, **SMALL)
        tag = (274, 3, 1, orientation, True)
        file.write(BIG, photometric="rgb", extratags=[tag])
    with pytest.warns(UserWarning, match="the largest"):
        image = load_image(tmp_path / "pages.tif")
    turned = np.rot90(BIG, 2 if orientation == 3 else -1)
    np.testing.assert_array_equal(quantize(image[0], 16), turned)


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_size_of_a_turned_file_is_the_pictures(tmp_path, orientation):
    tag = (274, 3, 1, orientation, True)
    tifffile.imwrite(tmp_path / "turned.tif", BIG, photometric="rgb", extratags=[tag])
    assert upright_size(tmp_path / "turned.tif") == load_image(tmp_path / "turned.tif").shape[1:3]


def unit(array):
    """Return integers of any type in [0, 1]."""
    return array / np.iinfo(array.dtype).max


KINDS = {
    "16-bit grey and alpha": (samples(2), {"extrasamples": ["unassalpha"]}, unit(samples(2))),
    "float RGB": ((BIG / 65535).astype(np.float32), {}, BIG / 65535),
    "half floats": (np.linspace(0, 1, 64).reshape(8, 8).astype(np.float16), {}, None),
    "doubles": (BIG / 65535, {}, BIG / 65535),
    "32-bit grey": (BIG[..., 0].astype(np.uint32) * 65537, {}, BIG[..., 0] / 65535),
    "32-bit RGB": (BIG.astype(np.uint32) * 65537, {}, BIG / 65535),
    "12-bit RGB": (BIG >> 4, {"bitspersample": 12}, (BIG >> 4) / 4095),
    "12-bit grey": (BIG[..., 0] >> 4, {"bitspersample": 12}, (BIG[..., 0] >> 4) / 4095),
    "white is 0": (BIG[..., 0], {"photometric": "miniswhite"}, 1 - BIG[..., 0] / 65535),
    "positive signed": (BIG[..., 0].astype(np.int32), {}, BIG[..., 0] / 65535),
    "JPEG XL inside": (BIG, {"compression": "jpegxl"}, BIG / 65535),
}


@pytest.mark.parametrize("name", KINDS)
def test_samples_of_many_kinds_are_read(tmp_path, name):
    array, options, expected = KINDS[name]
    color = array.ndim == 3 and array.shape[-1] > 2
    options = {"photometric": "rgb" if color else "minisblack", **options}
    planar = {"planarconfig": "contig"} if array.ndim == 3 else {}
    tifffile.imwrite(tmp_path / "in.tif", array, **options, **planar)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = load_picture(tmp_path / "in.tif")
    expected = array.astype(np.float32) if expected is None else expected
    expected = expected if expected.ndim == 3 else expected[..., None]
    if expected.shape[-1] == 2:
        np.testing.assert_allclose(picture.alpha, expected[..., 1], atol=1 / 65535)
        expected = expected[..., :1]
    np.testing.assert_allclose(
        picture.pixels[0], np.broadcast_to(expected, (*expected.shape[:2], 3)), atol=1 / 65535
    )


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (np.zeros((4, 5, 5), np.uint8), {"photometric": "minisblack"}, "of 5 channels, .*8 bits"),
        (samples(3), {"photometric": "cielab"}, "cielab, with 16 bits .*: convert it to"),
        (np.full((4, 5), -7, np.int16), {}, "signed 16-bit integers from -7 to -7: convert"),
        (np.full((4, 5), 70000, np.int32), {}, "signed 32-bit integers from 70000"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_remedy(tmp_path, array, options, words):
    planar = {"planarconfig": "contig"} if array.ndim == 3 else {}
    tifffile.imwrite(tmp_path / "in.tif", array, **options, **planar)
    with pytest.raises(ValueError, match=rf"in\.tif .*{words}"):
        load_image(tmp_path / "in.tif")


def test_floats_with_a_profile_are_converted(tmp_path):
    red = np.zeros((4, 4, 3), np.float32)
    red[..., 0] = 1
    tifffile.imwrite(tmp_path / "in.tif", red, photometric="rgb", iccprofile=swapped_profile())
    np.testing.assert_allclose(load_image(tmp_path / "in.tif")[0, 0, 0], [0, 0, 1], atol=0.02)
