import dataclasses

import numpy as np
import pytest

from nst_tf import RECIPES, Settings
from nst_tf.images.masks import Region
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.inputs.reference import Reference
from nst_tf.losses.neighbors import PHOTO_SHARE
from nst_tf.recipes import film_recipe
from nst_tf.transfer.measure import measure
from nst_tf.video.film import paint_frames
from nst_tf.video.frame import FrameInput, PaintedFrame, StylizedFrame
from nst_tf.video.painter import (
    FramePainter,
    _soft_towards_new,
    follow_up_settings,
    layout_settings,
)
from nst_tf.video.reference import WarpedFrame, transfer_local_colors, warp_frame
from nst_tf.video.store import FrameStore
from tests.conftest import ROOT
from tests.video.clips import moving

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
    later = follow_up_settings(ramp, 5)
    assert (later.finest_steps, later.scales) == (5, 1)
    assert (later.content_weight, later.style_weight) == pytest.approx((31.5, 1e-2))


def test_new_parts_are_laid_out_at_the_coarse_scales_of_the_recipe():
    settings = film_recipe("fast")
    photo = np.zeros((1, 192, 256, 3), np.float32)
    *coarse, finest = prepare_inputs(photo, photo, settings).scales
    layout = prepare_inputs(photo, photo, layout_settings(settings, coarse))
    assert [scale[2:4] for scale in layout.scales] == [scale[2:4] for scale in coarse]
    assert layout.size == finest.size == (192, 256)
    assert layout.settings.repaints


def test_the_page_of_films_names_the_moved_frames_share_of_the_query():
    page = (ROOT / "docs" / "video.md").read_text(encoding="utf-8")
    assert f"{1 - PHOTO_SHARE:g} of the moved frame in the query" in " ".join(page.split())


def test_a_frame_depends_on_those_before_it_alone(painter):
    frames = [FrameInput(np.float32(frame) / 255) for frame in moving(3)]
    whole = list(paint_frames(painter, frames))
    again = list(paint_frames(painter, frames[2:], whole[1]))
    np.testing.assert_array_equal(again[0][0].image, whole[2][0].image)
    assert [len(past) for past in whole] == [1, 1, 1]


def test_nothing_is_painted_where_nothing_is_to_be(painter):
    photo = np.float32(moving(1)[0]) / 255
    ((painted,),) = paint_frames(painter, [FrameInput(photo, None)])
    np.testing.assert_array_equal(painted.result[0], photo)


def away(past, photo):
    """Return how far each column of a painted frame is from the film's own."""
    return np.abs(past[0].result[0] - photo).mean(axis=(0, 2))


def white_to(column, size=(48, 64)):
    mask = np.zeros(size, np.float32)
    mask[:, :column] = 1
    return [Region(mask)]


@pytest.mark.parametrize(
    "regions",
    [
        pytest.param([None, ()], id="a mask that was black"),
        pytest.param([white_to(24), white_to(64)], id="a mask that grows"),
        pytest.param([white_to(24), [Region(1 - white_to(24)[0].content)]], id="a mask that jumps"),
    ],
)
def test_what_a_mask_uncovers_is_painted(smooth, painter, regions):
    photo = smooth(48, 64, 0)[0]
    before, after = paint_frames(painter, [FrameInput(photo, shown) for shown in regions])
    (whole,) = paint_frames(painter, [FrameInput(photo)])
    assert away(before, photo)[32:].max() == 0
    uncovered = slice(32, 64)  # at once as much as in a frame without a mask
    assert away(after, photo)[uncovered].mean() > 0.7 * away(whole, photo)[uncovered].mean()


def test_what_masks_cover_survives_a_stop(smooth, painter, tmp_path):
    frames = [FrameInput(smooth(48, 64, 0)[0], white_to(width)) for width in (24, 24, 48)]
    *_, before, after = paint_frames(painter, frames)
    kept, again = FrameStore(tmp_path / "frames"), FrameStore(tmp_path / "frames")
    kept.begin()
    kept.keep(PaintedFrame(0, before[0], None, before), [0], {})
    kept.add(PaintedFrame(0, before[0]), [0])
    again.load({})
    ((resumed, *_),) = paint_frames(painter, frames[2:], again.begun.keys)
    np.testing.assert_array_equal(resumed.image, after[0].image)


