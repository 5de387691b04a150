"""Large pictures, read at a reduced size."""

import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from nst_tf.images.decode import MOST_PIXELS, decode, open_picture, reading_bytes, upright_size
from nst_tf.images.io import as_picture, load_image, load_picture
from nst_tf.images.reduced import factor, reduce_samples
from tests.conftest import ASSETS
from tests.images.test_sixteen_bit import sixteen_bit_png


@pytest.mark.parametrize(
    ("size", "max_dim", "ratio"),
    [
        ((4000, 8000), 512, 1),  # 32 megapixels
        ((4001, 8000), 512, 5),
        ((16320, 12240), 512, 10),
        ((16320, 12240), 0, 1),
        ((16320, 12240), 2048, 2),
        ((16320, 12240), 4096, 1),
        ((2, 20_000_000), 512, 2),
    ],
)
def test_large_pictures_stay_three_times_as_large_as_they_are_used(size, max_dim, ratio):
    assert factor(size, max_dim) == ratio


def photo(size):
    """Return a real photo, of another size."""
    with Image.open(ASSETS / "temple.jpg") as opened:
        return opened.convert("RGB").resize(size)


def test_a_large_jpeg_is_decoded_at_a_reduced_size(tmp_path):
    photo((8200, 4100)).save(tmp_path / "in.jpg", quality=50)
    assert decode(tmp_path / "in.jpg", 256).channels[0].shape == (513, 1025)
    picture = load_picture(tmp_path / "in.jpg", 128)
    assert picture.full_size == (4100, 8200)
    expected = np.asarray(photo((128, 64))) / 255
    assert np.abs(picture.pixels[0] - expected).mean() < 3 / 255
    assert reading_bytes(tmp_path / "in.jpg", 256) == 4100 * 8200 // 64 * 6


MODES = {"photo": "RGB", "clear": "RGBA", "grey": "L", "palette": "P", "bits": "1"}


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("name", MODES)
def test_a_reduced_picture_looks_as_one_that_was_read_in_full(tmp_path, name, ending):
    path = tmp_path / f"{name}.{ending}"
    photo((643, 421)).convert(MODES[name]).save(path)
    full = load_picture(path, 40)
    decoded = decode(path, 40, large=10**5)
    assert decoded.channels[0].shape == (84, 129)
    assert decoded.size == full.full_size == (421, 643)
    small = as_picture(decoded, full.pixels.shape[1:3], name)
    difference = np.abs(small.pixels - full.pixels) * 255
    assert difference.mean() < 1
    assert difference.max() < 16


def test_deep_pictures_are_reduced_too(tmp_path):
    stripes = np.zeros((410, 820), np.uint16)
    stripes[:, ::2] = 40001
    Image.fromarray(stripes).save(tmp_path / "grey.png")
    tifffile.imwrite(tmp_path / "grey.tif", stripes)
    for name in ("grey.png", "grey.tif"):
        (grey,) = decode(tmp_path / name, 34, large=10**5).channels
        assert grey.shape == (51, 102)
        np.testing.assert_allclose(grey / 65535, 20000.5 / 65535, atol=1e-4)


def test_invisible_samples_do_not_mix_with_their_neighbours():
    array = np.zeros((64, 64, 4), np.uint16)
    array[:, ::2] = 50000, 0, 0, 65535
    array[:, 1::2] = 0, 60000, 0, 0
    small = reduce_samples(array, 2)
    assert small.shape == (32, 32, 4)
    np.testing.assert_array_equal(small[..., :3], np.broadcast_to([50000, 0, 0], (32, 32, 3)))
    np.testing.assert_array_equal(small[..., 3], 32768)


def test_ordinary_pictures_are_read_in_full(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for name in ("in.jpg", "in.png"):
        Image.fromarray(noise).save(tmp_path / name)
        assert decode(tmp_path / name, 16).channels[0].shape == (300, 400)
        assert reading_bytes(tmp_path / name, 16) == 0


def header(path, width, height):
    """Write a PNG file that says it is of some size, and little else."""
    data = bytearray(sixteen_bit_png(np.zeros((2, 2, 1), np.uint16)))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[24] = 8
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)


def test_the_programs_take_more_pixels_than_the_library(tmp_path):
    header(tmp_path / "scan.png", 40000, 25000)
    words = r"scan.png has too many pixels, 1000 million where 179 are allowed: scale it down first"
    with pytest.raises(ValueError, match=words):
        load_image(tmp_path / "scan.png")
    with pytest.raises(ValueError, match=words), open_picture(tmp_path / "scan.png"):
        pass
    assert upright_size(tmp_path / "scan.png") == (25000, 40000)
    with open_picture(tmp_path / "scan.png", MOST_PIXELS) as opened:
        assert opened.size == (40000, 25000)
    header(tmp_path / "scan.png", 40000, 25001)
    with pytest.raises(ValueError, match=r"1000 million where 1000 are allowed"):
        load_image(tmp_path / "scan.png", most_pixels=MOST_PIXELS)


def test_pillows_limit_comes_back(tmp_path):
    header(tmp_path / "scan.png", 20000, 10000)
    kept = Image.MAX_IMAGE_PIXELS
    with open_picture(tmp_path / "scan.png", MOST_PIXELS):
        assert kept == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("limit", [10**8, None])
def test_pillows_limit_is_the_librarys(tmp_path, monkeypatch, limit):
    header(tmp_path / "scan.png", 20000, 10000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # as Pillow's manual tells its users to
    with open_picture(tmp_path / "scan.png") as opened:
        assert opened.width == 20000
    if limit is None:
        with pytest.raises(ValueError, match="200 million where 100 are allowed"):
            open_picture(tmp_path / "scan.png", 10**8).__enter__()


@pytest.mark.parametrize(("max_dim", "each"), [(512, 3), (0, 25)])
def test_what_reading_takes_follows_from_the_header(tmp_path, max_dim, each):
    header(tmp_path / "scan.png", 40000, 25000)
    assert reading_bytes(tmp_path / "scan.png", max_dim) == each * 10**9
