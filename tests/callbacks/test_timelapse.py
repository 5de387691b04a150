import dataclasses
import sys
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from nst_tf.callbacks import TimeLapse
from nst_tf.callbacks.timelapse import check_animation
from tests.callbacks.conftest import steps

SIZE = (24, 33)


def grey(level, size=SIZE):
    return np.full((1, *size, 3), level, np.float32)


def film_of(levels, lapse, size=SIZE):
    for progress, level in zip(steps(len(levels)), levels, strict=True):
        lapse(dataclasses.replace(progress, image=lambda level=level: grey(level, size)))
    return lapse


def shown(path):
    """Return the mean levels of a film's frames in [0, 1], its size, and milliseconds of each."""
    if path.suffix == ".mp4":
        av = pytest.importorskip("av")
        with av.open(path) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            rate = container.streams.video[0].average_rate
        sizes = {frame.shape[1::-1] for frame in frames}
        return [frame.mean() / 255 for frame in frames], sizes, [1000 / rate] * len(frames)
    levels, times, sizes = [], [], set()
    with Image.open(path) as film:
        for number in range(film.n_frames):
            film.seek(number)
            levels.append(np.asarray(film.convert("RGB")).mean() / 255)
            times.append(film.info["duration"])
            sizes.add(film.size)
    return levels, sizes, times


def test_frames_are_even_in_change_and_not_in_steps(tmp_path):
    fast_then_slow = 1 - np.exp(-np.arange(2000) / 200)
    film_of(fast_then_slow, TimeLapse(most=40)).save(tmp_path / "film.gif", grey(1))
    levels = shown(tmp_path / "film.gif")[0]
    assert 25 <= len(levels) <= 41
    gaps = np.diff(levels)
    assert gaps.max() < 1.7 * gaps[:-1].min()  # the last picture comes whenever the run ends
    # Even in steps, half of the frames would lie above this level, which is reached at step 1000.
    assert np.searchsorted(levels, fast_then_slow[1000]) > 0.9 * len(levels)


def test_a_picture_that_stands_still_is_one_frame(tmp_path):
    film_of([0.5] * 50, TimeLapse()).save(tmp_path / "film.webp", grey(0.5))
    with Image.open(tmp_path / "film.webp") as film:
        assert getattr(film, "n_frames", 1) == 1


@pytest.mark.parametrize("name", ["film.gif", "film.webp", "film.mp4", "FILM.GIF"])
def test_films_show_the_run_and_hold_its_end(tmp_path, name):
    path = tmp_path / name
    film_of([0.1, 0.3, 0.5, 0.7, 0.9], TimeLapse()).save(path, grey(0.9))
    levels, sizes, times = shown(tmp_path / path)
    if path.suffix == ".mp4":  # which has frames of one length, and even sides
        assert levels == pytest.approx([0.1, 0.3, 0.5, 0.7] + 20 * [0.9], abs=0.03)
        assert sizes == {(32, 24)}
        assert times[0] == 50
    else:
        assert levels == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9], abs=0.02)
        assert sizes == {(33, 24)}
        assert times == [50, 50, 50, 50, 1000]


def test_coarse_scales_are_enlarged(tmp_path):
    lapse = TimeLapse()
    film_of([0.2, 0.4], lapse, (12, 16))
    film_of([0.6, 0.8, 1], lapse)
    lapse.save(tmp_path / "film.gif", grey(1))
    levels, sizes, _ = shown(tmp_path / "film.gif")
    assert sizes == {(33, 24)}
    assert levels == pytest.approx([0.2, 0.4, 0.6, 0.8, 1], abs=0.02)


def test_large_pictures_are_shrunk(tmp_path):
    lapse = film_of([0.2], TimeLapse(long_side=64), (200, 400))
    lapse.save(tmp_path / "film.gif", grey(1, (200, 400)))
    assert shown(tmp_path / "film.gif")[1] == {(64, 32)}


def test_a_long_run_takes_no_more_memory_than_a_short_one():
    def peak(count):
        # Back and forth, so that every step differs from the one before.
        levels = (np.arange(count) % 2) * 0.9
        tracemalloc.start()
        film_of(levels, TimeLapse(most=10), (100, 100))
        result = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result

    assert peak(400) < 1.2 * peak(40)


def test_the_memory_has_a_bound(pixels):
    lapse = TimeLapse(most=10, long_side=64)
    for number, progress in enumerate(steps(100)):
        image = pixels(64, 128, number) * ((number + 1) / 100)
        lapse(dataclasses.replace(progress, image=lambda image=image: image))
    held = sum(frame.pixels.nbytes + frame.thumbnail.nbytes for frame in lapse._frames)
    assert held <= 10 * (32 * 64 * 3 + 2 * 48 * 48 * 3)


def test_a_lack_of_memory_ends_the_film_and_not_the_run(tmp_path, recwarn):
    def fail():
        raise MemoryError

    lapse = film_of([0.2, 0.5], TimeLapse())
    for progress in steps(2):
        lapse(dataclasses.replace(progress, image=fail))
    assert [str(w.message) for w in recwarn] == ["the time-lapse ends at step 1: memory ran out"]
    lapse.save(tmp_path / "film.gif", grey(1))
    assert shown(tmp_path / "film.gif")[0] == pytest.approx([0.2, 0.5, 1], abs=0.02)


@pytest.mark.parametrize(
    ("name", "words"), [("film.webp", "encoding error 5: "), ("film.gif", "ushort format requires")]
)
def test_what_an_encoder_raises_is_told_as_a_file_that_cannot_be_written(tmp_path, name, words):
    wide = 2**16  # more pixels in a row than these formats can have
    with pytest.raises(OSError, match=f"{name} cannot be written: {words}"):
        TimeLapse(long_side=wide).save(tmp_path / name, grey(1, (1, wide)))
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_is_there_stays_if_it_must(tmp_path):
    (tmp_path / "film.gif").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        TimeLapse().save(tmp_path / "film.gif", grey(1), overwrite=False)
    assert (tmp_path / "film.gif").read_bytes() == b"old"


def test_other_extensions_and_a_missing_pyav_are_refused(monkeypatch):
    with pytest.raises(
        ValueError, match=r"film.avi does not have the extension of an animation: use one of .gif"
    ):
        check_animation("film.avi")
    monkeypatch.setitem(sys.modules, "av", None)
    check_animation("film.webp")
    with pytest.raises(ValueError, match=r"film.mp4 needs PyAV: run pip install 'nst_tf\[video\]'"):
        check_animation("film.mp4")
