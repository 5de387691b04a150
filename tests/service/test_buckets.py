import pytest

from nst_tf.service.buckets import bucketed


@pytest.mark.parametrize("limit", [256, 512, 1024])
def test_large_photos_of_all_shapes_share_few_sizes(limit):
    sizes = {(short, limit) for short in range(limit // 3, limit + 1)}
    found = {bucketed(size, limit) for size in sizes}
    assert {size[1] for size in found} == {limit}
    assert len(found) <= 33
    for size in sizes:
        height, _ = bucketed(size, limit)
        assert abs(height / size[0] - 1) < 0.02 + 0.5 / size[0]


def test_small_photos_are_worked_at_a_little_larger():
    for limit in (512, 0):
        found = set()
        for long in range(100, 513):
            height, width = bucketed((long * 3 // 4, long), limit)
            found.add(width)
            assert long <= width <= 1.1 * long + 1
            assert abs(height / width / 0.75 - 1) < 0.03
        assert len(found) <= 21
    assert bucketed((300, 700), 0)[1] >= 700


def test_the_orientation_is_kept_and_squares_stay_squares():
    for size in ((300, 411), (90, 97), (64, 512)):
        assert bucketed(size, 512) == bucketed(size[::-1], 512)[::-1]
    assert bucketed((512, 512), 512) == (512, 512)
    assert len(set(bucketed((77, 77), 512))) == 1


def test_no_side_is_smaller_than_the_network_allows():
    assert min(bucketed((16, 500), 512, 16)) == 16
    assert min(bucketed((1, 500), 512)) == 1
