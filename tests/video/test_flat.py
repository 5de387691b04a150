import dataclasses

import cv2
import numpy as np
import pytest

from nst_tf.video.flat import camera_flow, complete_flow, confidence, spread
from nst_tf.video.flow import Track, alike, estimate_motion, kept_inside, optical_flow


def away(found, clip, number, other):
    """Return how far a flow is from the true one where it can be known, pixels."""
    error = np.linalg.norm(found - clip.flow(number, other), axis=-1)
    return error[clip.visible(number, other)]


def flat_sky(make_clip, **motion):
    """Return a clip of which most is flat, with a camera's noise."""
    clip = make_clip.sample_clip(128, noise=2, turn=0, **motion)
    flat = cv2.GaussianBlur(clip.background, (0, 0), 1)
    flat[:, : flat.shape[1] // 2] = (0.6, 0.7, 0.8)
    return dataclasses.replace(clip, background=flat)


def test_a_flat_part_moves_like_the_camera(make_clip):
    clip = flat_sky(make_clip, travel=(2, 1), zoom=1.01, slide=(99, 0))
    frames = [clip.frame(number) for number in (8, 9)]
    found = optical_flow(frames[1], frames[0])
    completed = complete_flow(found, frames[1])
    assert np.quantile(away(completed, clip, 9, 8), 0.9) < 0.35
    assert np.quantile(away(found, clip, 9, 8), 0.9) > 0.5


def test_a_still_flat_part_stays(make_clip):
    clip = flat_sky(make_clip, travel=(0, 0), zoom=1, slide=(0, 0))
    motion = estimate_motion(clip.frame(1), clip.frame(0))
    assert np.abs(motion.flow).max() < 0.2
    assert motion.seen.all()


def test_a_frame_without_texture_has_no_camera_to_follow(pixels):
    flow = np.random.default_rng(0).standard_normal((40, 60, 2)).astype(np.float32)
    np.testing.assert_array_equal(complete_flow(flow, np.full((40, 60, 3), 0.4, np.float32)), 0)


def test_the_motion_of_a_camera_is_found_in_spite_of_things_that_move():
    rows, columns = np.mgrid[:60, :80].astype(np.float32)
    true = np.stack([0.02 * columns - 0.01 * rows + 1.5, 0.01 * columns + 0.02 * rows - 2], axis=-1)
    flow = true.copy()
    flow[20:40, 30:60] += (5, 3)
    found = camera_flow(flow, np.ones((60, 80), np.float32))
    np.testing.assert_allclose(found, true, atol=0.01)


def test_a_thing_and_a_background_are_not_one_motion(make_clip):
    clip = make_clip.sample_clip(
        256, noise=2, ratio=9 / 16, travel=(0, 0), turn=0, zoom=1, slide=(-2.5, 0.7)
    )
    frames = [clip.frame(number) for number in (0, 1)]
    completed = complete_flow(optical_flow(*frames), frames[0])
    behind = ~clip.on_card(clip._grid(), 0)
    error = np.linalg.norm(completed - clip.flow(0, 1), axis=-1)
    assert np.quantile(error[behind], 0.9) < 0.6


def test_three_pixels_beside_a_thing_there_is_no_confidence():
    frame = np.full((60, 80, 3), 0.5, np.float32)
    frame[15:45, 20:60] = np.random.default_rng(0).random((30, 40, 3))
    sure = confidence(cv2.GaussianBlur(frame, (0, 0), 1.0))
    assert sure[30, 40] > 0.9
    outside = np.ones(sure.shape, bool)
    outside[12:48, 17:63] = False
    assert sure[outside].max() < 0.1


def test_a_blur_stays_within_edges():
    guide = np.zeros((30, 40, 3), np.float32)
    guide[:, 20:] = 1
    planes = np.zeros((30, 40, 1), np.float32)
    planes[:, 20:] = 1
    np.testing.assert_allclose(spread(planes, guide, 30, 0.05), planes, atol=1e-3)
    mixed = spread(planes, 0 * guide, 30, 0.05)
    assert mixed[15, 10, 0] > 0.1
    np.testing.assert_allclose(spread(1 + 0 * planes, guide, 30, 0.05), 1, rtol=1e-5)


def test_a_flash_of_texture_is_not_seen_in_the_frame_before(smooth):
    before, after = (smooth(60, 80, 1)[0] for _ in range(2))
    after[20:40, 30:60] = np.random.default_rng(0).random((20, 30, 3))
    motion = estimate_motion(after, before)
    assert not motion.seen[24:36, 34:56].any()
    assert motion.seen[:, :20].all()


@pytest.mark.parametrize("change", [(0.5, 0.0), (1.0, 0.3), (0.6, 0.3)])
def test_light_does_not_count(smooth, change):
    frame, (contrast, light) = 0.6 * smooth(60, 80, 1)[0], change
    assert alike(frame, contrast * frame + light).all()
    assert not alike(frame, 0.6 - contrast * frame).all()


def test_what_is_within_the_inaccuracy_outside_is_on_the_border():
    flow = np.zeros((6, 8, 2), np.float32)
    flow[:, 0, 0], flow[2, :, 1], flow[-1, :, 1] = -0.05, -0.5, 0.05
    kept = kept_inside(flow)
    assert (kept[:, 0, 0] == 0).all()
    assert (kept[-1, :, 1] == 0).all()
    flow[:, 0, 0], flow[-1, :, 1] = 0, 0
    np.testing.assert_array_equal(kept, flow)


@pytest.mark.parametrize("last", [10, 14])
def test_a_thing_is_followed_over_a_dozen_frames(make_clip, last):
    clip = make_clip.sample_clip(
        160, background="astronaut.jpg", travel=(0, 0), turn=0, zoom=1, slide=(-2.5, 0.5)
    )
    track = Track(clip.frame(0))
    for number in range(1, last + 1):
        motion = track.motion(clip.frame(number), number)
    card = clip.on_card(clip._grid(), last) & clip.visible(last, 0)
    directly = estimate_motion(clip.frame(last), clip.frame(0))
    error, other = (
        np.linalg.norm(found.flow - clip.flow(last, 0), axis=-1)[card]
        for found in (motion, directly)
    )
    assert np.median(error) < 0.5
    assert np.mean(error) < np.mean(other) / 2
    assert (motion.seen & card).sum() > 0.7 * card.sum()
