"""Films survive the way through reader and writer."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from nst_tf.video.footage import ColorTags, Frame
from nst_tf.video.reader import open_video
from nst_tf.video.writer import Encoding, check_writable_video, write_video
from tests.video.clips import moving, sound_packets, write_clip

PLAIN = Encoding()
LOSSLESS = Encoding(quality=0, pixel_format="yuv444p")


def rewritten(source, target, encoding=PLAIN):
    """Copy a film through reader and writer and return both as they are read."""
    footage = open_video(str(source))
    check_writable_video(str(target), footage, footage.size, encoding)
    frames = list(footage.frames())
    write_video(str(target), footage, frames, encoding)
    again = open_video(str(target))
    return footage, frames, again, list(again.frames())


def seconds(footage, frames):
    return [float(frame.pts * footage.time_base) for frame in frames]


def difference(ours, theirs):
    """Return the largest mean difference of any two frames, levels."""
    return max(
        np.abs(one.pixels.astype(int) - other.pixels).mean()
        for one, other in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "m4v", "webm", "gif"])
def test_every_ending_keeps_pictures_times_and_size(tmp_path, ending):
    write_clip(tmp_path / "clip.mp4", moving())
    footage, frames, again, theirs = rewritten(tmp_path / "clip.mp4", tmp_path / f"out.{ending}")
    assert (again.size, len(theirs)) == (footage.size, len(frames)) == ((48, 64), 6)
    assert again.rate == pytest.approx(25, rel=0.01)
    assert again.expected() == 6
    np.testing.assert_allclose(seconds(again, theirs), seconds(footage, frames), atol=0.0051)
    assert difference(frames, theirs) < (8 if ending == "gif" else 2)


def test_a_variable_rate_stays(tmp_path):
    times = [0, 10, 20, 50, 65, 200]
    write_clip(tmp_path / "clip.mp4", moving(), times, Fraction(1, 1000))
    footage, frames, again, theirs = rewritten(tmp_path / "clip.mp4", tmp_path / "out.mp4")
    assert seconds(footage, frames) == [time / 1000 for time in times]
    assert seconds(again, theirs) == seconds(footage, frames)


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_turned_films_are_upright(tmp_path, rotation):
    frames = moving()
    write_clip(tmp_path / "clip.mp4", frames, rotation=rotation)
    expected = [Frame(np.rot90(frame, rotation // 90), 0) for frame in frames]
    footage, ours, again, theirs = rewritten(tmp_path / "clip.mp4", tmp_path / "out.mp4")
    assert footage.size == again.size == expected[0].pixels.shape[:2]
    assert difference(ours, expected) < 2
    assert difference(theirs, expected) < 3


@pytest.mark.parametrize("tags", [(1, 1), (1, 2), (6, 1), (9, 2)])
def test_colours_are_read_and_stored_as_the_tags_say(tmp_path, tags):
    frames = moving()
    write_clip(tmp_path / "clip.mp4", frames, tags=tags, pixel_format="yuv444p")
    footage, ours, again, theirs = rewritten(tmp_path / "clip.mp4", tmp_path / "out.mp4", LOSSLESS)
    assert footage.colors[:2] == again.colors[:2] == tags
    assert difference(ours, [Frame(frame, 0) for frame in frames]) < 1.5
    assert difference(theirs, ours) < 1


def test_unspecified_colours_are_those_of_the_size(tmp_path):
    frames = moving(1, (720, 32))
    write_clip(tmp_path / "clip.mp4", frames, pixel_format="yuv444p")
    footage = open_video(str(tmp_path / "clip.mp4"))
    assert footage.colors == ColorTags()
    (ours,) = footage.frames()
    # The clip's pictures were encoded by BT.601, and are taken for BT.709 from 720 rows on.
    assert difference([ours], [Frame(frames[0], 0)]) > 1.5
    again = rewritten(tmp_path / "clip.mp4", tmp_path / "out.mp4", LOSSLESS)[2]
    assert again.colors[:2] == (1, 1)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_sound_is_copied_bit_by_bit(tmp_path, ending):
    write_clip(tmp_path / "clip.mp4", moving(25), seconds_of_sound=1.0)
    footage, _, again, _ = rewritten(tmp_path / "clip.mp4", tmp_path / f"out.{ending}")
    assert footage.sound
    assert again.sound
    packets = sound_packets(tmp_path / "clip.mp4")
    assert len(packets) > 20
    assert sound_packets(tmp_path / f"out.{ending}") == packets


def test_sound_ends_with_the_pictures(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving(25), seconds_of_sound=1.0)
    footage = open_video(str(tmp_path / "clip.mp4"))
    frames = list(footage.frames(seconds=0.4))
    assert len(frames) == 10
    write_video(str(tmp_path / "out.mp4"), footage, frames, Encoding(), until=Fraction(2, 5))
    packets = sound_packets(tmp_path / "out.mp4")
    assert packets == sound_packets(tmp_path / "clip.mp4")[: len(packets)]
    assert 15 <= len(packets) <= 20  # of 1024 / 44100 s each


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm", "gif"])
def test_odd_sizes_stay(tmp_path, ending):
    frames = moving(3, (47, 63))
    write_clip(tmp_path / "clip.mkv", frames, pixel_format="yuv444p")
    footage, ours, again, theirs = rewritten(tmp_path / "clip.mkv", tmp_path / f"out.{ending}")
    assert again.size == footage.size == (47, 63)
    assert difference(ours, theirs) < (8 if ending == "gif" else 2)


def test_a_sequence_may_lie_in_a_directory_of_any_name(tmp_path):
    folder = tmp_path / "100%d"
    folder.mkdir()
    Image.fromarray(moving(1)[0]).save(folder / "frame_7.png")
    assert open_video(str(folder / "frame_%d.png")).first == 7


def test_sequences_are_read_and_written(tmp_path):
    frames = moving(4, (47, 63))
    for number, frame in enumerate(frames, start=7):
        Image.fromarray(frame).save(tmp_path / f"frame_{number:05d}.png")
    Image.fromarray(frames[0]).save(tmp_path / "frame_00020.png")  # behind a gap
    (tmp_path / "frame_1.png").touch()  # of another pattern
    pattern = str(tmp_path / "frame_%05d.png")
    footage = open_video(pattern, Fraction(24))
    assert (footage.size, footage.expected(), footage.rate) == ((47, 63), 4, 24)
    ours = list(footage.frames())
    assert difference(ours, [Frame(frame, 0) for frame in frames]) == 0
    write_video(str(tmp_path / "out-%03d.png"), footage, ours, Encoding())
    assert sorted(path.name for path in tmp_path.glob("out-*")) == [
        f"out-{number:03d}.png" for number in range(7, 11)
    ]
    again = open_video(str(tmp_path / "out-%03d.png"))
    assert difference(list(again.frames()), ours) == 0
    write_video(str(tmp_path / "film.mp4"), footage, ours, Encoding())
    assert open_video(str(tmp_path / "film.mp4")).rate == 24


def test_every_nth_frame_keeps_its_time(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving(9))
    footage = open_video(str(tmp_path / "clip.mp4"))
    kept = list(footage.frames(every=4))
    assert seconds(footage, kept) == [0, 0.16, 0.32]
    assert footage.expected(every=4) == 3
    assert footage.expected(seconds=0.2) == 5
    write_video(str(tmp_path / "out.mp4"), footage, kept, Encoding(), every=4)
    assert open_video(str(tmp_path / "out.mp4")).rate == pytest.approx(6.25)


def test_gifs_show_what_is_transparent_over_white_and_stay_still(tmp_path):
    pictures = [Image.new("RGBA", (32, 24), (200, 0, 0, 255 * (n % 2))) for n in range(2)]
    pictures[0].save(
        tmp_path / "clip.gif", save_all=True, append_images=pictures[1:], duration=100, disposal=2
    )
    first, second = open_video(str(tmp_path / "clip.gif")).frames()
    assert first.pixels.min() == 255
    assert second.pixels[0, 0].tolist() == [200, 0, 0]
    half = moving(1)[0]
    frames = [half.copy(), half.copy()]
    frames[1][:, 40:] = 0
    write_clip(tmp_path / "clip.mp4", frames)
    one, other = rewritten(tmp_path / "clip.mp4", tmp_path / "out.gif")[3]
    assert (one.pixels[:, :32] == other.pixels[:, :32]).mean() > 0.9


def test_a_film_of_one_frame(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving(1))
    footage, _, again, theirs = rewritten(tmp_path / "clip.mp4", tmp_path / "out.mp4")
    assert footage.expected() == again.expected() == len(theirs) == 1


def test_frames_are_counted_as_they_are_read(tmp_path):
    times = [0, 40, 60, 500, 520, 1000]
    write_clip(tmp_path / "clip.mkv", moving(), times, Fraction(1, 1000))
    footage = open_video(str(tmp_path / "clip.mkv"))
    assert footage.expected() == 6
    for flags in (
        {},
        {"seconds": 0.1},
        {"seconds": 0.52},
        {"every": 4},
        {"every": 2, "seconds": 1},
    ):
        assert footage.expected(**flags) == len(list(footage.frames(**flags)))


def test_a_truncated_film_ends_early_with_a_line(tmp_path):
    write_clip(tmp_path / "clip.mkv", moving(60, (96, 128)))
    data = (tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "half.mkv").write_bytes(data[: len(data) // 2])
    footage = open_video(str(tmp_path / "half.mkv"))
    with pytest.warns(
        UserWarning, match=r"half.mkv is cut off: of 2.4 s the last 1.\d are missing"
    ):
        frames = list(footage.frames())
    assert 0 < len(frames) < 60
    assert footage.expected() - len(frames) in (0, 1)  # the last packet is torn


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "avi", "ts", "gif"])
def test_whole_films_end_without_a_line(tmp_path, ending, recwarn):
    codec = {"gif": "gif", "avi": "mpeg4"}.get(ending, "libx264")
    pixel_format = "rgb8" if ending == "gif" else "yuv420p"
    path = tmp_path / f"clip.{ending}"
    write_clip(path, moving(30), codec=codec, pixel_format=pixel_format)
    assert len(list(open_video(str(path)).frames())) == 30
    assert not [w for w in recwarn if w.category is UserWarning]


def test_a_film_that_breaks_off_ends_with_a_line(tmp_path):
    write_clip(tmp_path / "clip.mp4", moving(60, (96, 128)))
    footage = open_video(str(tmp_path / "clip.mp4"))
    write_video(str(tmp_path / "front.mp4"), footage, list(footage.frames()), Encoding())
    data = (tmp_path / "front.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    (tmp_path / "half.mp4").write_bytes(data[: data.index(b"mdat") + len(data) // 2])
    with pytest.warns(UserWarning, match=r"half.mp4 is (damaged after frame|cut off)"):
        frames = list(open_video(str(tmp_path / "half.mp4")).frames())
    assert 0 < len(frames) < 60


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("empty.mp4", OSError, "cannot be read as a film"),
        ("cut.mp4", OSError, "cannot be read as a film"),
        ("text.mp4", OSError, "cannot be read as a film"),
        ("missing.mp4", FileNotFoundError, "does not exist: name a film, or a pattern"),
        ("sound.m4a", ValueError, "is not a film: name one"),
        ("none_%03d.png", FileNotFoundError, "matches no file: check the directory"),
        ("%d_%d.png", ValueError, "is not a pattern with one number"),
    ],
)
def test_what_is_no_film_is_refused(tmp_path, name, kind, message):
    write_clip(tmp_path / "clip.mp4", moving(25), seconds_of_sound=0.5)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "clip.mp4").read_bytes()[:2000])
    (tmp_path / "text.mp4").write_text("no film " * 100)
    write_sound(tmp_path / "sound.m4a")
    with pytest.raises(kind, match=message) as caught:
        open_video(str(tmp_path / name))
    assert name in str(caught.value)


def write_sound(path):
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100)
        part = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        part.sample_rate = 44100
        container.mux(stream.encode(part))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("name", "encoding", "message"),
    [
        ("out.txt", Encoding(), "has no extension of a film: use one of .mp4"),
        ("out.mp4", Encoding(codec="x265"), "codec 'x265' .*choose another codec"),
        ("out.mp4", Encoding(pixel_format="yuv9"), "choose another codec, pixel format"),
        ("out.gif", Encoding(quality=3), "is a GIF: it has no codec"),
        ("out_%d.png", Encoding(quality=3), "is an image sequence: it has no codec"),
        ("out_%d.txt", Encoding(), "does not have the extension of a picture"),
        ("out.mkv", Encoding(codec="ffv1", quality=3), "--quality is supported only for libx264"),
    ],
)
def test_what_cannot_be_written_is_refused_early(tmp_path, name, encoding, message):
    write_clip(tmp_path / "clip.mp4", moving(5), seconds_of_sound=0.2)
    footage = open_video(str(tmp_path / "clip.mp4"))
    with pytest.raises(ValueError, match=message):
        check_writable_video(str(tmp_path / name), footage, footage.size, encoding)


def test_an_odd_size_names_the_format_that_cannot_hold_it(tmp_path):
    write_clip(tmp_path / "clip.mkv", moving(2, (47, 63)), pixel_format="yuv444p")
    footage = open_video(str(tmp_path / "clip.mkv"))
    with pytest.raises(ValueError, match="63x47 pixels by codec 'libx264' in pixel format yuv420p"):
        check_writable_video("out.mp4", footage, footage.size, Encoding(pixel_format="yuv420p"))
    check_writable_video("out.mkv", footage, footage.size, Encoding(codec="ffv1"))
