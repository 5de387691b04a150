"""The table of docs/video.md says what is read."""

import re

import av
import numpy as np
import pytest
from PIL import Image

from nst_tf.video.reader import open_video
from tests.conftest import ROOT
from tests.video.clips import moving, write_clip

CODECS = {
    "H.264": "h264", "HEVC": "hevc", "VP8": "vp8", "VP9": "vp9", "AV1": "libdav1d",
    "MPEG-2": "mpeg2video", "MPEG-4": "mpeg4", "ProRes": "prores", "DNxHD": "dnxhd", "FFV1": "ffv1",
}  # fmt: skip
"""FFmpeg's names of the decoders that the table names."""

ENCODERS = {
    ".avi": "mpeg4", ".webm": "libvpx-vp9", ".mpg": "mpeg2video", ".wmv": "wmv2",
    ".ogv": "libvpx", ".gif": "gif", ".apng": "apng", ".mkv": "ffv1",
}  # fmt: skip
FORMATS = {"gif": "rgb8", "apng": "rgb24", "ffv1": "yuv420p16le"}


def rows():
    """Return the rows of the table, each as its cells."""
    page = (ROOT / "docs" / "video.md").read_text(encoding="utf-8")
    table = page.split("| what is read |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def endings(row):
    return re.findall(r"\.[a-z0-9]+\b", row[1].split(" and the others")[0])


FILMS, PALETTES, ANIMATIONS, SEQUENCES = map(endings, rows())


def test_every_codec_that_is_named_is_decoded():
    named = rows()[0][0].removeprefix("films of ").removesuffix(" and other codecs of FFmpeg")
    assert named.split(", ") == list(CODECS)
    for codec in CODECS.values():
        av.Codec(codec, "r")


@pytest.mark.parametrize("ending", [*FILMS, *PALETTES])
def test_every_ending_of_films_is_read(tmp_path, ending):
    codec = ENCODERS.get(ending, "libx264")
    frames = moving(3)
    path = tmp_path / f"clip{ending}"
    write_clip(
        path,
        frames,
        codec=codec,
        pixel_format=FORMATS.get(codec, "yuv420p10le" if ending == ".mp4" else "yuv420p"),
    )
    check(path, frames, 20 if codec == "gif" else 6)  # of 256 colours


@pytest.mark.parametrize("ending", ANIMATIONS)
def test_every_ending_of_animations_is_read(tmp_path, ending):
    frames = moving(3)
    first, *rest = map(Image.fromarray, frames)
    first.save(tmp_path / f"clip{ending}", save_all=True, append_images=rest, duration=40)
    check(tmp_path / f"clip{ending}", frames, 4)


@pytest.mark.parametrize("ending", SEQUENCES)
def test_every_ending_of_sequences_is_read(tmp_path, ending):
    frames = moving(3)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"clip_{number}{ending}")
    check(tmp_path / f"clip_%d{ending}", frames, 4)


def check(path, frames, most):
    footage = open_video(str(path))
    found = [frame.pixels for frame in footage.frames()]
    assert footage.expected() == len(found) == 3
    assert found[0].dtype == np.uint8
    for ours, theirs in zip(found, frames, strict=True):
        assert np.abs(ours.astype(float) - theirs).mean() < most


def test_frames_have_the_depth_that_the_table_says():
    assert [row[2].split()[-1] for row in rows()] == ["8"] * 4  # as `check` finds
