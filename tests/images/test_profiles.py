import io
import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from nst_tf.images.io import load_image, load_picture
from nst_tf.images.levels import quantize
from nst_tf.images.profiles import srgb_profile
from nst_tf.images.save import save_image
from tests.images.test_sixteen_bit import samples, sixteen_bit_png

SRGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # IEC 61966-2-1
ADOBE_TO_XYZ = np.array(
    [[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]
)  # Adobe RGB (1998) Color Image Encoding, 4.3.5.3


def swapped_profile():
    """Return an sRGB profile whose red and blue primaries are exchanged, under another name."""
    profile = bytearray(srgb_profile())
    count = struct.unpack(">I", profile[128:132])[0]
    for entry in range(132, 132 + 12 * count, 12):
        if profile[entry : entry + 4] == b"rXYZ":
            profile[entry : entry + 4] = b"bXYZ"
        elif profile[entry : entry + 4] == b"bXYZ":
            profile[entry : entry + 4] = b"rXYZ"
    return bytes(profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")))


def srgb_curve(linear):
    """Return the sRGB values of linear light in [0, 1], IEC 61966-2-1."""
    return np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def write(path, array, profile):
    """Write uint16 `[H, W, C]` with a profile."""
    if path.suffix == ".png":
        chunk = b"ICC\0\0" + zlib.compress(profile)
        path.write_bytes(sixteen_bit_png(array, iCCP=chunk))
    else:
        kind = "rgb" if array.shape[-1] > 2 else "minisblack"
        array = array[..., 0] if array.shape[-1] == 1 else array
        tifffile.imwrite(path, array, photometric=kind, iccprofile=profile)


def test_colour_profiles_are_converted_to_srgb_and_marked(tmp_path):
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    red.save(tmp_path / "swapped.png", icc_profile=swapped_profile())
    picture = load_picture(tmp_path / "swapped.png")
    np.testing.assert_allclose(picture.pixels[0, 0, 0], [0, 0, 1], atol=0.02)
    assert picture.has_profile
    save_image(tmp_path / "out.png", picture.pixels, has_profile=picture.has_profile)
    with Image.open(tmp_path / "out.png") as saved:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(saved.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_a_profile_is_judged_by_what_it_does_and_not_by_its_name(tmp_path):
    profile = swapped_profile().replace("swap".encode("utf-16-be"), "sRGB".encode("utf-16-be"))
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "swapped.png", icc_profile=profile)
    np.testing.assert_allclose(load_image(tmp_path / "swapped.png")[0, 0, 0], [0, 0, 1], atol=0.02)


def test_an_srgb_profile_changes_nothing(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    array = np.stack([levels, levels[::-1], levels.T], axis=-1)
    Image.fromarray(array).save(tmp_path / "8.png", icc_profile=srgb_profile())
    np.testing.assert_array_equal(quantize(load_image(tmp_path / "8.png")[0]), array)
    for name in ("16.png", "16.tiff"):
        write(tmp_path / name, samples(3), srgb_profile())
        picture = load_picture(tmp_path / name)
        np.testing.assert_array_equal(quantize(picture.pixels[0], 16), samples(3))
        assert picture.has_profile


@pytest.mark.parametrize("name", ["8.jpg", "8.png", "16.png", "16.tiff"])
def test_a_grey_picture_may_carry_a_profile_of_srgb(tmp_path, name):
    deep = samples(1)
    if name.startswith("8"):
        grey = Image.fromarray((deep[..., 0] >> 8).astype(np.uint8))
        grey.save(tmp_path / name, icc_profile=srgb_profile())
        with Image.open(tmp_path / name) as saved:
            expected = np.asarray(saved)[..., None].repeat(3, -1) / 255
    else:
        write(tmp_path / name, deep, srgb_profile())
        expected = deep.repeat(3, -1) / 65535
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture = load_picture(tmp_path / name)
    np.testing.assert_allclose(picture.pixels[0], expected, atol=1e-6)
    assert picture.has_profile


def test_a_grey_picture_with_another_profile_of_rgb_is_grey_in_it(tmp_path):
    # Adobe RGB's exponent, which its specification gives as 2 51/256.
    linear = np.linspace(0, 1, 256) ** 2.19921875
    expected = srgb_curve(linear)
    adobe = imagecodecs.cms_profile("adobergb")
    grey = np.arange(256, dtype=np.uint8)[None]
    Image.fromarray(grey).save(tmp_path / "8.png", icc_profile=adobe)
    loaded = load_image(tmp_path / "8.png")[0, 0]
    np.testing.assert_allclose(loaded, expected[:, None].repeat(3, 1), atol=1.1 / 255)
    write(tmp_path / "16.png", grey[..., None].astype(np.uint16) * 257, adobe)
    loaded = load_image(tmp_path / "16.png")[0, 0]
    np.testing.assert_allclose(loaded, expected[:, None].repeat(3, 1), atol=0.1 / 255)


def test_16_bits_are_converted_by_the_profiles_formula(tmp_path):
    linear = (samples(3, 40, 40) / 65535) ** 2.19921875
    linear = linear @ ADOBE_TO_XYZ.T @ np.linalg.inv(SRGB_TO_XYZ).T
    assert linear.min() < -0.1  # some colours are out of the gamut
    expected = srgb_curve(np.clip(linear, 0, 1))
    write(tmp_path / "adobe.png", samples(3, 40, 40), imagecodecs.cms_profile("adobergb"))
    loaded = load_image(tmp_path / "adobe.png")[0]
    np.testing.assert_allclose(loaded, expected, atol=0.5 / 255)


def test_16_bits_are_converted_as_8_bits_are(tmp_path):
    array = (samples(3, 40, 40) >> 8).astype(np.uint8)
    profile = imagecodecs.cms_profile("adobergb")
    Image.fromarray(array).save(tmp_path / "8.png", icc_profile=profile)
    for name in ("16.png", "16.tiff"):
        write(tmp_path / name, array.astype(np.uint16) * 257, profile)
        np.testing.assert_allclose(
            load_image(tmp_path / name), load_image(tmp_path / "8.png"), atol=1 / 255
        )


def test_alpha_has_no_profile(tmp_path):
    array = samples(4)
    write(tmp_path / "clear.png", array, swapped_profile())
    picture = load_picture(tmp_path / "clear.png")
    np.testing.assert_array_equal(quantize(picture.alpha, 16), array[..., 3])
    expected = array[..., 2::-1] / 65535
    np.testing.assert_allclose(picture.pixels[0], expected, atol=2 / 65535)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_profile_of_grey_is_converted_in_16_bits(tmp_path, channels):
    profile = imagecodecs.cms_profile("gray", whitepoint=(0.3457, 0.3585, 1.0), gamma=1.0)
    array = samples(channels)
    linear = array[..., :1] / 65535
    expected = srgb_curve(linear)
    write(tmp_path / "linear.png", array, profile)
    loaded = load_picture(tmp_path / "linear.png")
    np.testing.assert_allclose(loaded.pixels[0], expected.repeat(3, -1), atol=0.2 / 255)
    if channels == 2:
        np.testing.assert_array_equal(quantize(loaded.alpha, 16), array[..., 1])


@pytest.mark.parametrize("profile", [b"nonsense", imagecodecs.cms_profile("gray", gamma=1.0)])
@pytest.mark.parametrize("deep", [False, True])
def test_a_broken_profile_is_a_warning(tmp_path, profile, deep):
    if deep:
        write(tmp_path / "odd.png", np.full((4, 4, 3), (9, 8, 7), np.uint16) * 257, profile)
    else:
        Image.new("RGB", (4, 4), (9, 8, 7)).save(tmp_path / "odd.png", icc_profile=profile)
    with pytest.warns(UserWarning, match=r"odd\.png has an unusable colour profile"):
        image = load_image(tmp_path / "odd.png")
    np.testing.assert_array_equal(quantize(image[0, 0, 0]), [9, 8, 7])
