"""PNG files with texts and profiles that Pillow finds too large."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from nst_tf.images.decode import open_picture, upright_size
from nst_tf.images.io import load_image, load_picture
from nst_tf.images.metadata import read_metadata
from nst_tf.images.save import save_image
from tests.images.test_profiles import swapped_profile
from tests.images.test_sixteen_bit import samples, sixteen_bit_png

LARGE = PngImagePlugin.MAX_TEXT_CHUNK + 1
LEVELS = (samples(3) >> 8).astype(np.uint8)


def write(path, before=(), after=()):
    """Write a small picture with chunks before and after its pixels."""
    data = io.BytesIO()
    Image.fromarray(LEVELS).save(data, "PNG")
    parts = data.getvalue()
    at, end = parts.index(b"IDAT") - 4, len(parts) - 12
    path.write_bytes(parts[:at] + b"".join(before) + parts[at:end] + b"".join(after) + parts[end:])


def chunk(name, data):
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


TEXT = zlib.compress(b"a" * LARGE)
CHUNKS = {
    "zTXt": chunk(b"zTXt", b"Comment\0\0" + TEXT),
    "iTXt": chunk(b"iTXt", b"Comment\0\1\0en\0Kommentar\0" + TEXT),
    "tEXt": chunk(b"tEXt", b"Comment\0" + b"a" * LARGE),
}


@pytest.mark.parametrize("kind", ["zTXt", "iTXt"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_large_text_does_no_harm(tmp_path, kind, place):
    write(tmp_path / "in.png", **{place: [CHUNKS[kind]]})
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0], LEVELS / 255, atol=1e-6)
    assert upright_size(tmp_path / "in.png") == (8, 9)


def test_many_plain_texts_do_no_harm(tmp_path):
    write(tmp_path / "in.png", [CHUNKS["tEXt"]] * 65)  # more than Pillow takes together
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0], LEVELS / 255, atol=1e-6)


def test_a_large_profile_counts(tmp_path):
    profile = swapped_profile() + bytes(LARGE)
    write(tmp_path / "in.png", [chunk(b"iCCP", b"ICC\0\0" + zlib.compress(profile))])
    picture = load_picture(tmp_path / "in.png")
    assert picture.has_profile
    np.testing.assert_allclose(picture.pixels[0], LEVELS[..., ::-1] / 255, atol=1.1 / 255)
    deep = samples(3)
    (tmp_path / "deep.png").write_bytes(
        sixteen_bit_png(deep, iCCP=b"ICC\0\0" + zlib.compress(profile), zTXt=b"C\0\0" + TEXT)
    )
    loaded = load_image(tmp_path / "deep.png")[0]
    np.testing.assert_allclose(loaded, deep[..., ::-1] / 65535, atol=2 / 65535)


def test_our_own_record_stays_beside_a_large_text(tmp_path):
    save_image(tmp_path / "out.png", np.zeros((4, 4, 3)), metadata={"settings": {"epochs": 3}})
    data = (tmp_path / "out.png").read_bytes()
    at = data.index(b"IDAT") - 4
    (tmp_path / "out.png").write_bytes(data[:at] + CHUNKS["zTXt"] + data[at:])
    assert read_metadata(tmp_path / "out.png") == {"settings": {"epochs": 3}}


def test_pillows_own_limit_stays(tmp_path):
    write(tmp_path / "in.png", [CHUNKS["zTXt"]])
    with open_picture(tmp_path / "in.png"):
        assert PngImagePlugin.MAX_TEXT_CHUNK == LARGE - 1
    with pytest.raises(ValueError, match="too large"), Image.open(tmp_path / "in.png") as image:
        image.load()
