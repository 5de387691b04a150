"""JPEG files whose end is missing."""

import io

import numpy as np
import pytest
from PIL import Image

from nst_tf.images.decode import open_picture
from nst_tf.images.io import load_image

KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "grey": {},
}


@pytest.fixture(params=KINDS)
def whole(request):
    """Return a JPEG file of a picture with detail down to its last pixel."""
    noise = np.random.default_rng(0).normal(128, 60, (120, 160)).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(noise).convert("L" if request.param == "grey" else "RGB")
    data = io.BytesIO()
    image.save(data, "JPEG", **KINDS[request.param])
    return data.getvalue()


def pixels(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_file_that_lacks_only_its_end_marker_is_read_with_a_warning(tmp_path, whole):
    assert whole.endswith(b"\xff\xd9")
    (tmp_path / "cut.jpg").write_bytes(whole[:-2])
    with pytest.warns(UserWarning, match=r"cut\.jpg lacks its last two bytes, and no pixels"):
        image = load_image(tmp_path / "cut.jpg")
    np.testing.assert_allclose(image[0], pixels(whole) / 255, atol=1e-6)
    with open_picture(tmp_path / "cut.jpg") as opened:  # as the page shows it
        np.testing.assert_array_equal(np.asarray(opened.convert("RGB")), pixels(whole))


@pytest.mark.parametrize("missing", [5, 30, 300, 1000])
def test_a_file_that_lacks_pixels_is_refused(tmp_path, whole, missing):
    (tmp_path / "cut.jpg").write_bytes(whole[:-missing])
    with pytest.raises(OSError, match=r"cut\.jpg cannot be read: damaged or truncated"):
        load_image(tmp_path / "cut.jpg")


def test_what_follows_the_picture_does_no_harm(tmp_path, whole, recwarn):
    (tmp_path / "motion.jpg").write_bytes(whole + bytes(9000))
    np.testing.assert_allclose(
        load_image(tmp_path / "motion.jpg")[0], pixels(whole) / 255, atol=1e-6
    )
    assert not recwarn.list
