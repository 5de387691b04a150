import numpy as np
import pytest
from PIL import Image

from nst_tf.images.io import load_image, load_mask, load_picture
from nst_tf.images.levels import quantize
from nst_tf.images.save import save_image


@pytest.fixture
def levels(tmp_path):
    """Return a PNG holding every level of every channel, and its bytes `[H, W, 3]`."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    array = np.stack([values, values[::-1], values.T], axis=-1)
    path = tmp_path / "levels.png"
    Image.fromarray(array).save(path)
    return path, array


def test_loading_and_saving_at_the_same_size_is_exact(levels, tmp_path):
    path, array = levels
    image = load_image(path, 512)
    assert image.dtype == np.float32
    assert image.shape == (1, 16, 16, 3)
    for name in ("out.png", "out.webp", "out.tiff", "out.tif"):
        save_image(tmp_path / name, image)
        with Image.open(tmp_path / name) as saved:
            np.testing.assert_array_equal(np.asarray(saved), array)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    upright = np.zeros((6, 10, 3), np.uint8)
    upright[:2, :3] = 255
    inverse = [None, None, 0, 3, 1, 5, 2, 6, 4][orientation]  # Pillow's transpositions
    stored = Image.fromarray(upright)
    if inverse is not None:
        stored = stored.transpose(Image.Transpose(inverse))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(quantize(load_image(tmp_path / "turned.png")[0]), upright)


def test_grey_palette_and_bilevel_become_rgb(tmp_path):
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (8, 1))
    for mode in ("L", "P"):
        Image.fromarray(ramp).convert(mode).save(tmp_path / f"{mode}.png")
        image = load_image(tmp_path / f"{mode}.png")
        np.testing.assert_array_equal(quantize(image[0]), np.repeat(ramp[..., None], 3, -1))
    Image.fromarray(ramp > 100).save(tmp_path / "1.png")
    np.testing.assert_array_equal(load_image(tmp_path / "1.png")[0, :, :, 2], ramp > 100)


def test_cmyk_and_lab_are_converted(tmp_path):
    colours = np.zeros((16, 16, 3), np.uint8)
    colours[:, :8] = (200, 40, 40)
    colours[:, 8:] = (250, 250, 250)
    Image.fromarray(colours).convert("CMYK").save(tmp_path / "cmyk.tiff")
    np.testing.assert_allclose(load_image(tmp_path / "cmyk.tiff")[0] * 255, colours, atol=3)
    Image.new("LAB", (4, 4), (128, 128, 128)).save(tmp_path / "lab.tiff")
    grey = load_image(tmp_path / "lab.tiff")
    assert np.ptp(grey) < 0.02
    assert 0.4 < grey.mean() < 0.5  # L* = 50 is sRGB 119


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_composited_over_white_and_restored(tmp_path, mode):
    image = Image.new("RGBA", (8, 4), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (4, 0, 8, 4))
    if mode == "PA":
        image = image.convert("P")  # with a transparent palette entry
    elif mode == "LA":
        image = image.convert("LA")
    image.save(tmp_path / "clear.png")
    picture = load_picture(tmp_path / "clear.png")
    np.testing.assert_array_equal(picture.pixels[0, :, :4], 0)
    np.testing.assert_array_equal(picture.pixels[0, :, 4:], 1)
    np.testing.assert_array_equal(picture.alpha, np.repeat([[1.0, 0.0]], 4, 1).repeat(4, 0))
    for name in ("out.png", "out.webp", "out.tiff"):
        save_image(tmp_path / name, np.full((4, 8, 3), 0.5), alpha=picture.alpha)
        with Image.open(tmp_path / name) as saved:
            assert saved.mode == "RGBA"
            np.testing.assert_array_equal(np.asarray(saved)[..., 3], picture.alpha * 255)
    save_image(tmp_path / "out.jpg", np.zeros((4, 8, 3)), alpha=picture.alpha)
    shown = load_image(tmp_path / "out.jpg")[0, 0, [0, -1], 0]
    np.testing.assert_allclose(shown, [0, 1], atol=0.03)


def test_an_opaque_alpha_channel_is_no_alpha(tmp_path):
    Image.new("RGBA", (4, 4), (1, 2, 3, 255)).save(tmp_path / "opaque.png")
    assert load_picture(tmp_path / "opaque.png").alpha is None


def test_alpha_is_resized_with_the_picture(tmp_path):
    Image.new("RGBA", (40, 20), (1, 2, 3, 128)).save(tmp_path / "half.png")
    picture = load_picture(tmp_path / "half.png", 10)
    assert picture.pixels.shape == (1, 5, 10, 3)
    np.testing.assert_allclose(picture.alpha, np.full((5, 10), 128 / 255), atol=1e-6)


def test_of_an_animation_the_first_frame_is_used_with_a_warning(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    with pytest.warns(UserWarning, match="2 frames: only the first"):
        image = load_image(tmp_path / "film.gif")
    np.testing.assert_array_equal(image, 1)


def test_a_large_photo_is_resampled_in_floating_point(tmp_path):
    # Levels 100 and 101 in stripes: their mean does not exist in 8 bits.
    stripes = np.full((64, 64, 3), 100, np.uint8)
    stripes[::2] = 101
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    inner = load_image(tmp_path / "stripes.png", 16)[0, 4:-4] * 255
    np.testing.assert_allclose(inner, 100.5, atol=0.05)


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "NaN"), (300.0, "outside"), (-0.1, "outside")]
)
def test_floating_point_files_must_be_in_range(tmp_path, value, words):
    array = np.full((4, 4), 0.5, np.float32)
    Image.fromarray(array).save(tmp_path / "fine.tiff")
    np.testing.assert_array_equal(load_image(tmp_path / "fine.tiff"), 0.5)
    array[1, 1] = value
    Image.fromarray(array).save(tmp_path / "odd.tiff")
    with pytest.raises(ValueError, match=words):
        load_image(tmp_path / "odd.tiff")


def test_half_transparent_pixels_keep_their_colour(tmp_path):
    image = Image.new("RGBA", (12, 8), (0, 0, 0, 128))
    image.paste((250, 0, 0, 255), (0, 0, 4, 8))
    image.paste((0, 250, 0, 0), (8, 0, 12, 8))
    image.save(tmp_path / "in.png")
    picture = load_picture(tmp_path / "in.png")
    assert (picture.pixels[0, :, 4:8] == 0).all()
    assert (picture.pixels[0, :, 8:] == 1).all()  # invisible: white
    np.testing.assert_allclose(load_image(tmp_path / "in.png")[0, :, 4:8], 127 / 255, atol=1e-6)
    save_image(tmp_path / "out.png", picture.pixels, alpha=picture.alpha)
    again = np.asarray(Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(again[:, :8], np.asarray(image)[:, :8])
    save_image(tmp_path / "out.jpg", picture.pixels, alpha=picture.alpha)
    assert abs(int(np.asarray(Image.open(tmp_path / "out.jpg"))[4, 6, 0]) - 127) <= 2
    small = load_picture(tmp_path / "in.png", 7)
    shows = small.alpha > 0.1
    assert small.pixels[0, ..., 1][shows].max() < 0.01  # nothing green where it was invisible


def test_masks_are_read_over_black_and_maps_in_colour(tmp_path):
    mask = Image.new("LA", (20, 20), (255, 0))
    mask.paste((255, 255), (0, 0, 10, 20))
    mask.save(tmp_path / "mask.png")
    loaded = load_mask(tmp_path / "mask.png")
    assert loaded.shape == (20, 20)
    np.testing.assert_array_equal(loaded[0], [1] * 10 + [0] * 10)
    deep = np.zeros((20, 20), np.uint16)
    deep[:10] = 65535
    Image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(load_mask(tmp_path / "deep.png")[:, 0], [1] * 10 + [0] * 10)
    labels = Image.new("RGB", (20, 20), (90, 0, 0))
    labels.save(tmp_path / "dark.png")
    assert load_mask(tmp_path / "dark.png").shape == (20, 20, 3)
    almost = Image.new("RGB", (40, 40), "white")
    almost.putpixel((3, 3), (255, 0, 0))  # a stray pixel makes no map
    almost.save(tmp_path / "almost.png")
    assert load_mask(tmp_path / "almost.png").shape == (40, 40)
