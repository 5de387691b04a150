import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from nst_tf.losses.term import PIXELS, Source, Sources, Window
from nst_tf.losses.total_variation import TotalVariation, variation


def total_variation(image, values=()):
    term = TotalVariation()
    statistics = term.statistics({PIXELS: tf.constant(image)}, values, Window(image.shape[1:3]))
    (loss,) = term.losses(statistics, values).values()
    return float(loss)


def target(photo, covered=None, regions=()):
    content = Source(tf.constant(photo), None, {}, None)
    return TotalVariation().target(Sources(content, {}, {}, covered=covered, regions=regions))


def checkerboard(height, width):
    board = np.indices((height, width)).sum(0) % 2
    return np.repeat(board[None, :, :, None], 3, axis=-1).astype(np.float32)


def test_total_variation_of_a_checkerboard_counts_its_edges():
    height, width = 5, 8
    edges = height * (width - 1) + (height - 1) * width
    assert total_variation(checkerboard(height, width)) == 3 * edges


def test_total_variation_of_a_flat_image_is_zero():
    assert total_variation(np.full((1, 9, 4, 3), 0.3, np.float32)) == 0


def test_total_variation_is_tensorflows(pixels):
    image = pixels(13, 9)
    expected = float(tf.image.total_variation(tf.constant(image))[0])
    assert total_variation(image) == pytest.approx(expected, rel=1e-5)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_differences_between_uncovered_pixels_do_not_count(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((1, height, width, 3), np.float32)
    covered = np.where(rng.random((height, width)) < 0.4, rng.random((height, width)), 0)
    expected = 0.0
    for y in range(height):
        for x in range(width):
            for there in ((y + 1, x), (y, x + 1)):
                inside = there[0] < height and there[1] < width
                if inside and (covered[y, x] > 0 or covered[there] > 0):
                    expected += np.abs(image[0, y, x] - image[(0, *there)]).sum(dtype=np.float64)
    found = total_variation(image, target(image, covered.astype(np.float32)).values)
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_picture_that_is_covered_all_over_needs_no_mask(pixels):
    assert target(pixels(4, 5)).values == ()


def test_the_variation_of_a_part_counts_differences_within_it():
    board = tf.constant(checkerboard(6, 8))
    whole = Source(board, None, {}, None)
    assert variation(whole) == pytest.approx((6 * 7 + 5 * 8) / (6 * 8))
    mask = np.zeros((6, 8), np.float32)
    mask[1:4, 2:7] = 1
    assert variation(whole._replace(mask=mask)) == pytest.approx((3 * 4 + 2 * 5) / (3 * 5))
    assert variation(whole._replace(mask=np.zeros((6, 8), np.float32))) == 0


def test_a_relative_loss_divides_by_the_paintings_variation_for_as_many_pixels(pixels):
    board = Source(tf.constant(checkerboard(6, 8)), None, {}, None)
    flat = board._replace(image=tf.zeros([1, 6, 8, 3]))
    regions = [
        (0.2, Sources(None, {0: board, 1: flat}, {0: 0.25, 1: 0.75})),
        (0.3, Sources(None, {0: board}, {0: 1.0})),
    ]
    edges = (6 * 7 + 5 * 8) / (6 * 8)
    expected = (0.2 * 0.25 + 0.3) * edges / 0.5 * 3 * 4 * 5
    assert target(pixels(4, 5), regions=regions).normalizers == pytest.approx(
        {"total_variation": expected}
    )
