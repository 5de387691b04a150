"""Films that are painted, stopped and continued, with a painter that needs no network."""

import json

import numpy as np
import pytest
from PIL import Image

from nst_tf.utils.errors import UserError
from nst_tf.video.carry import carry_paint
from nst_tf.video.film import paint_film, store_frames
from nst_tf.video.frame import FrameInput, StylizedFrame
from nst_tf.video.keyframes import NO_KEYFRAMES, Keyframes, KeyPlan, load_keyframes
from nst_tf.video.store import FrameStore
from tests.video.clips import moving

SIZE = (32, 48)


class Brightener:
    """A painter whose keys depend on the key before and on how often it has painted."""

    lags = (1,)

    def __init__(self):
        self.painted = []

    def paint(self, frame, past, stop, apart, motion):
        self.painted.append(apart)
        before = past[0].image if past else 0 * frame.photo[None]
        image = np.clip(0.5 * before + 0.4 * frame.photo[None] + 0.01, 0, 1).astype(np.float32)
        return StylizedFrame(frame.photo, image, image, frame.covered)

    def take(self, frame, picture, past, apart):
        return StylizedFrame(frame.photo, picture, picture, frame.covered)

    def carry(self, frame, keys):
        image = carry_paint(frame.photo, frame.photo[None], frame.covered, keys)
        return StylizedFrame(frame.photo, image, image, frame.covered)


@pytest.fixture
def frames():
    """Return eight frames and a ninth that begins another scene."""
    black = np.zeros((*SIZE, 3), np.uint8)
    film = [*moving(7, SIZE), black, *(255 - frame for frame in moving(1, SIZE, seed=7))]
    return [FrameInput(np.float32(frame) / 255) for frame in film]


def filled(number, value):
    return Keyframes({number: np.full((*SIZE, 3), value, np.uint8)})


def run(directory, frames, own=NO_KEYFRAMES, yields=-1, key_every=3):
    """Paint frames into a directory up to a number of them; return painter and store."""
    store, painter = FrameStore(directory), Brightener()
    plan = KeyPlan(key_every, own, len(frames))
    if store.exist:
        store.load({"film": 1}, plan)
    else:
        store.begin()
    timed = ((40 * n, frames[n]) for n in range(store.begun.first, len(frames)))
    steps = store_frames(painter, timed, store, {"film": 1}, lambda: False, plan)
    while yields and next(steps, steps) is not steps:
        yields -= 1
    return painter, store


def pictures(store):
    return [(frame.pts, frame.pixels.tolist()) for frame in store]


@pytest.mark.parametrize("key_every", [1, 3, 12])
def test_a_film_is_the_same_after_a_stop_at_any_frame(frames, tmp_path, key_every):
    _, whole = run(tmp_path / "whole", frames, key_every=key_every)
    assert len(whole) == len(whole.times) == 9
    for yields in range(1, 9):
        _, stopped = run(tmp_path / f"{yields}", frames, yields=yields, key_every=key_every)
        assert stopped.painted == yields
        assert pictures(stopped) == pictures(whole)[: len(stopped)]
        painter, resumed = run(tmp_path / f"{yields}", frames, key_every=key_every)
        assert pictures(resumed) == pictures(whole)
        assert len(painter.painted) < len(Brightener().painted) + 9


def test_a_stored_key_is_not_painted_twice(frames, tmp_path):
    painter, store = run(tmp_path / "film", frames, yields=2)
    assert (len(store), store.painted, painter.painted) == (1, 2, [1, 3])
    assert Image.open(tmp_path / "film" / "frame-000004.png").size == SIZE[::-1]
    painter, _ = run(tmp_path / "film", frames)
    assert painter.painted == [3, 2]


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        pytest.param(filled(5, 40), filled(5, 90), [1, 2], id="replaced"),
        pytest.param(filled(5, 40), NO_KEYFRAMES, [3, 2], id="left out"),
        pytest.param(NO_KEYFRAMES, filled(2, 90), [3, 1, 2], id="added"),
        pytest.param(filled(5, 40), filled(5, 40), [], id="the same"),
    ],
)
def test_only_what_depends_on_a_keyframe_is_painted_again(
    frames, tmp_path, monkeypatch, before, after, again
):
    monkeypatch.setattr("nst_tf.video.store.KEPT_EVERY", 1)
    run(tmp_path / "film", frames, before)
    _, whole = run(tmp_path / "whole", frames, after)
    painter, store = run(tmp_path / "film", frames, after)
    assert pictures(store) == pictures(whole)
    assert painter.painted == again
    for number in after:
        assert store.times[number] == 40 * number
        assert np.unique(np.float32(list(store)[number].pixels)) == [90 if again else 40]


@pytest.mark.parametrize("count", [2, 3, 5, 6])
def test_a_preview_can_be_continued_to_any_length(frames, tmp_path, count):
    run(tmp_path / "film", frames[:count])
    _, continued = run(tmp_path / "film", frames[:7])
    _, whole = run(tmp_path / "whole", frames[:7])
    assert pictures(continued) == pictures(whole)


def test_the_files_of_earlier_keys_are_few(frames, tmp_path):
    run(tmp_path / "film", frames, key_every=1)
    names = sorted(path.name for path in (tmp_path / "film").glob("state*"))
    assert names == ["state-000001.npz", "state-000009.npz"]


def test_a_missing_frame_is_named(frames, tmp_path):
    _, store = run(tmp_path / "film", frames)
    (tmp_path / "film" / "frame-000002.png").unlink()
    with pytest.raises(UserError, match=r"frame-000002\.png is missing: delete"):
        store.load({"film": 1}, KeyPlan(total=9))


def test_frames_of_another_version_are_left_as_they_are(frames, tmp_path):
    _, store = run(tmp_path / "film", frames)
    for path in (tmp_path / "film").glob("state-*.npz"):
        with np.load(path) as file:
            state = dict(file)
        record = json.loads(str(state["record"])) | {"format": "nst_tf frames 4"}
        np.savez(path, **state | {"record": json.dumps(record)})
    with pytest.raises(UserError, match=r"frames of another version .* add --overwrite"):
        store.load({"film": 1}, KeyPlan(total=9))
    assert store.count() == 9


def test_a_film_of_one_frame_and_one_without_motion(frames):
    (one,) = paint_film(Brightener(), frames[:1])
    assert (one.number, len(one.keys)) == (0, 1)
    still = list(paint_film(Brightener(), frames[:1] * 6, 12))
    assert [painted.number for painted in still] == [0, 5, 1, 2, 3, 4]
    first, last = still[0].frame.result, still[1].frame.result
    for painted in still[2:]:
        share = painted.number / 5
        np.testing.assert_allclose(
            painted.frame.result, (1 - share) * first + share * last, atol=2e-3
        )


def test_keyframes_are_resized_with_a_warning_or_refused(tmp_path):
    path = str(tmp_path / "key.png")
    Image.new("RGB", (96, 64), (10, 20, 30)).save(path)
    with pytest.warns(UserWarning, match="resized from 96x64 to 48x32 pixels"):
        own = load_keyframes({2: path}, SIZE, 0)
    assert own[1].shape == (1, *SIZE, 3)
    np.testing.assert_allclose(own[1][0, 0, 0], np.float32([10, 20, 30]) / 255)
    with pytest.raises(UserError, match="has 96x64 pixels, but the frames have 32x48"):
        load_keyframes({2: path}, SIZE[::-1], 0)
    with pytest.raises(OSError, match="none"):
        load_keyframes({2: str(tmp_path / "none.png")}, SIZE, 0)
