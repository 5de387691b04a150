"""Pictures of every kind are the same picture."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from nst_tf.images.io import load_mask, load_picture
from nst_tf.images.save import save_image
from nst_tf.images.sources import decode_any, listed


def samples(height, width, channels=3, dtype=np.uint8):
    shape = (height, width, channels) if channels else (height, width)
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def as_file(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_same(one, other):
    np.testing.assert_array_equal(one.pixels, other.pixels)
    np.testing.assert_array_equal(one.alpha, other.alpha)
    assert one.has_profile == other.has_profile


@pytest.mark.parametrize("channels", [0, 2, 3, 4])
@pytest.mark.parametrize("max_dim", [0, 10])
def test_path_bytes_file_image_and_array_are_one_picture(tmp_path, channels, max_dim):
    array = samples(13, 17, channels)
    image, path = Image.fromarray(array), tmp_path / "picture.png"
    image.save(path)
    expected = load_picture(path, max_dim)
    data = path.read_bytes()
    with path.open("rb") as file:
        for same in (str(path), data, bytearray(data), io.BytesIO(data), file, image, array):
            assert_same(load_picture(same, max_dim), expected)


def test_floats_are_what_they_are():
    floats = np.random.default_rng(0).random((13, 17, 3), np.float32)
    for same in (floats, floats[None], floats.astype(np.float64)):
        np.testing.assert_array_equal(load_picture(same).pixels[0], floats)


def test_sixteen_bits_stay_sixteen_bits(tmp_path):
    array = samples(13, 17, dtype=np.uint16)
    for suffix in ("png", "tiff"):
        path = tmp_path / f"deep.{suffix}"
        save_image(path, array / np.float32(65535), bit_depth=16)
        for same in (path, path.read_bytes(), array):
            found = load_picture(same).pixels[0]
            np.testing.assert_array_equal(np.rint(found * 65535), array)
    grey = Image.fromarray(array[..., 0])
    assert_same(load_picture(grey), load_picture(as_file(grey, "PNG")))


def test_images_are_upright_and_in_srgb():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(samples(12, 20))
    data = as_file(image, "JPEG", exif=exif, quality=95)
    opened = Image.open(io.BytesIO(data))
    assert load_picture(opened).pixels.shape == (1, 20, 12, 3)
    assert_same(load_picture(opened), load_picture(data))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = as_file(image, "PNG", icc_profile=srgb)
    assert load_picture(Image.open(io.BytesIO(data))).has_profile
    assert_same(load_picture(Image.open(io.BytesIO(data))), load_picture(data))


def test_a_mask_may_be_any_picture(tmp_path):
    mask = np.zeros((8, 9), np.uint8)
    mask[2:5] = 255
    for same in (mask, Image.fromarray(mask), as_file(Image.fromarray(mask), "PNG")):
        np.testing.assert_array_equal(load_mask(same), mask / 255)
    with pytest.raises(ValueError, match="the picture is black all over"):
        load_mask(np.zeros((8, 9), np.uint8))


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        ("missing.png", FileNotFoundError, "content: missing.png does not exist"),
        (b"no picture", OSError, "content is not a picture that can be read"),
        (io.StringIO("text"), TypeError, "content is not a file opened in binary mode"),
        (None, TypeError, "content is of type NoneType: pass a path, bytes"),
        ([1.0], TypeError, "content is of type list"),
        (samples(4, 4, 5), ValueError, r"content has shape \[4, 4, 5\]"),
        (np.full((4, 4, 3), 2.0), ValueError, "content ranges from 2 to 2"),
        (np.full((4, 4, 3), np.nan), ValueError, "content holds NaN"),
        (np.zeros((4, 4, 3), np.int64), ValueError, "content has dtype int64"),
    ],
)
def test_errors_name_the_argument(value, error, text):
    with pytest.raises(error, match=text):
        decode_any(value, "content")


def test_damage_is_named(tmp_path):
    data = as_file(Image.fromarray(samples(40, 40)), "PNG")[:900]
    with pytest.raises(OSError, match="style 2 cannot be read: damaged or truncated"):
        decode_any(data, "style 2")
    with pytest.raises(OSError, match="style 2 cannot be read"):
        decode_any(Image.open(io.BytesIO(data)), "style 2")


def test_one_picture_is_a_list_of_one():
    array = samples(4, 4)
    assert listed("a.png") == ["a.png"]
    assert listed(b"data") == [b"data"]
    assert listed(array)[0] is array
    assert listed((array, "b.png"))[1] == "b.png"
