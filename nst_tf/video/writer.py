"""Writing of films and image sequences."""

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from nst_tf.images.encode import add_video_stream, encode_pictures
from nst_tf.images.levels import to_float
from nst_tf.images.resize import Size
from nst_tf.images.save import output_format, save_image
from nst_tf.utils.errors import UserError
from nst_tf.utils.files import write_whole
from nst_tf.video.footage import ColorTags, Footage, Frame
from nst_tf.video.gif import gif_frames
from nst_tf.video.pixels import HD, av_frame
from nst_tf.video.reader import check_pyav
from nst_tf.video.sequence import is_sequence, numbered
from nst_tf.video.sound import container_kind, open_sound, plan_sound

CODECS = {
    ".mp4": "libx264", ".mov": "libx264", ".m4v": "libx264", ".mkv": "libx264",
    ".webm": "libvpx-vp9", ".gif": "gif",
}  # fmt: skip
"""The default codec of each file extension."""

QUALITIES = {"libx264": 16, "libx265": 18, "libvpx-vp9": 22, "libsvtav1": 22, "mpeg4": 2}
"""The default constant quality of each codec, at which fine strokes lose little."""

QSCALE_CODECS = ("mpeg4",)  # their quality is a quantiser scale, not a rate factor
QSCALE_UNIT = 118  # FFmpeg's lambda units per quantiser step
SWSCALE_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # by H.273's numbers
LIMITED, FULL = 1, 2
ALPHA_FORMATS = ("yuva", "rgba", "argb", "bgra", "abgr", "gbrap", "ya8", "ya16")
"""Prefixes of the pixel formats that have an alpha channel."""


@dataclass(frozen=True)
class Encoding:
    """Codec, quality and pixel format of a film.

    Attributes:
        codec: FFmpeg's name of the codec; empty: the default in `CODECS`.
        quality: the codec's constant quality, less is better; None: the default in `QUALITIES`.
        pixel_format: FFmpeg's name of the pixel format; empty: yuv420p, or yuv444p for odd sizes,
            which most codecs do not support in yuv420p, or yuva420p for transparent films in .webm.
    """

    codec: str = ""
    quality: int | None = None
    pixel_format: str = ""


def check_writable_video(path: str, footage: Footage, size: Size, encoding: Encoding) -> None:
    """Check that a film can be written, by writing a black frame and the sound's head to memory.

    Warn of sound and transparency that the film cannot contain.

    Raises:
        ValueError: the extension is unknown, or codec, quality, pixel format, size and container
            do not go together; the message says what to change.
    """
    if is_sequence(path):
        numbered(path, 0)
        picture = output_format(path)
        if encoding != Encoding():
            raise UserError(f"{path} is an image sequence: it has no codec, quality or format")
        if footage.transparent and picture == "JPEG":
            _warn_lost_alpha(path)
        return
    suffix = Path(path).suffix.lower()
    if suffix not in CODECS:
        raise UserError(
            f"{path} has no extension of a film: use one of {' '.join(CODECS)}, or a pattern such "
            "as frame_%05d.png"
        )
    check_pyav(path)
    if suffix == ".gif":
        if encoding != Encoding():
            raise UserError(f"{path} is a GIF: it has no codec, quality or pixel format")
        return
    black = Frame(np.zeros((*size, 3), np.uint8), 0)
    pixel_format = _encode(io.BytesIO(), path, footage, [black], encoding, Fraction(0))
    if footage.transparent and not _has_alpha(pixel_format):
        _warn_lost_alpha(path)
    for line in plan_sound(footage, path)[1]:
        warnings.warn(line)


def _warn_lost_alpha(path: str) -> None:
    warnings.warn(
        f"{path} cannot hold transparency, which is shown over white: use .webm, .gif or a pattern "
        "such as frame_%05d.png to keep it"
    )


def _has_alpha(pixel_format: str) -> bool:
    return pixel_format == "pal8" or pixel_format.startswith(ALPHA_FORMATS)


def write_video(
    path: str,
    footage: Footage,
    frames: Iterable[Frame],
    encoding: Encoding,
    until: Fraction | None = None,
    every: int = 1,
) -> None:
    """Write a film, whole or not at all, or the files of an image sequence.

    Args:
        path: path of the film, or the pattern of an image sequence.
        footage: the source film, which gives timing, colours and sound.
        frames: the frames in order, all of one size. They may be iterated twice.
        encoding: how to encode them.
        until: end of the sound, seconds; None: the end of the source's sound.
        every: `frames` contains one of this many frames of the source.

    Raises:
        OSError: the film cannot be written.
        ValueError: codec, pixel format, size and container do not go together.
    """
    if is_sequence(path):
        for number, frame in enumerate(frames, start=footage.first):
            alpha = None if frame.alpha is None else to_float(frame.alpha)
            save_image(numbered(path, number), to_float(frame.pixels), alpha=alpha)
        return
    with write_whole(path) as file:
        _encode(file.name, path, footage, frames, encoding, until, every)


