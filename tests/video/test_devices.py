"""Films as cameras, phones and editors make them: the files in `data` imitate some."""

import os
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from nst_tf.video.hdr import BT2020, HLG, P3, PQ, pq, to_sdr
from nst_tf.video.pixels import square_size
from nst_tf.video.reader import open_video
from nst_tf.video.writer import Encoding, check_writable_video, write_video
from tests.video.clips import moving, sound_packets, write_clip

pytestmark = pytest.mark.usefixtures("in_tmp_path")

DATA = Path(__file__).parent / "data"


def stored(path, pixel_format="rgb24"):
    """Return the frames as FFmpeg decodes them, without all that is done to them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=pixel_format) for frame in container.decode(video=0)]


def copied(source, target):
    """Write a film of the frames of another, and return the source."""
    footage = open_video(str(source))
    check_writable_video(target, footage, footage.size, Encoding())
    write_video(target, footage, list(footage.frames()), Encoding())
    return footage


def difference(one, other):
    return np.abs(one.astype(float) - other).mean()


def sound_of(path):
    """Return the codecs of a film's sound, and the samples of the first track."""
    with av.open(str(path)) as container:
        codecs = [stream.codec_context.name for stream in container.streams.audio]
        return codecs, sum(frame.samples for frame in container.decode(audio=0))


def test_a_track_of_an_unknown_codec_is_left_out_with_a_line():
    with pytest.warns(UserWarning, match=r"track 2 of the sound is left out, .*unknown"):
        copied(DATA / "apac.mov", "out.mp4")
    with av.open(str(DATA / "apac.mov")) as container:
        track = container.streams.audio[0]
        theirs = [bytes(packet) for packet in container.demux(track) if packet.dts is not None]
    assert sound_packets("out.mp4") == theirs


def test_pixels_that_are_not_square_become_so():
    footage = copied(DATA / "sar.mp4", "out.mp4")
    assert footage.size == open_video("out.mp4").size == (58, 102)  # 72 wide, of 64:45
    frame = next(footage.frames()).pixels
    (plain, *_) = stored(DATA / "sar.mp4")
    columns = (np.arange(102) * 72 // 102).clip(0, 71)
    assert difference(frame, plain[:, columns]) < 12


@pytest.mark.parametrize(
    ("height", "width", "aspect", "expected"),
    [
        (576, 720, Fraction(64, 45), (576, 1024)),
        (480, 720, Fraction(8, 9), (540, 720)),
        (480, 720, Fraction(32, 27), (480, 854)),
        (1080, 1440, Fraction(4, 3), (1080, 1920)),
        (47, 63, Fraction(1), (47, 63)),
        (48, 64, None, (48, 64)),
        (48, 64, Fraction(1, 9999), (48, 64)),  # damage
    ],
)
def test_one_side_grows_to_make_pixels_square(height, width, aspect, expected):
    assert square_size(height, width, aspect) == expected


def combs(pixels):
    """Return how much more the next row differs than the one after, as in interlaced motion."""
    rows = pixels.astype(float)
    return difference(rows[1:-1], rows[2:]) - difference(rows[:-2], rows[2:])


def test_interlaced_frames_lose_their_combs_and_keep_their_times():
    footage = open_video(str(DATA / "field.mpg"))
    frames = list(footage.frames())
    plain = stored(DATA / "field.mpg")
    assert len(frames) == len(plain) == footage.expected()
    assert max(combs(frame.pixels) for frame in frames) < 0.5 * max(map(combs, plain))
    assert np.ptp(np.diff([frame.pts for frame in frames])) == 0


def test_progressive_frames_pass_as_they_are():
    write_clip("clip.mkv", moving(3), codec="ffv1", pixel_format="yuv444p")
    for frame, plain in zip(open_video("clip.mkv").frames(), stored("clip.mkv"), strict=True):
        assert difference(frame.pixels, plain) < 1


def test_a_film_of_hlg_is_tone_mapped_and_tagged():
    with pytest.warns(UserWarning, match=r"hlg.mp4 is HDR \(HLG\): it is tone-mapped to BT.709"):
        footage = copied(DATA / "hlg.mp4", "out.mp4")
    assert open_video("out.mp4").colors == footage.colors == (1, 1, 1, 1)
    frame = next(footage.frames()).pixels
    (plain, *_) = stored(DATA / "hlg.mp4", "rgb48le")
    assert difference(frame, to_sdr(plain, HLG, BT2020)) < 2
    assert difference(frame, plain / 257) > 4


def test_a_film_of_pq_reads_as_its_light():
    nits = [0.1, 10, 80, 203, 1000]
    grey = np.repeat(np.rint(65535 * pq(np.repeat(nits, 16))).astype(np.uint16)[None], 48, axis=0)
    write_hdr("clip.mkv", np.repeat(grey[..., None], 3, axis=-1), PQ)
    with pytest.warns(UserWarning, match=r"HDR \(PQ\)"):
        (frame,) = open_video("clip.mkv").frames()
    found = frame.pixels[24, 8::16, 1]
    linear = np.array(nits[:3]) / 203  # below the knee light stays as it is
    srgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    np.testing.assert_allclose(found[:3], 255 * srgb, atol=2)
    assert 220 < found[3] < 240  # paper leaves room for lights
    assert found[4] == 255


def write_hdr(path, levels, transfer):
    """Write a film of one frame, uint16 `[H, W, 3]`, in the colours of BT.2020."""
    with av.open(path, "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = levels.shape[:2]
        stream.pix_fmt = "yuv444p10le"
        context = stream.codec_context
        context.colorspace, context.color_range = 9, 1
        context.color_primaries, context.color_trc = BT2020, transfer
        frame = av.VideoFrame.from_ndarray(levels, format="rgb48le")
        frame = frame.reformat(format="yuv444p10le", dst_colorspace=9, dst_color_range=1)
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_colours_beyond_bt709_are_converted_without_hdr():
    green = np.zeros((48, 64, 3), np.uint16)
    green[..., 1] = 45000
    write_hdr("clip.mkv", green, 1)
    with pytest.warns(UserWarning, match=r"in the colours of BT.2020"):
        (frame,) = open_video("clip.mkv").frames()
    assert frame.pixels[0, 0].tolist() == pytest.approx([0, 186, 0], abs=3)  # 1.1329 of its light


@pytest.mark.parametrize("primaries", [BT2020, P3])
@pytest.mark.parametrize("transfer", [PQ, HLG, 1])
def test_greys_stay_grey_and_in_order(transfer, primaries):
    levels = np.repeat(np.arange(0, 65536, 5, dtype=np.uint16)[None, :, None], 3, axis=-1)
    (found,) = to_sdr(levels, transfer, primaries).astype(int)
    assert np.ptp(found, axis=-1).max() <= 1
    assert np.diff(found[:, 1]).min() >= -1  # by rounding
    assert (found[0, 1], found[-1, 1]) == (0, 255)


def test_hlgs_paper_is_that_of_pq():
    """Compare 75 % of HLG with 203 candelas of PQ: ITU-R BT.2408's level of paper in both."""
    paper = [
        to_sdr(np.full((1, 1, 3), 65535 * value, np.uint16), transfer, BT2020)[0, 0, 0]
        for transfer, value in ((HLG, 0.75), (PQ, pq(203)))
    ]
    assert abs(int(paper[0]) - int(paper[1])) <= 1


def test_colours_that_are_unknown_are_refused_with_a_remedy():
    write_clip("clip.mkv", moving(1), codec="ffv1", pixel_format="yuv444p", tags=(1, 1))
    data = bytearray(Path("clip.mkv").read_bytes())
    at = data.index(b"\x55\xb1\x81\x01")  # Matroska's MatrixCoefficients
    data[at + 3] = 14
    Path("ictcp.mkv").write_bytes(data)
    with pytest.raises(ValueError, match=r"ictcp.mkv stores .*matrix 14 .*: export it as SDR"):
        open_video("ictcp.mkv")


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((1, 0, 0, 1), lambda p: p),
        ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
        ((1, 0, 0, -1), lambda p: p[::-1]),
        ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
        ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
        ((0, -1, 1, 0), lambda p: np.rot90(p)),
        ((0, -1, -1, 0), lambda p: np.rot90(p, 2).swapaxes(0, 1)),
    ],
)
def test_every_display_matrix_is_followed(matrix, turned):
    data = (DATA / "mirror.mp4").read_bytes()
    a, b, c, d = matrix
    old, new = (
        (65536 * np.array(row)).astype(">i4").tobytes()
        for row in ((-1, 0, 0, 0, 1, 0), (a, b, 0, c, d, 0))
    )
    assert data.count(old) == 1
    Path("clip.mp4").write_bytes(data.replace(old, new))
    plain = turned(stored("clip.mp4")[0])
    frame = next(open_video("clip.mp4").frames()).pixels
    assert frame.shape == plain.shape
    assert difference(frame, plain) < 4


