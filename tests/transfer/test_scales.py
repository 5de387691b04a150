"""The image with which a finer scale starts: enlarged with brushstrokes, or only resized."""

import dataclasses
import itertools

import numpy as np
import pytest

from nst_tf import Region, Settings, load_image, stylize
from nst_tf.images.faces import Face
from nst_tf.images.masks import compose
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import prepare_inputs
from nst_tf.inputs.start import upsample_start
from nst_tf.synthesis.repaint import Strokes
from nst_tf.transfer import strokes
from nst_tf.transfer.run import StyleTransfer
from tests.conftest import ASSETS, BLUE, RED, flat

SCALES = Settings(
    epochs=1,
    steps_per_epoch=1,
    scales=2,
    min_dim=16,
    content_layers=["block2_conv2"],
    style_layers=["block1_conv1", "block2_conv1"],
    optimizer="lbfgs",
    loss="relative",
    repaint=True,
)


@pytest.fixture(autouse=True)
def pure_paint(monkeypatch):
    """Let scales start with nothing but paint."""
    monkeypatch.setattr(strokes, "BETWEEN", Strokes(detail=0.0))


def starts(photo, styles, settings, regions=()):
    """Return the last image of the first scale, and the image with which the second one starts."""
    transfer = StyleTransfer(prepare_inputs(photo, styles, settings, regions))
    states = [progress.state for progress in transfer.steps() if not progress.level]
    coarse, fine = next(pair for pair in itertools.pairwise(states) if pair[1].scale == 2)
    return coarse.image.numpy(), fine.start.numpy()


def test_without_the_second_stage_a_scale_starts_from_the_resized_image(smooth):
    photo = smooth(24, 32, seed=3)
    settings = dataclasses.replace(SCALES, repaint=False)
    coarse, start = starts(photo, flat(RED, 24, 32), settings)
    np.testing.assert_array_equal(start, resize(coarse, (24, 32)))


def test_with_it_a_scale_starts_in_the_paint_of_the_painting(smooth):
    coarse, start = starts(smooth(24, 32, seed=3), flat(RED, 24, 32), SCALES)
    assert np.abs(coarse - np.float32(RED)).max() > 0.05
    np.testing.assert_allclose(start, flat(RED, 24, 32), atol=1e-6)


def test_each_region_starts_in_its_own_paint(smooth):
    left = np.zeros((24, 32), np.float32)
    left[:, :16] = 1
    regions = [Region(left, {0: None}), Region(1 - left, {1: None})]
    _, start = starts(
        smooth(24, 32, seed=3), [flat(RED, 24, 32), flat(BLUE, 24, 32)], SCALES, regions
    )
    np.testing.assert_allclose(start[:, :, :14], flat(RED, 24, 14), atol=1e-5)
    np.testing.assert_allclose(start[:, :, 18:], flat(BLUE, 24, 14), atol=1e-5)


@pytest.mark.parametrize("strength", [0.25, 0.75])
def test_less_strength_mixes_the_paint_with_the_resized_image(smooth, strength):
    photo = smooth(24, 32, seed=3)
    settings = dataclasses.replace(SCALES, strength=strength)
    coarse, start = starts(photo, flat(RED, 24, 32), settings)
    plain = upsample_start(coarse, resize(photo, (12, 16)), photo, strength)
    np.testing.assert_allclose(start, compose(flat(RED, 24, 32), plain, strength), atol=1e-6)


def test_a_face_that_was_too_narrow_before_starts_from_the_photo(smooth):
    photo = smooth(24, 32, seed=3)
    points = ((12.0, 8.0), (17.0, 8.0), (14.0, 11.0), (12.0, 14.0), (17.0, 14.0))
    face = Face((8.0, 4.0, 20.0, 18.0), points, 1.0)
    inputs = prepare_inputs(photo, flat(RED, 24, 32), SCALES, faces=[face])
    mask = inputs.new_faces((12, 16), (24, 32))
    states = [progress.state for progress in StyleTransfer(inputs).steps()]
    start = next(state.start for state in states if state.scale == 2).numpy()
    apart = np.abs(start - photo).max(axis=-1)[0]
    assert apart[mask == 1].max() < 1e-6
    assert np.median(apart[mask == 0]) > 0.05


def test_a_scale_starts_nearer_to_its_objective():
    photo, painting = (load_image(ASSETS / name, 64) for name in ("temple.jpg", "great_wave.jpg"))

    def first_loss(repaint):
        steps = []
        stylize(
            photo, painting, "fast", max_dim=64, min_dim=32, steps_per_epoch=2, coarse_steps=4,
            repaint=repaint, callbacks=[steps.append],
        )  # fmt: skip
        finest = [step for step in steps if not step.level and step.scale.size == (43, 64)]
        return finest[0].losses["total"]

    assert first_loss(repaint=True) < 0.9 * first_loss(repaint=False)
