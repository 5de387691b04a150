"""Reading of films as upright sRGB frames, with PyAV."""

import importlib.util
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any

from nst_tf.utils.errors import UserError
from nst_tf.video.animation import is_animation, open_animation
from nst_tf.video.footage import Footage, Frame
from nst_tf.video.hdr import kind
from nst_tf.video.pixels import color_tags, progressive, to_srgb
from nst_tf.video.sequence import is_sequence, open_sequence

USUAL_GAP = Fraction(1, 5)  # seconds from the last packet to the announced end of an intact film
USUAL_GAP_SHARE = Fraction(1, 50)  # the same, relative to the film's length

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that support transparency, by codec; FFmpeg's default decoders do not."""


def open_video(path: str, rate: Fraction = Fraction(25)) -> Footage:
    """Open a film and decode its first frame.

    Args:
        path: a film in any format that FFmpeg reads, an animated WebP or AVIF picture, or the
            pattern of an image sequence, such as `frame_%05d.png`. The path of an existing file is
            never a pattern.
        rate: frames per second of an image sequence.

    Raises:
        OSError: the file cannot be read, or is not a film; the message says why.
        ValueError: the film has no pictures, or PyAV is missing.
    """
    if is_sequence(path):
        return open_sequence(path, rate)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"{path} does not exist: name a film, or a pattern like frame_%05d.png"
        )
    if is_animation(path):
        return open_animation(path)
    check_pyav(path)
    with opened(path) as container:
        stream = _pictures(container, path)
        first = next(progressive(_decoded(container, stream, path)), None)
        if first is None:
            raise UserError(f"{path} holds no picture that can be decoded: name another film")
        pixels, alpha = _to_srgb(first, stream, path)
        if found := kind(first.color_trc, first.color_primaries):
            warnings.warn(f"{path} is {found}: it is tone-mapped to BT.709, at 8 bits a channel")
        pace = Fraction(stream.average_rate or stream.guessed_rate or rate)
        return Footage(
            path=path,
            size=pixels.shape[:2],
            rate=pace,
            time_base=Fraction(stream.time_base or 1 / pace),
            read_times=lambda: _read_times(path),
            read=lambda: _read(path),
            colors=color_tags(first),
            sound=bool(container.streams.audio),
            transparent=alpha is not None,
        )


def check_pyav(path: str) -> None:
    """Refuse a film if PyAV is not installed."""
    if importlib.util.find_spec("av") is None:
        raise UserError(f"{path} needs PyAV: run pip install 'nst_tf[video]'")


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a film as PyAV's container; OSError: the file is not a film."""
    import av

    try:
        # Without the prefix, FFmpeg would take `12:30.mp4` for a URL.
        container = av.open(f"file:{path}", metadata_errors="ignore")
    except (av.error.FFmpegError, ValueError) as error:
        raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None
    with container:
        try:
            yield container
        except av.error.FFmpegError as error:
            raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None


def _read(path: str) -> Iterator[Frame]:
    with opened(path) as container:
        stream = _pictures(container, path)
        stream.thread_type = "AUTO"
        frames = progressive(_decoded(container, stream, path, to_the_end=True))
        clock = _Clock(stream)
        for frame in frames:
            pixels, alpha = _to_srgb(frame, stream, path)
            yield Frame(pixels, clock.increasing(frame.pts), alpha)


def _read_times(path: str) -> list[int]:
    """Return the presentation times of a film's frames, from its packets."""
    import av

    with opened(path) as container:
        stream = _pictures(container, path)
        times = []
        with suppress(av.error.FFmpegError):  # frames after the damage are not read either
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    times.append(packet.dts if packet.pts is None else packet.pts)
        clock = _Clock(stream)
        known = sorted(time for time in times if time is not None)
        return [
            *map(clock.increasing, known),
            *(clock.increasing(None) for _ in times[len(known) :]),
        ]


class _Clock:
    """Increasing times of frames: missing and decreasing ones follow from the frame rate."""

    def __init__(self, stream: Any) -> None:
        self._step = max(1, round(1 / (stream.time_base * (stream.average_rate or 25))))
        self._latest: int | None = None

    def increasing(self, pts: int | None) -> int:
        """Return `pts`, or a later time if needed to follow the previous one."""
        if self._latest is not None and (pts is None or pts <= self._latest):
            pts = self._latest + self._step
        self._latest = pts or 0
        return self._latest


def _to_srgb(frame: Any, stream: Any, path: str) -> Any:
    import av

    try:
        return to_srgb(frame, stream.sample_aspect_ratio)
    except (av.error.FFmpegError, OSError):
        raise UserError(
            f"{path} stores its colours in an unknown way (matrix {frame.colorspace} "
            "of H.273, as Dolby Vision does): export it as SDR, HLG or HDR10"
        ) from None


def _pictures(container: Any, path: str) -> Any:
    """Return the first stream of moving pictures, which the cover of a song is not."""
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context:
            return stream
    raise UserError(f"{path} is not a film: name one")


def _decoded(container: Any, stream: Any, path: str, to_the_end: bool = False) -> Iterator[Any]:
    """Yield the decoded frames; the film ends at the first damage that stops the decoder.

    Missing frames are worth a warning if all frames are read, `to_the_end`.
    """
    import av

    count = damaged = 0
    latest = Fraction(0)
    decode = _decoder(stream)
    try:
        for packet in container.demux():
            latest = max(latest, _end(packet))
            for frame in decode(packet) if packet.stream.index == stream.index else ():
                count += 1
                damaged += frame.is_corrupt
                yield frame
    except av.error.FFmpegError as error:
        if not count:
            raise OSError(f"{path} cannot be read as a film: {_reason(error)}") from None
        warnings.warn(f"{path} is damaged after frame {count} ({_reason(error)}): it ends there")
        return
    if not to_the_end:
        return
    if damaged:
        warnings.warn(
            f"{path}: {damaged} of {count} frames are damaged: they are shown as far as decoded"
        )
    whole = Fraction(container.duration or 0, 1_000_000)
    missing = whole + Fraction(container.start_time or 0, 1_000_000) - latest
    if missing > max(USUAL_GAP, USUAL_GAP_SHARE * whole):
        warnings.warn(
            f"{path} is cut off: of {float(whole):.1f} s the last {float(missing):.1f} are missing"
        )


def _decoder(stream: Any) -> Callable[[Any], Iterable[Any]]:
    """Return a function that decodes a packet of a stream."""
    import av

    name = ALPHA_DECODERS.get(stream.codec_context.name)
    if not name or stream.metadata.get("alpha_mode") != "1":
        return lambda packet: packet.decode()
    context: Any = av.CodecContext.create(name, "r")
    return lambda packet: context.decode(packet if packet.size else None)


def _end(packet: Any) -> Fraction:
    """Return the end of a packet, seconds."""
    if packet.pts is None or not packet.time_base:
        return Fraction(0)
    return (packet.pts + (packet.duration or 0)) * packet.time_base


def _reason(error: Exception) -> str:
    """Return why reading failed, in words."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
