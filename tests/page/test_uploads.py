"""Uploads are checked before anything is done with them."""

import numpy as np
import pytest
from PIL import Image

from nst_tf.page.uploads import PREVIEW_SIDE, check_upload


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
