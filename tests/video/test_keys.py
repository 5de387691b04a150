"""The plan of keys, on frames whose motion is known."""

import itertools

import numpy as np
import pytest

from nst_tf.images.masks import Region
from nst_tf.video.frame import FrameInput, StylizedFrame
from nst_tf.video.keys import MAX_HIDDEN, plan_keys
from tests.video.clips import moving


def inputs(frames):
    """Return uint8 frames as a painter's inputs."""
    return [FrameInput(np.float32(frame) / 255) for frame in frames]


def planned(segments):
    """Return the numbers of each segment's key and of the frames between."""
    return [
        (segment.key and segment.key.number, [shot.number for shot in segment.between])
        for segment in segments
    ]


def keys_of(segments):
    return [number for number, _ in planned(segments)]


@pytest.fixture
def pan(make_clip):
    """Return a picture that moves by a pixel a frame."""
    clip = make_clip.sample_clip(96, travel=(1, 0), turn=0, zoom=1, slide=(-1, 0))
    return [FrameInput(np.float32(clip.frame(number))) for number in range(9)]


@pytest.fixture
def noise():
    """Return frames of the same colours that have nothing else in common."""
    random = np.random.default_rng(0)
    return inputs(random.integers(0, 255, (4, 48, 64, 3), np.uint8))


def test_every_nth_frame_and_the_last_are_keys(pan):
    assert planned(plan_keys(pan, 4)) == [(0, []), (4, [1, 2, 3]), (8, [5, 6, 7])]
    assert planned(plan_keys(pan[:7], 4)) == [(0, []), (4, [1, 2, 3]), (6, [5])]
    assert planned(plan_keys(pan[:1], 4)) == [(0, [])]
    assert planned(plan_keys(pan[:3], 1)) == [(0, []), (1, []), (2, [])]


def test_keyframes_of_the_user_are_keys(pan):
    assert planned(plan_keys(pan, 4, {3})) == [(0, []), (3, [1, 2]), (7, [4, 5, 6]), (8, [])]


def test_the_plan_continues_after_any_key(pan):
    photo = pan[3].photo
    key = StylizedFrame(photo, photo[None], photo[None])
    rest = plan_keys(pan[4:], 3, before=key, first=4)
    assert planned(rest) == planned(plan_keys(pan, 3))[2:]


def test_a_scene_ends_with_a_key(pan):
    other = inputs(255 - frame for frame in moving(4, (72, 96), seed=7))
    segments = list(plan_keys([*pan[:4], *other], 12))
    assert planned(segments) == [(0, []), (3, [1, 2]), (4, []), (7, [5, 6])]
    assert [segment.begins for segment in segments] == [True, False, True, False]


def test_no_more_frames_are_read_than_needed(pan):
    read = []

    def endless():
        for number in itertools.count():
            read.append(number)
            yield pan[0]

    plan = plan_keys(endless(), 4)
    for key in (0, 4, 8, 12):
        assert next(plan).key.number == key
        assert len(read) == key + 1


def test_frames_without_a_flow_are_keys(noise):
    assert keys_of(plan_keys(noise, 12)) == [0, 1, 2, 3]


def test_a_frame_that_shows_what_no_key_does_is_a_key(pan):
    still = [pan[0].photo.copy() for _ in range(7)]
    still[3][16:40, 30:60] = np.random.default_rng(0).random((24, 30, 3))
    assert 24 * 30 / still[0][..., 0].size > MAX_HIDDEN
    assert 3 in keys_of(plan_keys(map(FrameInput, still), 6))
    assert keys_of(plan_keys(map(FrameInput, [still[0]] * 7), 6)) == [0, 6]


def test_a_mask_that_jumps_needs_a_key(pan):
    white = np.zeros((72, 96), np.float32)
    white[:, :40] = 1
    masks = [white, white, white, white[:, ::-1], white[:, ::-1]]
    frames = [FrameInput(pan[0].photo, [Region(mask)]) for mask in masks]
    assert planned(plan_keys(frames, 12)) == [(0, []), (2, [1]), (3, []), (4, [])]
    nothing = [FrameInput(pan[0].photo, None)] * 3
    assert planned(plan_keys(nothing, 2)) == [(0, []), (2, [1])]


def test_uniform_frames_are_never_keys(pan):
    black = FrameInput(np.zeros_like(pan[0].photo))
    film = [*pan[:3], black, black, *pan[3:5]]
    assert planned(plan_keys(film, 4)) == [(0, []), (2, [1]), (None, [3]), (None, [4]), (6, [5])]
    assert planned(plan_keys(film, 1))[3:5] == [(None, [3]), (None, [4])]
    assert [s.begins for s in plan_keys([black, *pan[:2]], 4)] == [True, True, False]
