"""Uploads are checked before anything is done with them."""

import sys

import numpy as np
import pytest
from PIL import Image

from nst_tf.page.uploads import PREVIEW_SIDE, check_upload
from nst_tf.utils.errors import UserError


def test_size_and_preview_are_upright(tmp_path):
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (300, 200), (200, 0, 0)).save(path, exif=exif)
    upload = check_upload(path, path.name, 10**6)
    assert upload.size == (300, 200)
    assert upload.preview.shape == (300, 200, 3)


def test_large_photos_are_shown_small(tmp_path):
    path = tmp_path / "large.jpg"
    Image.new("RGB", (4000, 3000)).save(path)
    upload = check_upload(path, path.name, 10**8)
    assert upload.size == (3000, 4000)
    assert max(upload.preview.shape) == PREVIEW_SIDE
    assert upload.preview.dtype == np.uint8


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "photo.png is no longer here: choose it again"),
        (lambda path: path.write_bytes(b""), "photo.png is empty: choose a picture"),
        (lambda path: path.write_text("text"), "photo.png is not a picture"),
        (lambda path: Image.new("L", (2000, 1000)).save(path), "^photo.png has 2 megapixels"),
    ],
)
def test_what_is_not_taken_is_told_without_a_path(tmp_path, make, words):
    path = tmp_path / "photo.png"
    make(path)
    with pytest.raises(ValueError, match=words) as error:
        check_upload(path, path.name, 10**6)
    assert str(tmp_path) not in str(error.value)
    assert "\n" not in str(error.value)


def shown(path):
    return check_upload(path, path.name, 10**8).preview[5, 5].tolist()


def test_a_preview_is_what_a_run_reads(tmp_path):
    """Show 16-bit grey by its levels, and transparent parts over white."""
    path = tmp_path / "picture.png"
    Image.fromarray(np.full((10, 10), 32768, np.uint16)).save(path)
    assert shown(path) == [128, 128, 128]
    Image.new("RGBA", (10, 10), (200, 0, 0, 0)).save(path)
    assert shown(path) == [255, 255, 255]
    Image.new("RGBA", (10, 10), (0, 0, 0, 128)).save(path)
    assert shown(path) == [127, 127, 127]
    Image.new("CMYK", (10, 10), (0, 0, 0, 255)).save(path.with_suffix(".jpg"))
    assert max(shown(path.with_suffix(".jpg"))) < 60


def test_a_jpeg_of_large_size_is_shown_in_its_colours(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (3000, 2000), (10, 200, 30)).save(path, quality=95)
    assert np.abs(np.subtract(shown(path), (10, 200, 30))).max() <= 2
    Image.new("L", (3000, 2000), 99).save(path, quality=95)
    assert shown(path) == [99, 99, 99]


def test_visitors_are_not_asked_to_install_anything(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(UserError) as error:
        check_upload(path, path.name, 10**6)
    assert str(error.value) == "photo.heic is a HEIC picture: convert it to JPEG"
