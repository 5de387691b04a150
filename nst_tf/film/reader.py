"""Films as frames, upright and in sRGB, by PyAV."""

import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np

from nst_tf.errors import UserError
from nst_tf.film.footage import ColorTags, Footage, Frame
from nst_tf.film.sequence import is_sequence, open_sequence
from nst_tf.images.depth import to_levels
from nst_tf.images.io import over_white

UNSPECIFIED = 2  # of the numbers of ITU-T H.273
BT709, BT601 = 1, 5  # matrices
HD = 720  # rows from which players take unspecified colours for BT.709


def open_film(path: str, rate: Fraction = Fraction(25)) -> Footage:
    """Open a film and decode its first frame.

    Args:
        path: a film of any format that FFmpeg reads, or the pattern of an image sequence, such as
            `frame_%05d.png`.
        rate: frames a second of an image sequence.

    Raises:
        OSError: it cannot be read, or is no film; the text says why.
        ValueError: it has no pictures, or PyAV is missing.
    """
    if is_sequence(path):
        return open_sequence(path, rate)
    check_pyav(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"{path} does not exist: name a film, or a pattern like frame_%05d.png"
        )
    with _opened(path) as container:
        stream = _pictures(container, path)
        first = next(_decoded(container, stream, path), None)
        if first is None:
            raise UserError(f"{path} holds no picture that can be decoded: name another film")
        pixels = upright(first)
        pace = stream.average_rate or stream.guessed_rate or rate
        return Footage(
            path=path,
            size=pixels.shape[:2],
            rate=Fraction(pace),
            time_base=Fraction(stream.time_base or 1 / Fraction(pace)),
            count=_count(container, stream, Fraction(pace)),
            read=lambda: _read(path),
            colors=_tags(first),
            sound=bool(container.streams.audio),
        )


def check_pyav(path: str) -> None:
    """Check that PyAV is installed; ValueError if not."""
    if importlib.util.find_spec("av") is None:
        raise UserError(f"{path} needs PyAV: run pip install 'nst_tf[video]'")


def _read(path: str) -> Iterator[Frame]:
    with _opened(path) as container:
        stream = _pictures(container, path)
        stream.thread_type = "AUTO"
        step = 1 / (stream.time_base * (stream.average_rate or 25))
        latest: int | None = None
        for frame in _decoded(container, stream, path):
            pts = frame.pts
            if latest is not None and (pts is None or pts <= latest):  # a damaged clock
                pts = latest + max(1, round(step))
            latest = pts or 0
            yield Frame(upright(frame), latest)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    import av

    try:
        container = av.open(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None


def _pictures(container: Any, path: str) -> Any:
    """Return the first stream of moving pictures; covers of songs are none."""
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context:
            return stream
    raise UserError(f"{path} holds no moving pictures: name a film")


def _decoded(container: Any, stream: Any, path: str) -> Iterator[Any]:
    """Yield the decoded frames; a damaged end ends the film, with a warning."""
    import av

    count = 0
    try:
        for frame in container.decode(stream):
            count += 1
            yield frame
    except av.error.FFmpegError as error:
        if not count:
            raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None
        warnings.warn(f"{path} is damaged after frame {count} ({_reason(error)}): it ends there")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _count(container: Any, stream: Any, rate: Fraction) -> int:
    if stream.frames:
        return stream.frames
    if stream.duration:
        return round(stream.duration * stream.time_base * rate)
    return round(Fraction(container.duration, 1_000_000) * rate) if container.duration else 0


def _tags(frame: Any) -> ColorTags:
    if frame.format.is_rgb or frame.format.name == "pal8":
        return ColorTags()
    numbers = (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc)
    return ColorTags(*map(int, numbers))


def upright(frame: Any) -> np.ndarray:
    """Return the pixels of a decoded frame, uint8 `[H, W, 3]`, turned as the file says.

    Transparent parts are shown over white. Where the file does not say how it stores colours, they
    are what players take them for: BT.709 from 720 rows on, else BT.601.
    """
    from av.video.reformatter import Interpolation

    exact = (
        Interpolation.BICUBIC | Interpolation.ACCURATE_RND
        | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
    )  # fmt: skip
    shown = frame.format
    if shown.name == "pal8" or any(component.is_alpha for component in shown.components):
        rgba = frame.to_ndarray(format="rgba").astype(np.float32) / 255
        pixels = to_levels(over_white(rgba[..., :3], rgba[..., 3]))
    else:
        guessed = frame.colorspace == UNSPECIFIED and not shown.is_rgb
        matrix = (BT709 if frame.height >= HD else BT601) if guessed else None
        rgb = frame.reformat(format="rgb24", src_colorspace=matrix, interpolation=exact)
        pixels = rgb.to_ndarray()
    # The display matrix turns counter-clockwise.
    return np.ascontiguousarray(np.rot90(pixels, round(frame.rotation / 90) % 4))
