import numpy as np
import pytest
from PIL import Image

from nst_tf import Settings
from nst_tf.images.resize import resize
from nst_tf.inputs.start import start_image, upsample_start


def start(content, styles, init, **further):
    settings = Settings(init=init, **further)
    return start_image(content, styles, settings)


def test_the_photo_and_blank_paper_are_what_they_are_called(pixels):
    content, styles = pixels(24, 32), [pixels(40, 20, seed=1)]
    np.testing.assert_array_equal(start(content, styles, "content"), content)
    white = start(content, styles, "white")
    np.testing.assert_array_equal(white, np.ones((1, 24, 32, 3)))
    assert white.dtype == np.float32


def test_the_first_style_covers_the_photo_undistorted_about_its_centre(pixels):
    # 40x20 pixels cover 24x32 at 1.6 times their size: 15 of the 40 rows are seen.
    styles = [pixels(40, 20, seed=1), pixels(24, 32, seed=2)]
    found = start(pixels(24, 32), styles, "style")
    for channel in range(3):
        plane = Image.fromarray(styles[0][0, :, :, channel])
        expected = plane.resize((32, 24), Image.Resampling.LANCZOS, (0, 12.5, 20, 27.5))
        np.testing.assert_allclose(found[0, :, :, channel], np.clip(expected, 0, 1), atol=1e-6)


def test_noise_is_that_of_the_seed(pixels):
    content = pixels(24, 32)
    for seed in (0, 7):
        expected = np.random.default_rng(seed).random((1, 24, 32, 3), np.float32)
        found = start(content, [content], "noise", seed=seed)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == np.float32
    # The first numbers of NumPy's PCG64 for the seed 0 in float32.
    first = start(content, [content], "noise")[0, 0, 0]
    np.testing.assert_allclose(first, [0.8506242, 0.63696164, 0.5111365], atol=1e-6)


def test_a_picture_takes_the_place_of_init(pixels):
    content, initial = pixels(24, 32), pixels(48, 64, seed=3)
    for init in ("content", "white", "a/path"):
        settings = Settings(init=init)
        found = start_image(content, [content], settings, initial=initial)
        np.testing.assert_array_equal(found, resize(initial, (24, 32)))
        same = start_image(content, [content], settings, initial=content[0])
        np.testing.assert_array_equal(same, content)


def test_a_path_must_have_been_read(pixels):
    with pytest.raises(ValueError, match=r"'a/path' is not one of .* pass a picture as `initial`"):
        start(pixels(24, 32), [pixels(24, 32)], "a/path")


def test_what_a_finer_scale_starts_from_has_the_photos_detail_by_the_strength(pixels):
    image, photo = pixels(12, 16) * 0.2 + 0.4, pixels(24, 32, seed=1) * 0.2 + 0.4
    coarse = resize(photo, (12, 16))
    larger, detail = resize(image, (24, 32)), photo - resize(coarse, (24, 32))
    for strength in (0, 0.25, 0.9):
        expected = larger + (1 - strength) * detail
        np.testing.assert_allclose(
            upsample_start(image, coarse, photo, strength), expected, atol=1e-6
        )
    for strength in (1, 2):
        np.testing.assert_array_equal(upsample_start(image, coarse, photo, strength), larger)
    np.testing.assert_allclose(upsample_start(coarse, coarse, photo, 0), photo, atol=1e-6)
    extreme = upsample_start(np.ones_like(image), np.zeros_like(coarse), np.ones_like(photo), 0)
    assert extreme.max() == 1
