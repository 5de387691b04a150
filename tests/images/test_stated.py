"""Colours that files state by numbers: gAMA, cHRM, cICP and nclx."""

import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from nst_tf.images.io import load_image, load_picture
from tests.images.test_png import LEVELS, chunk, write
from tests.images.test_profiles import ADOBE_TO_XYZ, SRGB_TO_XYZ, srgb_curve
from tests.images.test_sixteen_bit import samples, sixteen_bit_png

D65 = (0.3127, 0.3290)
SRGB = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE = (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
P3_TO_XYZ = np.array(
    [[0.48657, 0.26567, 0.19822], [0.22897, 0.69174, 0.07929], [0, 0.04511, 1.04394]]
)  # SMPTE EG 432-1


def gamma(value):
    return chunk(b"gAMA", struct.pack(">I", round(value * 1e5)))


def primaries(values):
    return chunk(b"cHRM", struct.pack(">8I", *(round(value * 1e5) for value in values)))


def cicp(first, transfer):
    return chunk(b"cICP", bytes([first, transfer, 0, 1]))


def converted(light, matrix):
    """Return linear light of some primaries as values of sRGB, clipped to its gamut."""
    return srgb_curve(np.clip(light @ matrix.T @ np.linalg.inv(SRGB_TO_XYZ).T, 0, 1))


def light(values):
    """Return the linear light of values of sRGB."""
    return np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)


@pytest.mark.parametrize("value", [1.0, 0.55])
def test_a_gamma_is_honoured_in_8_and_16_bits(tmp_path, value):
    write(tmp_path / "8.png", [gamma(value)])
    picture = load_picture(tmp_path / "8.png")
    assert picture.has_profile
    expected = srgb_curve((LEVELS / 255) ** (1 / value))
    np.testing.assert_allclose(picture.pixels[0], expected, atol=1.1 / 255)
    data = struct.pack(">I", round(value * 1e5))
    (tmp_path / "16.png").write_bytes(sixteen_bit_png(samples(3), gAMA=data))
    expected = srgb_curve((samples(3) / 65535) ** (1 / value))
    np.testing.assert_allclose(load_image(tmp_path / "16.png")[0], expected, atol=0.3 / 255)


def test_primaries_are_honoured(tmp_path):
    write(tmp_path / "in.png", [gamma(1), primaries(ADOBE)])
    expected = converted(LEVELS / 255, ADOBE_TO_XYZ)
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0], expected, atol=1.5 / 255)
    write(tmp_path / "in.png", [primaries(ADOBE)])  # with sRGB's curve
    expected = converted(light(LEVELS / 255), ADOBE_TO_XYZ)
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0], expected, atol=1.5 / 255)


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma(0.45455)],
        [gamma(0.45455), primaries(SRGB)],
        [chunk(b"sRGB", b"\0"), gamma(1), primaries(ADOBE)],
        [cicp(1, 13), gamma(1)],
        [gamma(0)],
    ],
)
def test_what_is_srgb_stays(tmp_path, chunks):
    write(tmp_path / "in.png", chunks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = load_image(tmp_path / "in.png")
    np.testing.assert_allclose(image[0], LEVELS / 255, atol=1e-6)


def test_cicp_is_honoured_and_wins(tmp_path):
    write(tmp_path / "in.png", [cicp(12, 13), gamma(1), primaries(ADOBE)])
    expected = converted(light(LEVELS / 255), P3_TO_XYZ)
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0], expected, atol=1.5 / 255)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_an_hdr_curve_is_a_warning(tmp_path, transfer, name):
    write(tmp_path / "in.png", [cicp(9, transfer)])
    with pytest.warns(UserWarning, match=rf"in\.png is an HDR picture \({name}\), whose colours"):
        image = load_image(tmp_path / "in.png")
    np.testing.assert_allclose(image[0], LEVELS / 255, atol=1e-6)


def test_a_picture_that_pillow_has_opened_counts_too(tmp_path):
    write(tmp_path / "in.png", [gamma(1)])
    with Image.open(tmp_path / "in.png") as opened:
        image = load_image(opened)
    np.testing.assert_allclose(image[0], srgb_curve(LEVELS / 255), atol=1.1 / 255)


def test_nclx_of_avif_is_honoured_and_warns(tmp_path):
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    Image.fromarray(flat).save(tmp_path / "in.avif", quality=100, subsampling="4:4:4")
    data = (tmp_path / "in.avif").read_bytes()
    assert data.count(b"colrnclx") == 1
    at = data.index(b"colrnclx") + 8
    for first, transfer in ((12, 13), (9, 16)):
        numbers = struct.pack(">HH", first, transfer)
        (tmp_path / "in.avif").write_bytes(data[:at] + numbers + data[at + 4 :])
        if transfer == 16:
            with pytest.warns(UserWarning, match=r"HDR picture \(PQ\)"):
                load_image(tmp_path / "in.avif")
        else:
            expected = converted(light(flat / 255), P3_TO_XYZ)
            np.testing.assert_allclose(load_image(tmp_path / "in.avif")[0], expected, atol=4 / 255)
