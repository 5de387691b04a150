import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nst_tf.images.decode import open_picture
from nst_tf.images.io import load_image, load_mask
from nst_tf.images.save import save_image
from nst_tf.utils.errors import UserError
from nst_tf.utils.stderr import own_stderr
from tests.images.test_reduced import header


def test_unreadable_files_are_one_line(tmp_path, photo):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:-900])
    (tmp_path / "empty.jpg").write_bytes(b"")
    for name, words in (
        ("none.png", "does not exist"),
        ("text.png", "is not a picture"),
        ("empty.jpg", "is not a picture"),
        ("cut.png", "damaged or truncated"),
        (".", "Is a directory"),
    ):
        with pytest.raises(OSError, match=words) as caught:
            load_image(tmp_path / name)
        assert "\n" not in str(caught.value)
        assert str(tmp_path) in str(caught.value)


def test_a_truncated_jpeg_is_refused(tmp_path):
    Image.effect_noise((200, 200), 80).convert("RGB").save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:5000])
    with pytest.raises(OSError, match=r"cut\.jpg cannot be read: damaged or truncated"):
        load_image(tmp_path / "cut.jpg")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the bytes of small pictures by the names of their kinds."""
    directory, pixels = tmp_path_factory.mktemp("files"), np.full((20, 20, 3), 0.25)
    for kind, depth in (("png", 8), ("tiff", 8), ("png", 16), ("tiff", 16)):
        save_image(directory / f"{depth}.{kind}", pixels, bit_depth=depth, has_profile=True)
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@given(
    st.sampled_from(["8.png", "8.tiff", "16.png", "16.tiff"]),
    st.binary(max_size=300),
    st.integers(0, 900),
)
def test_damage_never_shows_as_another_error(files, tmp_path_factory, name, noise, place):
    data = bytearray(files[name])
    data[place : place + len(noise)] = noise
    path = tmp_path_factory.mktemp("damage") / name
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = load_image(path)
        except (OSError, ValueError) as error:
            image, problem = np.zeros(1), str(error)
        else:
            problem = "none"
    assert "\n" not in problem
    assert image.min() >= 0
    assert image.max() <= 1


def test_a_decompression_bomb_is_refused(tmp_path):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    (tmp_path / "bomb.png").write_bytes(data + struct.pack(">I", 0) + b"IDAT")
    with pytest.raises(ValueError, match="too many pixels"):
        load_image(tmp_path / "bomb.png")


@pytest.fixture
def damaged_tiff(tmp_path):
    """Return a TIFF about whose damage libtiff prints a line for each strip."""
    path = tmp_path / "damaged.tiff"
    Image.effect_noise((400, 400), 80).save(path, compression="tiff_lzw", strip_size=4000)
    data = bytearray(path.read_bytes())
    data[2000:-2000] = b"\xaa" * (len(data) - 4000)
    path.write_bytes(data)
    return path


def test_the_library_leaves_stderr_to_the_process(damaged_tiff, capfd):
    own_stderr(False)
    with pytest.raises(OSError, match=r"damaged\.tiff cannot be read: damaged or truncated"):
        load_image(damaged_tiff)
    assert "tempfile.tif: " in capfd.readouterr().err


@pytest.mark.usefixtures("own_process")
def test_libtiff_prints_nothing_before_the_refusal(damaged_tiff, capfd):
    with pytest.raises(OSError, match=r"damaged\.tiff cannot be read: damaged or truncated"):
        load_image(damaged_tiff)
    assert capfd.readouterr().err == ""
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


@pytest.mark.usefixtures("own_process")
def test_threads_that_read_damaged_tiffs_leave_stderr_as_it_was(damaged_tiff, capfd):
    def read(_):
        with pytest.raises(OSError, match="damaged or truncated"):
            load_image(damaged_tiff)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(40)))
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


@pytest.mark.usefixtures("own_process")
@pytest.mark.parametrize("name", ["cut-8.tiff", "cut-16.tiff", "cut-16.png"])
def test_truncated_pictures_of_any_depth_are_one_line(tmp_path, capfd, name):
    depth, suffix = name.removeprefix("cut-").split(".")
    noise = np.random.default_rng(0).random((200, 200, 3))
    save_image(tmp_path / f"whole.{suffix}", noise, bit_depth=int(depth))
    data = (tmp_path / f"whole.{suffix}").read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(OSError, match=f"{name} (cannot be read: damaged|is not a picture)"):
        load_image(tmp_path / name)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("load", [load_image, load_mask])
def test_running_out_of_memory_is_no_damage(tmp_path, load):
    header(tmp_path / "wide.png", 2**30, 1)  # more pixels in a row than Pillow can allocate
    words = r"wide\.png cannot be read: memory ran out, so scale the picture down first$"
    with pytest.raises(OSError, match=words):
        load(tmp_path / "wide.png", most_pixels=2**30)


@pytest.mark.parametrize("load", [load_image, load_mask])
def test_running_out_of_memory_after_decoding_is_named_too(load):
    huge = np.broadcast_to(np.uint8(255), (2**24, 2**24))  # one byte; in floats 1 PiB
    with pytest.raises(OSError, match="the picture cannot be read: memory ran out"):
        load(huge)


def test_a_decoder_that_names_a_lack_of_memory_has_found_no_damage(photo):
    with pytest.raises(MemoryError), open_picture(photo):
        raise OSError("out of memory error when reading image file")


def test_a_mistake_that_is_found_in_an_open_picture_is_no_damage(photo):
    with pytest.raises(UserError, match=r"^it is too small$"), open_picture(photo):
        raise UserError("it is too small")