def test_what_a_pan_uncovers_has_the_style_at_once(smooth, monkeypatch):
    """Compare the style of a key's new part with and without a layout at coarse scales."""
    settings = dataclasses.replace(
        SETTINGS, scales=2, min_dim=16, steps_per_epoch=4, coarse_steps=4
    )
    painting = smooth(48, 64, 9) * np.float32([1, 0.3, 0.1])
    panorama, right = np.float32(moving(1, (48, 84))[0]) / 255, slice(44, 64)
    photos = [panorama[:, :64], np.ascontiguousarray(panorama[:, 20:])]

    def style():
        painter = FramePainter([painting], settings, steps=1)
        _, (key,) = paint_frames(painter, map(FrameInput, photos))
        part = key.result[:, :, right]
        return measure(part, photos[1][None, :, right], painting, SETTINGS)["style"]

    laid_out = style()
    monkeypatch.setattr("nst_tf.video.painter.MAX_NEW", 1.0)
    assert laid_out < 0.8 * style()


def test_brushstrokes_stay_on_things_and_new_parts_get_some(smooth):
    painter = FramePainter([smooth(32, 48, 9)], dataclasses.replace(SETTINGS, repaint=True))
    photo = smooth(48, 64, 0)[0]
    frames = [FrameInput(photo, shown) for shown in (white_to(40), ())]
    (first,), (second,) = paint_frames(painter, frames)
    np.testing.assert_allclose(second.image[:, :, :36], first.image[:, :, :36], atol=1e-3)
    assert away([second], photo)[44:].mean() > 0.05
    np.testing.assert_array_equal(second.result, second.image)


@pytest.mark.filterwarnings("ignore:the loss is no longer finite")
@pytest.mark.parametrize("style_weight", [1e39, (1.0, 1e39)])
def test_a_frame_that_goes_astray_keeps_the_runs_own_colours(smooth, style_weight):
    settings = dataclasses.replace(
        SETTINGS, preserve_color="luminance", style_weight=style_weight, epochs=3, steps_per_epoch=1
    )
    painter = FramePainter([smooth(32, 48, 9)], settings)
    with pytest.warns(UserWarning, match="a frame keeps its best picture: the loss is no longer"):
        painted = painter.paint(FrameInput(smooth(48, 64, 0)[0]))
    assert np.ptp(painted.image, axis=-1).max() < 0.05  # the run begins with grey
    assert np.ptp(painted.result, axis=-1).max() > 0.3


def test_a_frame_that_is_stopped_is_none(painter):
    photo = np.float32(moving(1)[0]) / 255
    answers = iter([False, True])
    assert painter.paint(FrameInput(photo), (), lambda: next(answers)) is None
    assert list(paint_frames(painter, [FrameInput(photo)], (), lambda: True)) == []


def test_uncovered_parts_have_the_colours_of_the_paint_around(smooth):
    photo = smooth(48, 64, 0)[0]
    matrix = np.float32([[0.2, 0.5, 0.1], [0.1, 0.3, 0.2], [0.4, 0, 0.3]])
    painted = photo @ matrix + 0.1
    known = np.ones((48, 64), bool)
    known[10:30, 20:40] = False
    found = transfer_local_colors(photo, np.where(known[..., None], painted, 0), known)
    assert np.abs(found - painted)[~known].mean() < 0.02
    nothing = transfer_local_colors(photo, painted, np.zeros_like(known))
    assert np.isfinite(nothing).all()


def test_the_noise_of_a_camera_is_no_motion(make_clip):
    clip = make_clip.sample_clip(128, noise=3, travel=(0, 0), turn=0, zoom=1, slide=(0, 0))
    one, other = clip.frame(3), clip.frame(4)
    start = warp_frame(other, StylizedFrame(one, one[None], one[None]))
    assert start.seen.mean() > 0.95


def test_kept_paint_fades_towards_a_new_part(pixels):
    seen = np.ones((60, 128), bool)
    seen[:, 100:] = False
    seen[30, 20] = False  # too small to have a border of its own
    reference = Reference(pixels(60, 128), seen.astype(np.float32))
    start = _soft_towards_new(WarpedFrame(reference, seen), np.ones_like(seen))
    confidence = start.reference.confidence
    np.testing.assert_array_equal(confidence[:, 100:], 0)
    np.testing.assert_allclose(confidence[:20, 97:100], [[1, 1, 0.5]] * 20, atol=0.05)
    np.testing.assert_array_equal(confidence[:, :97], seen[:, :97])
    whole = _soft_towards_new(WarpedFrame(reference, seen), seen)
    np.testing.assert_array_equal(whole.reference.confidence, seen)