def _encode(
    file: IO[bytes] | str,
    path: str,
    footage: Footage,
    frames: Iterable[Frame],
    encoding: Encoding,
    until: Fraction | None = None,
    every: int = 1,
) -> str:
    """Encode a film to an open file or a path with any extension; return its pixel format."""
    import av

    suffix = Path(path).suffix.lower()
    first = next(iter(frames))
    size = first.pixels.shape[:2]
    codec = encoding.codec or CODECS[suffix]
    kind = container_kind(suffix)
    what = f"{size[1]}x{size[0]} pixels by codec {codec!r}"
    target = f"file:{file}" if isinstance(file, str) else file
    try:
        with ExitStack() as closing:
            options = {"fflags": "+bitexact"}  # no random identifiers: equal frames, equal files
            if isinstance(file, str) and kind in ("mp4", "mov"):
                # With the index in front, players start at once; FFmpeg then opens the file twice.
                options["movflags"] = "+faststart"
            container = closing.enter_context(av.open(target, "w", format=kind, options=options))
            stream = _stream(container, codec, size, footage, encoding, every)
            what += f" in pixel format {stream.pix_fmt}"
            sound = closing.enter_context(open_sound(container, footage, path))
            start = round(sound.start(first.pts * footage.time_base) / footage.time_base)
            tags = _tag_colors(stream, footage.colors, size)
            if codec == "gif":
                pictures = gif_frames(frames, footage.time_base)
            else:
                pictures = _pictures(frames, stream, tags, "" if footage.transparent else path)

            def with_sound() -> Iterator[Any]:
                for picture in pictures:
                    time = picture.pts * footage.time_base
                    picture.pts -= start
                    picture.time_base = footage.time_base
                    yield picture  # which is written before the sound that follows
                    sound.write(time, until)

            encode_pictures(container, stream, with_sound())
            sound.write(until, until)
            sound.end()
            return stream.pix_fmt
    except (av.error.FFmpegError, ValueError) as error:
        raise UserError(
            f"{path} cannot hold {what} ({error}): choose another codec, pixel format or extension"
        ) from None


def _stream(
    container: Any, codec: str, size: Size, footage: Footage, encoding: Encoding, every: int
) -> Any:
    """Add the stream of pictures to a container, and return it."""
    odd = size[0] % 2 or size[1] % 2
    options = {}
    quality = QUALITIES.get(codec) if encoding.quality is None else encoding.quality
    if quality is not None and codec not in QSCALE_CODECS:
        options = {"crf": str(quality)}
        if codec not in QUALITIES:
            raise UserError(f"--quality is supported only for {', '.join(QUALITIES)}")
    with_alpha = footage.transparent and codec == "libvpx-vp9"
    pixel_format = encoding.pixel_format or (
        "pal8" if codec == "gif" else "yuva420p" if with_alpha else "yuv444p" if odd else "yuv420p"
    )
    rate = footage.rate / every
    stream = add_video_stream(container, codec, rate, size, pixel_format, options)
    stream.time_base = stream.codec_context.time_base = footage.time_base
    if codec == "libvpx-vp9":
        stream.bit_rate = 0  # otherwise the quality is only a lower bound
    if codec in QSCALE_CODECS and quality is not None:
        stream.codec_context.qscale = True
        stream.codec_context.global_quality = QSCALE_UNIT * quality
    return stream


def _tag_colors(stream: Any, tags: ColorTags, size: Size) -> ColorTags:
    """Tag a stream with the source's colours, or with defaults, and return the tags."""
    if stream.codec_context.format.is_rgb or stream.pix_fmt == "pal8":
        return ColorTags()
    matrix = tags.matrix if tags.matrix in SWSCALE_MATRICES else 1 if size[0] >= HD else 6
    range_ = tags.range if tags.range in (LIMITED, FULL) else LIMITED
    context = stream.codec_context
    context.colorspace, context.color_range = matrix, range_
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    return tags._replace(matrix=matrix, range=range_)


def _pictures(
    frames: Iterable[Frame], stream: Any, tags: ColorTags, unwarned: str
) -> Iterator[Any]:
    """Yield frames in the stream's pixel format and colours.

    If one loses its transparency, warn of the film at the path `unwarned`, unless that is empty.
    """
    from av.video.reformatter import Interpolation

    exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    for frame in frames:
        with_alpha = _has_alpha(stream.pix_fmt)
        if unwarned and frame.alpha is not None and not with_alpha:
            _warn_lost_alpha(unwarned)
            unwarned = ""
        picture = av_frame(frame, with_alpha)
        picture = picture.reformat(
            format=stream.pix_fmt,
            dst_colorspace=SWSCALE_MATRICES.get(tags.matrix),
            dst_color_range=tags.range or None,
            interpolation=exact,
        )
        picture.pts = frame.pts
        yield picture
