import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.images.levels import quantize, to_float
from nst_tf.images.metadata import read_metadata
from nst_tf.images.save import output_format, save_image


@given(st.floats(0, 1, width=32), st.sampled_from([8, 16]))
def test_levels_are_the_nearest(value, bit_depth):
    level = int(quantize(np.float32(value), bit_depth))
    assert abs(level - value * (2**bit_depth - 1)) <= 0.5 + 2e-7 * 2**bit_depth


@pytest.mark.parametrize(("bit_depth", "dtype"), [(8, np.uint8), (16, np.uint16)])
def test_levels_are_rounded_and_clipped(bit_depth, dtype):
    top = 2**bit_depth - 1
    levels = quantize(np.array([-1, 0.499 / top, 0.501 / top, 0.999999, 1, 2]), bit_depth)
    np.testing.assert_array_equal(levels, [0, 0, 1, top, top, top])
    assert levels.dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_as_a_float(dtype):
    bits = 8 * np.dtype(dtype).itemsize
    levels = np.arange(2**bits).astype(dtype)
    values = to_float(levels)
    assert values.dtype == np.float32
    assert (values[0], values[-1]) == (0, 1)
    np.testing.assert_array_equal(quantize(values, bits), levels)


def test_saving_refuses_what_is_no_image(tmp_path):
    with pytest.raises(ValueError, match="ranges from 2 to 2"):
        save_image(tmp_path / "out.png", np.full((4, 4, 3), 2.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.webp", "out.tiff"])
def test_metadata_reads_back(tmp_path, name):
    record = {"settings": {"epochs": 3, "style_blend": [0.5, 0.5]}, "artist": "Utagawa 歌川"}
    save_image(tmp_path / name, np.zeros((4, 4, 3)), metadata=record)
    assert read_metadata(tmp_path / name) == record


def test_a_picture_without_metadata_says_so(photo):
    with pytest.raises(ValueError, match="carries no settings"):
        read_metadata(photo)


def test_extensions_decide_the_format():
    assert output_format("a/B.JPG") == "JPEG"
    assert output_format("x.tif") == "TIFF"
    for name in ("picture", "picture.gif", "picture.png.txt"):
        with pytest.raises(ValueError, match=r"use one of \.png"):
            output_format(name)
