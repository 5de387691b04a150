"""Frames between keys, whose motion is known."""

import numpy as np
import pytest

from nst_tf.video.carry import Held, carry_paint
from nst_tf.video.flow import estimate_motion
from nst_tf.video.frame import StylizedFrame
from tests.video.clips import moving

FRAMES = [np.float32(frame) / 255 for frame in moving(5, (64, 96))]
INNER = (slice(6, -6), slice(6, -6))


def painted(photo):
    """Return the frame with its colours reversed, which stands for paint."""
    return StylizedFrame(photo, 1 - photo[None], 1 - photo[None])


def held(number, key, nearness, seen=None):
    motion = estimate_motion(FRAMES[number], FRAMES[key])
    if seen is not None:
        motion = motion._replace(seen=motion.seen & seen, steady=motion.steady & seen)
    return Held(painted(FRAMES[key]), motion, nearness)


def carried(number, *keys, covered=None):
    photo = FRAMES[number]
    return carry_paint(photo, photo[None], covered, keys)[0]


def test_paint_moves_with_what_it_is_on():
    found = carried(2, held(2, 0, 0.5), held(2, 4, 0.5))
    stays = 1 - FRAMES[0]
    truth = 1 - FRAMES[2]
    assert np.abs(found - truth)[INNER].mean() < 0.1 * np.abs(stays - truth)[INNER].mean()


@pytest.mark.parametrize("nearness", [0.0, 0.25, 1.0])
def test_the_nearer_key_counts_more(nearness):
    photo = FRAMES[0]
    motion = estimate_motion(photo, photo)
    dark, light = (
        Held(StylizedFrame(photo, image, image), motion, share)
        for image, share in (
            (np.full_like(photo[None], 0.2), 1 - nearness),
            (np.full_like(photo[None], 0.6), nearness),
        )
    )
    np.testing.assert_allclose(carried(0, dark, light), 0.2 + 0.4 * nearness, atol=1e-5)


def test_what_one_key_does_not_show_follows_the_other():
    left = np.zeros((64, 96), bool)
    left[:, :48] = True
    found = carried(2, held(2, 0, 0.5, left), held(2, 4, 0.5))
    only = carried(2, held(2, 4, 0.5))
    assert np.abs(found - only)[:, 48:].mean() < 0.1 * np.abs(found - only)[:, :48].mean()


@pytest.mark.parametrize("side", [128, 48, 41])
def test_what_no_key_shows_has_the_colours_of_its_surroundings(monkeypatch, side):
    monkeypatch.setattr("nst_tf.video.carry.COLOR_SIDE", side)
    shown = np.ones((64, 96), bool)
    shown[20:40, 30:60] = False
    found = carried(2, held(2, 0, 0.5, shown), held(2, 4, 0.5, shown))
    assert np.abs(found - (1 - FRAMES[2]))[~shown].mean() < 0.03
