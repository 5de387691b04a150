"""The sound of a film: each track is copied if possible, otherwise encoded or left out."""

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from nst_tf.video.footage import Footage
from nst_tf.video.reader import opened

ENCODERS = {
    ".mp4": "aac", ".mov": "aac", ".m4v": "aac", ".mkv": "libopus", ".webm": "libopus",
}  # fmt: skip
NAMES = {"aac": "AAC", "libopus": "Opus"}
RATES = {"aac": (44100, 48000), "libopus": (48000,)}  # samples per second; the first is the default
CONTAINERS = {".m4v": "mp4", ".mkv": "matroska"}


def container_kind(suffix: str) -> str:
    """Return FFmpeg's name of the container for a file extension, such as `.mkv`."""
    return CONTAINERS.get(suffix, suffix[1:])


@dataclass(frozen=True)
class Track:
    """A track of sound and how it is written.

    Attributes:
        index: index among the streams of the source.
        encoder: FFmpeg's name of the encoder; empty: the track is copied.
        layout: channel layout of the encoded track.
    """

    index: int
    encoder: str = ""
    layout: str = ""


def plan_sound(footage: Footage, path: str) -> tuple[list[Track], list[str]]:
    """Return the tracks of a film to write to another one, and a line for each that is not copied.

    A track can be copied, or encoded, if a file with only this track can be written.
    """
    import av

    suffix = Path(path).suffix.lower()
    if not footage.sound or suffix not in ENCODERS:
        return [], []
    tracks, lines = [], []
    with opened(footage.path) as source:
        streams = [stream for stream in source.streams.audio if stream.codec_context]
        heads = _first_packets(source, streams)
        for number, stream in enumerate(source.streams.audio, start=1):
            what = f"{path}: track {number} of the sound"
            if not stream.codec_context:
                lines.append(f"{what} is left out, since its codec is unknown")
                continue
            packet = heads.get(stream.index)
            encoder = ENCODERS[suffix]
            layouts = ("", stream.layout.name, "stereo")  # the first: copied
            for track in (Track(stream.index, layout and encoder, layout) for layout in layouts):
                try:
                    _check_track(track, stream, packet, suffix)
                except (av.error.FFmpegError, ValueError, TypeError) as error:
                    problem = getattr(error, "strerror", None) or error
                    continue
                tracks.append(track)
                if track.encoder:
                    lines.append(
                        f"{what}, {stream.codec_context.name}, is encoded as {NAMES[encoder]}, "
                        f"since {suffix} cannot hold it; .mkv or .mov may"
                    )
                break
            else:
                lines.append(f"{what} is left out, since it cannot be read ({problem})")
    return tracks, lines


def _first_packets(source: Any, streams: list[Any]) -> dict[int, Any]:
    """Return the first packet of each stream that has one, by stream index."""
    import av

    heads: dict[int, Any] = {}
    with suppress(av.error.FFmpegError):
        for packet in source.demux(streams) if streams else ():
            if packet.size:
                heads.setdefault(packet.stream.index, packet)
            if len(heads) == len(streams):
                break
    return heads


def _check_track(track: Track, stream: Any, packet: Any, suffix: str) -> None:
    """Write the head of a track to memory, which raises if the track cannot be written."""
    import av

    with av.open(io.BytesIO(), "w", format=container_kind(suffix)) as container:
        out = _OutputTrack(container, stream, track)
        container.start_encoding()
        if packet:
            out.write(packet, Fraction(0))
            out.end()


class _OutputTrack:
    """A track of the film that is written."""

    def __init__(self, container: Any, stream: Any, track: Track) -> None:
        self._container = container
        self._encoder = track.encoder
        if not track.encoder:
            self._stream = container.add_stream_from_template(stream)
            return
        rates = RATES[track.encoder]
        rate = stream.rate if stream.rate in rates else rates[0]
        self._stream = container.add_stream(track.encoder, rate=rate, layout=track.layout)

    def write(self, packet: Any, start: Fraction) -> None:
        """Write a packet of the source, on whose clock the film begins at `start` seconds."""
        if self._encoder:
            for frame in packet.decode():
                if frame.pts is not None:
                    frame.pts -= round(start / frame.time_base)
                self._container.mux(self._stream.encode(frame))
            return
        shift = round(start / packet.time_base)
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        packet.stream = self._stream
        self._container.mux(packet)

    def end(self) -> None:
        """Write the packets that the encoder has buffered."""
        if self._encoder:
            self._container.mux(self._stream.encode(None))


class Sound:
    """The sound of the film that is written: tracks of a source, which is None without sound."""

    def __init__(self, source: Any, container: Any, tracks: list[Track]) -> None:
        streams = [source.streams[track.index] for track in tracks]
        self._starts = [s.start_time * s.time_base for s in streams if s.start_time is not None]
        self._out = {
            track.index: _OutputTrack(container, stream, track)
            for track, stream in zip(tracks, streams, strict=True)
        }
        self._start = Fraction(0)
        self._packets = (
            packet
            for packet in (source.demux(streams) if streams else ())
            if packet.dts is not None and packet.size
        )
        self._next = next(self._packets, None)

    def start(self, first: Fraction) -> Fraction:
        """Return the time of the film's first picture or sound, by the source's clock, seconds."""
        self._start = max(Fraction(0), min([first, *self._starts]))
        return self._start

    def write(self, time: Fraction | None, until: Fraction | None) -> None:
        """Write the sound before `time`, except packets that start at `until` or later, seconds.

        None is the end. Times are on the source's clock.
        """
        while self._next is not None:
            starts = self._next.dts * self._next.time_base
            if (time is not None and starts > time) or (until is not None and starts >= until):
                return
            self._out[self._next.stream.index].write(self._next, self._start)
            self._next = next(self._packets, None)

    def end(self) -> None:
        """Write the packets that encoders have buffered."""
        for out in self._out.values():
            out.end()


@contextmanager
def open_sound(container: Any, footage: Footage, path: str) -> Iterator[Sound]:
    """Open the sound of `footage`, to be written to a film."""
    tracks, _ = plan_sound(footage, path)
    if not tracks:
        yield Sound(None, container, [])
        return
    with opened(footage.path) as source:
        yield Sound(source, container, tracks)
