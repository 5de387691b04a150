import itertools

import numpy as np
import pytest
from PIL import Image

from nst_tf.video.cuts import color_change, is_cut, is_uniform, motion_residual, scenes
from tests.conftest import ASSETS

PICTURES = ("temple", "cat", "coffee", "astronaut", "summertime", "auvers", "great_wave")


def picture(name):
    with Image.open(ASSETS / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB").resize((128, 96)), np.float32) / 255


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(PICTURES, 2)))
def test_other_pictures_are_cuts(one, other):
    assert is_cut(picture(one), picture(other))


def test_cuts_are_found_where_they_are(make_clip):
    first, second, third = (
        make_clip.sample_clip(96, noise=3, background=f"{name}.jpg", card=f"{card}.jpg")
        for name, card in (("temple", "cat"), ("coffee", "astronaut"), ("summertime", "cat"))
    )
    frames = [
        *(first.frame(number) for number in range(7)),
        *(second.frame(number) for number in range(5)),
        third.frame(4),
        *(first.frame(number) for number in range(6)),
    ]
    assert list(scenes(frames)) == [0, 7, 12, 13]


def test_motion_is_no_cut(make_clip):
    clip = make_clip.sample_clip(96, noise=3, travel=(7, 3), turn=3, slide=(-9, 5))
    assert list(scenes(clip.frame(number) for number in range(8))) == [0]


def test_fades_and_noise_are_no_cuts(clip):
    frame = clip.frame(8)
    faded = [frame * level for level in np.linspace(1, 0.02, 12)]
    assert list(scenes(faded)) == [0]
    assert not is_cut(frame, np.clip(frame * 1.4, 0, 1))


def test_the_figures_of_equal_frames_are_zero(clip):
    frame = clip.frame(3)
    assert color_change(frame, frame) == pytest.approx(0, abs=1e-4)
    assert motion_residual(frame, frame) == pytest.approx(0, abs=1e-3)
    assert color_change(frame, 0 * frame) > 0.8


@pytest.mark.parametrize("steps", [1, 3, 6, 12])
@pytest.mark.parametrize("color", [0.0, 1.0])
def test_a_fade_and_back_is_not_a_cut(make_clip, steps, color):
    """Compare fades of several lengths, in a film with a camera's noise."""
    clip = make_clip.sample_clip(96, noise=2)
    levels = [*np.linspace(1, 0, steps + 1), 0, 0, *np.linspace(0, 1, steps + 1)]
    noise = np.random.default_rng(0)
    frames = [clip.frame(8)]
    for number, level in enumerate(levels, 9):
        faded = color + level * (clip.frame(number) - color)
        frames.append(np.clip(faded + 0.006 * noise.standard_normal(faded.shape), 0, 1))
    assert list(scenes(np.float32(frame) for frame in frames)) == [0]


def test_black_between_two_scenes_belongs_to_the_first(clip, make_clip):
    other = make_clip.sample_clip(96, background="coffee.jpg", card="astronaut.jpg")
    black = np.zeros_like(clip.frame(0))
    frames = [black, black, clip.frame(0), clip.frame(1), black, black, other.frame(0)]
    assert list(scenes(frames)) == [0, 2, 6]


def test_dark_scenes_are_not_uniform(clip):
    assert not is_uniform(0.05 * clip.frame(0))
    assert is_uniform(0.002 * clip.frame(0))
