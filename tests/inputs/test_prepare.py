"""Pictures, masks and settings fitted to each other, for programs and the library alike."""

import dataclasses
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from nst_tf import Region, Settings
from nst_tf.images.io import load_picture
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import prepare_inputs, style_side

DEEP = Settings(max_dim=64)
SHALLOW = Settings(content_layers=["block1_conv1"], style_layers=["block1_conv1"], max_dim=64)


def fitted(content, styles, settings=SHALLOW, **changes):
    return prepare_inputs(content, styles, dataclasses.replace(settings, **changes))


def test_styles_follow_the_content(pixels):
    styles = [pixels(100, 50)[0], pixels(20, 20)]
    result = fitted(pixels(60, 120), styles, style_scale=0.5)
    assert result.size == (32, 64)
    assert result.content.shape == (1, 32, 64, 3)
    assert result.style_sizes == [(32, 16), (32, 32)]
    assert fitted(pixels(60, 120), pixels(100, 50), style_scale=0).style_sizes == [(100, 50)]


def test_each_style_has_a_scale_and_detail_divides_them_all(pixels):
    styles = [pixels(64, 64), pixels(40, 80)]
    result = fitted(pixels(32, 64), styles, style_scale=(0.5, 0), detail=0.5)
    assert result.style_sizes == [(64, 64), (80, 160)]


def test_what_is_too_small_is_refused_with_the_size_it_is_used_at(pixels):
    with pytest.raises(ValueError, match=r"content is 50x10 pixels.* use a larger picture"):
        fitted(pixels(10, 50), [pixels(50, 50)], DEEP)
    with pytest.raises(ValueError, match=r"style 2 is 64x13 pixels.* needs 16.* lower detail"):
        fitted(pixels(64, 64), [pixels(50, 50), pixels(20, 100)], DEEP)
    with pytest.raises(ValueError, match="style is 64x13 pixels"):
        fitted(pixels(64, 64), pixels(20, 100), DEEP)
    with pytest.raises(ValueError, match="styles is empty"):
        fitted(pixels(64, 64), [], DEEP)


@pytest.mark.parametrize(("height", "width"), [(20, 200), (200, 21), (16, 1000), (50, 3333)])
def test_a_strip_is_refused_with_the_least_limit_that_would_do(pixels, height, width):
    strip, style = pixels(height, width), pixels(50, 50)
    with pytest.raises(ValueError, match=r"so raise max_dim to \d+ or more") as caught:
        fitted(strip, style, DEEP)
    side = int(re.search(r"max_dim to (\d+)", str(caught.value))[1])
    assert min(fitted(strip, style, DEEP, max_dim=side).size) == 16
    with pytest.raises(ValueError, match=f"raise max_dim to {side} or more"):
        fitted(strip, style, DEEP, max_dim=side - 1)


def test_a_strip_of_a_painting_is_refused_with_the_least_scale_that_would_do(pixels):
    photo, strip = pixels(64, 64), pixels(20, 500)
    with pytest.raises(ValueError, match=r"style is 64x3 pixels.* raise style_scale to 6.25 or"):
        fitted(photo, strip, DEEP)
    assert fitted(photo, strip, DEEP, style_scale=6.25).style_sizes == [(16, 400)]


def test_arrays_that_are_no_images_are_refused_by_name(pixels):
    good, bad = pixels(20, 20), np.full((20, 20, 3), 2.0)
    for arguments, name in (
        ((bad, good), "content"), ((good, bad), "style"), ((good, [good, bad]), "style 2"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"^{name} ranges from 2 to 2"):
            prepare_inputs(*arguments, SHALLOW)
    with pytest.raises(ValueError, match=r"^initial ranges from 2 to 2"):
        prepare_inputs(good, good, SHALLOW, initial=bad)


def test_masks_are_fitted_and_what_they_leave_is_the_photo(pixels):
    photo, image = pixels(40, 60), pixels(40, 60, seed=1)
    mask = np.zeros((20, 30), np.float32)
    mask[:, :10] = 1
    result = prepare_inputs(photo, pixels(30, 30, seed=2), SHALLOW, [Region(mask)])
    (region,) = result.regions
    assert region.content.shape == result.covered.shape == (40, 60)
    shown = result.finish(image)
    np.testing.assert_array_equal(shown[:, :, 25:], photo[:, :, 25:])
    np.testing.assert_array_equal(shown[:, :, :15], image[:, :, :15])
    small = resize(image, (10, 15))
    assert result.finish(small).shape == (1, 10, 15, 3)
    np.testing.assert_array_equal(result.result(small), result.finish(resize(small, (40, 60))))


PIXELS = st.integers(1, 200)


@given(
    PIXELS, PIXELS, PIXELS, PIXELS, st.integers(1, 90), st.floats(0, 3), st.floats(0.3, 3)
)  # fmt: skip
@example(140, 163, 45, 110, 64, 1.0, 1.5)  # rounding twice makes 43x18 pixels instead of 43x17
def test_the_program_and_the_library_use_pictures_of_the_same_sizes(
    height, width, style_height, style_width, max_dim, scale, detail
):
    settings = dataclasses.replace(SHALLOW, max_dim=max_dim, style_scale=scale, detail=detail)
    sizes = (width, height), (style_width, style_height)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("photo.png", "painting.png")]
        for path, size in zip(paths, sizes, strict=True):
            Image.new("L", size).save(path)
        photo = load_picture(paths[0], max_dim).pixels
        side = style_side(photo.shape[1:3], scale, detail)
        painting = load_picture(paths[1], side).pixels
    arrays = (np.zeros((1, rows, columns, 3), np.float32) for columns, rows in sizes)
    library, program = prepare_inputs(*arrays, settings), prepare_inputs(photo, painting, settings)
    assert program.size == library.size == photo.shape[1:3]
    assert program.style_sizes == library.style_sizes


@given(PIXELS, PIXELS, PIXELS, PIXELS, st.floats(0.01, 3), st.floats(0.3, 3))
def test_fitting_again_changes_nothing(height, width, style_height, style_width, scale, detail):
    settings = dataclasses.replace(SHALLOW, style_scale=scale, detail=detail)
    photo, painting = np.zeros((height, width, 3)), np.zeros((style_height, style_width, 3))
    once = prepare_inputs(photo, painting, settings)
    assert max(once.style_sizes[0]) == max(1, round(max(once.size) * scale / detail))
    again = prepare_inputs(once.content, once.styles, settings)
    assert again.size == once.size
    assert again.style_sizes == once.style_sizes
    assert again.content is once.content
    assert again.styles[0] is once.styles[0]


def test_the_steps_of_all_scales_are_counted(pixels):
    schedule = {"epochs": 2, "steps_per_epoch": 10, "scales": 3, "min_dim": 16}
    result = fitted(pixels(48, 64), pixels(64, 64), coarse_steps=0.5, **schedule)
    assert [scale.steps for scale in result.scales] == [5, 10, 20]
    assert result.settings.finest_steps == 20
    assert result.steps == 35
