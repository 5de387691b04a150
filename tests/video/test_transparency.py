"""Films that are transparent in parts, and animated pictures."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst_tf.video.reader import open_video
from nst_tf.video.writer import Encoding, check_writable_video, write_video

pytestmark = pytest.mark.usefixtures("in_tmp_path")

LENGTHS = [40, 80, 40, 100, 40, 60]  # milliseconds


def pictures(alpha=True):
    """Return pictures of a red bar that moves, on nothing or on white."""
    levels = np.full((6, 48, 64, 4), 255, np.uint8)
    levels[..., 3] = 0 if alpha else 255
    for number, picture in enumerate(levels):
        picture[:, 8 * number : 8 * number + 16] = (200, 40, 20, 255)
    return [Image.fromarray(picture) for picture in levels]


def animated(path, alpha=True, **options):
    first, *rest = pictures(alpha)
    first.save(path, save_all=True, append_images=rest, duration=LENGTHS, **options)
    return open_video(path)


@pytest.mark.parametrize("ending", ["webp", "avif", "gif", "png"])
def test_animated_pictures_are_films(ending):
    options = {"lossless": True} if ending == "webp" else {"disposal": 2} if ending == "gif" else {}
    footage = animated(f"clip.{ending}", alpha=False, **options)
    frames = list(footage.frames())
    assert footage.expected() == len(frames) == 6
    starts = [Fraction(sum(LENGTHS[:number]), 1000) for number in range(6)]
    assert [frame.pts * footage.time_base for frame in frames] == starts
    assert float(footage.rate) == pytest.approx(6 / 0.36, rel=0.2)
    assert footage.expected(seconds=0.13) == 3
    for frame, picture in zip(frames, pictures(alpha=False), strict=True):
        assert np.abs(frame.pixels - np.asarray(picture, float)[..., :3]).mean() < 3


def test_a_damaged_animation_ends_with_a_line():
    animated("clip.webp", lossless=True)
    data = Path("clip.webp").read_bytes()
    at = data.rindex(b"VP8L") + 16  # behind the header of the last frame
    Path("bad.webp").write_bytes(data[:at] + bytes(len(data) - at))
    with pytest.warns(UserWarning, match=r"bad.webp is damaged after frame 5 .*: it ends there"):
        footage = open_video("bad.webp")
    assert footage.expected() == 5
    Path("none.webp").write_bytes(data[:40])
    with pytest.raises(OSError, match=r"none\.webp"):
        open_video("none.webp")


@pytest.mark.parametrize(
    ("target", "encoding"),
    [
        ("out_%d.png", Encoding()),
        ("out_%d.tif", Encoding()),
        ("out.gif", Encoding()),
        ("out.webm", Encoding()),
        ("out.mkv", Encoding(codec="ffv1", pixel_format="bgra")),
        ("out.mov", Encoding(codec="qtrle", pixel_format="argb")),
    ],
)
@pytest.mark.parametrize("source", ["in_%d.png", "in.gif"])
def test_transparency_stays_where_the_output_can_hold_it(source, target, encoding, recwarn):
    for number, picture in enumerate(pictures(), start=1):
        picture.save(source.replace("%d", str(number)))
    footage = animated(source, disposal=2) if source.endswith("gif") else open_video(source)
    assert footage.transparent
    frames = list(footage.frames())
    check_writable_video(target, footage, footage.size, encoding)
    write_video(target, footage, frames, encoding)
    again = list(open_video(target).frames())
    for frame, picture, ours in zip(frames, pictures(), again, strict=True):
        red, green, blue, alpha = np.asarray(picture, float).transpose(2, 0, 1)
        np.testing.assert_array_equal(frame.alpha, alpha)
        assert np.abs(ours.alpha - alpha).mean() < 1
        inside = alpha > 0
        for channel, level in enumerate((red, green, blue)):
            assert np.abs(ours.pixels[..., channel] - level)[inside].mean() < 6
    assert not [w for w in recwarn if w.category is UserWarning]


@pytest.mark.parametrize("target", ["out.mp4", "out_%d.jpg"])
def test_where_it_cannot_a_line_says_so_and_white_shows(target):
    footage = animated("in.gif", disposal=2)
    with pytest.warns(UserWarning, match=r"cannot hold transparency, which is shown over white"):
        check_writable_video(target, footage, footage.size, Encoding())
    write_video(target, footage, list(footage.frames()), Encoding())
    (first, *_) = open_video(target).frames()
    assert first.alpha is None
    assert first.pixels[:, 24:].min() > 240


def test_transparency_that_comes_late_is_named_as_well():
    first, second, *_ = pictures()
    for number, picture in enumerate((pictures(alpha=False)[0], first, second), start=1):
        picture.save(f"in_{number}.png")
    footage = open_video("in_%d.png")
    with pytest.warns(UserWarning, match="cannot hold transparency") as caught:
        write_video("out.mp4", footage, list(footage.frames()), Encoding())
    assert len(caught) == 1
