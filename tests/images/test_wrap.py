import numpy as np
import pytest

from nst_tf.images.masks import Region
from nst_tf.images.resize import resize
from nst_tf.images.wrap import (
    MARGIN,
    cropped,
    margins,
    overlapped,
    padded_size,
    periodic,
    resize_tile,
    rewrapped,
    wrapped,
    wrapped_regions,
)

KINDS = ("both", "x", "y")


def jump(image, axis):
    """Return the mean difference between the first and the last line."""
    return np.abs(np.take(image, 0, axis) - np.take(image, -1, axis)).mean()


@pytest.mark.parametrize(
    ("tileable", "expected"),
    [("none", (0, 0)), ("both", (MARGIN, 20)), ("x", (0, 20)), ("y", (MARGIN, 0))],
)
def test_margins_are_at_most_as_wide_as_the_picture(tileable, expected):
    assert margins(tileable, (100, 20)) == expected
    assert padded_size(tileable, (100, 20)) == (100 + 2 * expected[0], 20 + 2 * expected[1])


def test_margins_repeat_the_other_side(pixels):
    image = pixels(10, 12)
    around = wrapped(image, (3, 0), 1)
    np.testing.assert_array_equal(around, np.concatenate([image[:, -3:], image, image[:, :3]], 1))
    np.testing.assert_array_equal(cropped(wrapped(image[0], (3, 4)), (3, 4), (10, 12)), image[0])


def test_margins_are_renewed_from_what_is_between_them(pixels):
    image = pixels(10, 12)[0]
    changed = wrapped(image, (3, 4))
    changed[:3], changed[:, -4:] = 0, 0
    np.testing.assert_array_equal(rewrapped(changed, (3, 4), (10, 12)), wrapped(image, (3, 4)))
    places = wrapped(image, (3, 4))[:-2, :-2]  # of patches of 3 pixels
    np.testing.assert_array_equal(rewrapped(places.copy(), (3, 4), (10, 12)), places)


def test_regions_get_margins():
    mask = np.zeros((10, 12), np.float32)
    mask[:, :2] = 1
    first, whole = wrapped_regions([Region(mask), Region(None)], (0, 3), (10, 12))
    np.testing.assert_array_equal(first.content, wrapped(mask, (0, 3)))
    assert whole.content is None


@pytest.mark.parametrize("tileable", KINDS)
def test_a_photo_s_edges_meet_after_a_smooth_change(tileable):
    ramp = np.linspace(0.2, 0.8, 40)[:, None] * 0.5 + np.linspace(0.2, 0.8, 50) * 0.5
    image = np.repeat(ramp[None, :, :, None], 3, -1).astype(np.float32)
    result = periodic(image, tileable)
    for axis, letter in ((1, "y"), (2, "x")):
        if tileable in ("both", letter):
            assert jump(result, axis) < 0.25 * jump(image, axis)
        else:
            assert jump(result, axis) == pytest.approx(jump(image, axis), rel=0.05)


def test_the_change_solves_the_equation_of_its_source(pixels):
    image = 0.4 + 0.2 * pixels(20, 30).astype(np.float64)
    smooth = image - periodic(image, "both")
    laplacian = sum(np.roll(smooth, step, axis) for step in (1, -1) for axis in (1, 2)) - 4 * smooth
    jumps = np.zeros_like(image)
    jumps[:, 0] += image[:, -1] - image[:, 0]
    jumps[:, -1] += image[:, 0] - image[:, -1]
    jumps[:, :, 0] += image[:, :, -1] - image[:, :, 0]
    jumps[:, :, -1] += image[:, :, 0] - image[:, :, -1]
    np.testing.assert_allclose(laplacian, jumps, atol=1e-5)


def test_a_picture_without_edges_to_meet_is_unchanged(pixels):
    image = pixels(20, 30)
    assert periodic(image, "none") is image
    assert overlapped(image, "none") is image
    same = np.full((1, 8, 9, 3), 0.3, np.float32)
    np.testing.assert_allclose(periodic(same, "both"), same, atol=1e-6)


@pytest.mark.parametrize("tileable", KINDS)
def test_a_texture_s_edges_show_its_middle(tileable, pixels):
    image = pixels(20, 30)
    result = overlapped(image, tileable)
    moved = {"both": (10, 15), "x": (0, 15), "y": (10, 0)}[tileable]
    corner = np.roll(image, moved, (1, 2))[:, 0, 0] if tileable == "both" else None
    if corner is not None:
        np.testing.assert_allclose(result[:, 0, 0], corner)
    np.testing.assert_array_equal(result[:, 9:11, 14:16], image[:, 9:11, 14:16])
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("size", [(40, 56), (10, 14), (23, 31), (20, 28)])
def test_resizing_sees_the_other_side(size, pixels):
    """It equals resizing three by three copies, and taking the one in the middle."""
    image = pixels(20, 28)
    nine = np.tile(image, (1, 3, 3, 1))
    expected = resize(nine, (3 * size[0], 3 * size[1]))
    middle = expected[:, size[0] : 2 * size[0], size[1] : 2 * size[1]]
    np.testing.assert_allclose(resize_tile(image, size, "both"), middle, atol=1e-5)


def test_resizing_to_the_size_with_margins_resizes(pixels):
    image = pixels(20, 20)
    assert resize_tile(image, padded_size("both", (20, 20)), "both").shape == (1, 60, 60, 3)
