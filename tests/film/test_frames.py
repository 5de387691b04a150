import dataclasses

import numpy as np
import pytest

from nst_tf import RECIPES, Settings
from nst_tf.film.frames import FramePainter, later_settings, paint_frames
from nst_tf.film.reference import moved, repainted
from nst_tf.film.shot import Painted, Shot
from tests.film.clips import moving

SETTINGS = Settings(
    loss="relative", optimizer="lbfgs", content_weight=0.1, style_weight=1,
    total_variation_weight=0.05, temporal_weight=300, content_layers=["block2_conv2"],
    style_layers=["block1_conv1"], epochs=1, steps_per_epoch=3, max_dim=0, style_scale=0,
)  # fmt: skip


@pytest.fixture
def painter(smooth):
    return FramePainter([smooth(32, 48, 9)], SETTINGS)


def test_later_frames_take_few_steps_at_full_size():
    ramp = dataclasses.replace(RECIPES["two-phase"], scales=3)
    later = later_settings(ramp, 5)
    assert (later.finest_steps, later.scales) == (5, 1)
    assert (later.content_weight, later.style_weight) == pytest.approx((31.5, 1e-2))


def test_a_frame_depends_on_those_before_it_alone(painter):
    shots = [Shot(np.float32(frame) / 255) for frame in moving(3)]
    whole = list(paint_frames(painter, shots))
    again = list(paint_frames(painter, shots[2:], whole[1]))
    np.testing.assert_array_equal(again[0][0].image, whole[2][0].image)
    assert [len(past) for past in whole] == [1, 1, 1]


def test_nothing_is_painted_where_nothing_is_to_be(painter):
    photo = np.float32(moving(1)[0]) / 255
    ((painted,),) = paint_frames(painter, [Shot(photo, None)])
    np.testing.assert_array_equal(painted.result[0], photo)


def test_a_frame_that_is_stopped_is_none(painter):
    photo = np.float32(moving(1)[0]) / 255
    answers = iter([False, True])
    assert painter.paint(Shot(photo), (), lambda: next(answers)) is None
    assert list(paint_frames(painter, [Shot(photo)], (), lambda: True)) == []


def test_uncovered_parts_have_the_colours_of_the_paint_around(smooth):
    photo = smooth(48, 64, 0)[0]
    matrix = np.float32([[0.2, 0.5, 0.1], [0.1, 0.3, 0.2], [0.4, 0, 0.3]])
    painted = photo @ matrix + 0.1
    known = np.ones((48, 64), bool)
    known[10:30, 20:40] = False
    found = repainted(photo, np.where(known[..., None], painted, 0), known)
    assert np.abs(found - painted)[~known].mean() < 0.02
    nothing = repainted(photo, painted, np.zeros_like(known))
    assert np.isfinite(nothing).all()


def test_the_noise_of_a_camera_is_no_motion(make_clip):
    clip = make_clip.sample_clip(128, noise=3, travel=(0, 0), turn=0, zoom=1, slide=(0, 0))
    one, other = clip.frame(3), clip.frame(4)
    start = moved(other, Painted(one, one[None], one[None]))
    assert start.seen.mean() > 0.95
