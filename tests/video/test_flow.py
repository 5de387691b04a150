import dataclasses

import cv2
import numpy as np
import pytest

from nst_tf.video.flow import motion_edges, optical_flow, visible, warp
from nst_tf.video.frame import StylizedFrame
from nst_tf.video.reference import combine, warp_frame


def overlap(one, other):
    """Return the intersection over the union of two masks."""
    return (one & other).sum() / (one | other).sum()


def shrunk(mask, pixels):
    return cv2.erode(np.uint8(mask), np.ones([2 * pixels + 1] * 2)) > 0


def blurred(clip):
    pictures = {
        name: cv2.GaussianBlur(getattr(clip, name), (0, 0), 2) for name in ("background", "card")
    }
    return dataclasses.replace(clip, **pictures)


def test_a_whole_pixel_moves_without_loss(pixels):
    image = pixels(9, 12)[0]
    flow = np.zeros((9, 12, 2), np.float32)
    flow[..., 0], flow[..., 1] = 2, -1
    found = warp(image, flow)
    np.testing.assert_array_equal(found[1:, :-2], image[:-1, 2:])
    np.testing.assert_array_equal(found[0, :-2], image[0, 2:])  # beyond the border is the border


def test_the_true_flow_moves_a_frame_onto_the_next(clip):
    clip = blurred(clip)
    for number, other in ((10, 9), (9, 10), (12, 8)):
        moved_there = warp(clip.frame(other), clip.flow(number, other))
        away = np.abs(moved_there - clip.frame(number)).mean(axis=-1)
        inside = shrunk(clip.visible(number, other), 2)
        assert inside.mean() > 0.6
        assert away[inside].mean() < 1 / 255 / 2
        assert np.percentile(away[inside], 95) < 1 / 255


def test_what_the_card_uncovers_is_found(clip):
    clip = dataclasses.replace(clip, slide=(-8, 3))
    for number in (9, 10, 11):
        seen = visible(clip.flow(number, number - 1), clip.flow(number - 1, number))
        truth = clip.visible(number, number - 1)
        assert (~truth).mean() > 0.03
        assert overlap(~seen, ~truth) > 0.9


def test_the_estimated_flow_is_near_the_true_one(clip):
    frames = [clip.frame(number) for number in (9, 10)]
    found, back = optical_flow(frames[1], frames[0]), optical_flow(*frames)
    truth = clip.flow(10, 9)
    inside = clip.visible(10, 9)
    away = np.linalg.norm(found - truth, axis=-1)[inside]
    assert np.median(away) < 0.1
    assert np.mean(away) < 0.2 < np.linalg.norm(truth, axis=-1).mean()
    seen = visible(found, back)
    assert overlap(~seen, ~inside) > 0.7
    assert overlap(seen, inside) > 0.98


def test_edges_of_motion_are_those_of_the_card(clip):
    clip = dataclasses.replace(clip, turn=0, zoom=1)
    found = motion_edges(clip.flow(10, 9))
    card = np.uint8(clip.on_card(clip._grid(), 10))
    border = (cv2.dilate(card, np.ones((3, 3))) > 0) & ~shrunk(card, 1)
    np.testing.assert_array_equal(found & ~border, False)
    assert overlap(found, border) > 0.6


def test_a_still_frame_is_followed_everywhere(smooth):
    photo, painted = smooth(48, 64, 0)[0], smooth(48, 64, 1)
    start = warp_frame(photo, StylizedFrame(photo, painted, painted))
    np.testing.assert_array_equal(start.reference.confidence, 1)
    np.testing.assert_allclose(start.reference.image, painted, atol=2e-3)
    assert start.seen.all()


@pytest.mark.parametrize("change", [-0.1, 0.15])
def test_the_reference_grows_lighter_with_the_photo(smooth, change):
    photo, painted = 0.3 + 0.3 * smooth(48, 64, 0)[0], 0.3 + 0.3 * smooth(48, 64, 1)
    start = warp_frame(photo + np.float32(change), StylizedFrame(photo, painted, painted))
    np.testing.assert_allclose(start.reference.image.mean(), painted.mean() + change, atol=0.01)


def test_a_card_drags_no_background_along(clip):
    numbers = [clip.frame(number) for number in (9, 10)]
    start = warp_frame(numbers[1], StylizedFrame(numbers[0], numbers[0][None], numbers[0][None]))
    trusted = start.reference.confidence > 0
    away = np.abs(start.reference.image[0] - numbers[1]).mean(axis=-1)
    assert trusted.mean() > 0.8
    assert away[trusted].mean() < 3 / 255
    assert not trusted[~clip.visible(10, 9)].any() or trusted[~clip.visible(10, 9)].mean() < 0.2


def test_long_term_references_fill_what_the_nearest_does_not_know(pixels):
    photo = pixels(24, 32)[0]

    def start(level, known):
        reference = warp_frame(
            photo, StylizedFrame(photo, np.full((1, 24, 32, 3), level, np.float32), None)
        )
        confidence = np.zeros((24, 32), np.float32)
        confidence[:, known] = 1
        return reference._replace(
            reference=reference.reference._replace(confidence=confidence), seen=confidence > 0
        )

    near, far = start(0.2, slice(0, 5)), start(0.6, slice(3, 8))
    both = combine([near, far])
    np.testing.assert_allclose(both.reference.image[0, :, :5], 0.2, atol=1e-6)
    np.testing.assert_allclose(both.reference.image[0, :, 5:8], 0.6, atol=1e-6)
    np.testing.assert_array_equal(both.reference.confidence[:, :8], 1)
    np.testing.assert_array_equal(both.reference.confidence[:, 8:], 0)
    np.testing.assert_array_equal(both.seen, both.reference.confidence > 0)


def test_the_combined_reference_pulls_as_the_sum_of_terms_does(pixels):
    photo = pixels(24, 32)[0]
    rng = np.random.default_rng(1)
    starts = []
    for level in range(3):
        start = warp_frame(photo, StylizedFrame(photo, pixels(24, 32, level), None))
        confidence = rng.random((24, 32), dtype=np.float32) * 0.6
        starts.append(start._replace(reference=start.reference._replace(confidence=confidence)))
    both = combine(starts).reference
    image = pixels(24, 32, 9)
    known, slope = np.zeros((24, 32)), 0.0
    for start in starts:
        share = np.maximum(start.reference.confidence - known, 0)
        known += share
        slope = slope + 2 * share[None, ..., None] * (image - start.reference.image)
    ours = 2 * both.confidence[None, ..., None] * (image - both.image)
    np.testing.assert_allclose(ours, slope, atol=1e-5)