@pytest.mark.parametrize(
    ("ending", "codec", "name"), [("mp4", "aac", "AAC"), ("webm", "opus", "Opus")]
)
def test_sound_that_an_ending_cannot_hold_is_encoded(ending, codec, name):
    with pytest.warns(UserWarning, match=rf"track 1 .*pcm_u8, is encoded as {name}, since \."):
        copied(DATA / "u8.avi", f"out.{ending}")
    codecs, samples = sound_of(f"out.{ending}")
    assert codecs == [codec]
    rate = {"aac": 44100, "opus": 48000}[codec]
    assert samples / rate == pytest.approx(3072 / 8000, abs=0.03)


def test_sound_that_can_be_copied_comes_without_a_line(recwarn):
    copied(DATA / "u8.avi", "out.mkv")
    assert sound_packets("out.mkv") == sound_packets(DATA / "u8.avi")
    write_clip("clip.mp4", moving(5), seconds_of_sound=0.2)
    copied("clip.mp4", "again.mov")
    assert not [w for w in recwarn if w.category is UserWarning]


def test_encoded_sound_ends_with_the_pictures():
    write_clip("clip.mp4", moving(25), seconds_of_sound=1.0)
    footage = open_video("clip.mp4")
    frames = list(footage.frames(seconds=0.4))
    write_video("out.webm", footage, frames, Encoding(), until=Fraction(2, 5))
    assert sound_of("out.webm")[1] / 48000 == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("name", ["100%done.mp4", "clip %d.mp4", "12:30.mp4"])
def test_a_file_that_exists_is_a_film_of_any_name(name):
    write_clip("clip.mp4", moving(2))
    shutil.move("clip.mp4", name)
    os.mkdir("50%")
    copied(name, f"50%/out-{name}")
    assert open_video(f"50%/out-{name}").expected() == 2
    footage = open_video(name)
    write_video("50%/out_%d.png", footage, list(footage.frames()), Encoding())
    assert open_video("50%/out_%d.png").expected() == 2


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_film_starts_where_its_first_stream_does(ending):
    copied(DATA / "cam2.mts", f"out.{ending}")
    theirs, ours = starts(DATA / "cam2.mts"), starts(f"out.{ending}")
    assert min(theirs.values()) > 1
    assert min(ours.values()) == 0
    step = ours["video"] - ours["audio"]
    assert float(step) == pytest.approx(float(theirs["video"] - theirs["audio"]), abs=0.002)


def starts(path):
    with av.open(str(path)) as container:
        return {stream.type: stream.start_time * stream.time_base for stream in container.streams}
