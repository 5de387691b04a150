"""Frames as films, by PyAV."""

import io
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

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
"""The codec of each ending, unless another is asked for."""

QUALITIES = {"libx264": 16, "libx265": 18, "libvpx-vp9": 22, "libsvtav1": 22, "mpeg4": 2}
"""The constant quality of each codec by default: little is lost of fine strokes."""

BY_SCALE = ("mpeg4",)  # codecs whose quality is a scale of quantisers, not a rate factor
QUANTISER = 118  # FFmpeg's units of one
MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # H.273's numbers to swscale's
LIMITED, FULL = 1, 2
CLEAR_FORMATS = ("yuva", "rgba", "argb", "bgra", "abgr", "gbrap", "ya8", "ya16")
"""How the names of pixel formats with an alpha begin."""


@dataclass(frozen=True)
class Encoding:
    """How a film is written.

    Attributes:
        codec: FFmpeg's name; empty: that of the ending in `CODECS`.
        quality: the codec's constant quality, less is better; None: that in `QUALITIES`.
        pixel_format: FFmpeg's name; empty: yuv420p, or yuv444p for odd sizes, which yuv420p cannot
            hold in most codecs; yuva420p of films in parts transparent in .webm.
    """

    codec: str = ""
    quality: int | None = None
    pixel_format: str = ""


def check_writable_film(path: str, footage: Footage, size: Size, encoding: Encoding) -> None:
    """Check that a film can be written, by writing a black frame and the sound's head to memory.

    It warns of sound and transparency that the film cannot hold.

    Raises:
        ValueError: the ending is unknown, or codec, quality, pixel format, size and container do
            not go together; the text says what to change.
    """
    if is_sequence(path):
        numbered(path, 0)
        picture = output_format(path)
        if encoding != Encoding():
            raise UserError(f"{path} is an image sequence: it takes no codec, quality or format")
        if footage.transparent and picture == "JPEG":
            _warn_of_white(path)
        return
    suffix = Path(path).suffix.lower()
    if suffix not in CODECS:
        raise UserError(
            f"{path} has no ending of a film: use one of {' '.join(CODECS)}, or a pattern such as "
            "frame_%05d.png"
        )
    check_pyav(path)
    if suffix == ".gif":
        if encoding != Encoding():
            raise UserError(f"{path} is a GIF: it takes no codec, quality or pixel format")
        return
    black = Frame(np.zeros((*size, 3), np.uint8), 0)
    pixel_format = encode(io.BytesIO(), path, footage, [black], encoding, Fraction(0))
    if footage.transparent and not _holds_alpha(pixel_format):
        _warn_of_white(path)
    for line in plan_sound(footage, path)[1]:
        warnings.warn(line)


def _warn_of_white(path: str) -> None:
    warnings.warn(
        f"{path} cannot hold transparency, which is shown over white: use .webm, .gif or a pattern "
        "such as frame_%05d.png to keep it"
    )


def _holds_alpha(pixel_format: str) -> bool:
    return pixel_format == "pal8" or pixel_format.startswith(CLEAR_FORMATS)


def write_film(
    path: str,
    footage: Footage,
    frames: Iterable[Frame],
    encoding: Encoding,
    until: Fraction | None = None,
    every: int = 1,
) -> None:
    """Write a film whole, or the files of an image sequence.

    Args:
        path: where to.
        footage: the film that the frames belong to, whose timing, colours and sound it has.
        frames: in order; all of one size. They may be gone through twice.
        encoding: how.
        until: seconds at which the sound ends; None: with the source's.
        every: of how many of the source's frames one is here.

    Raises:
        OSError: it cannot be written.
        ValueError: codec, pixel format, size and container do not go together.
    """
    if is_sequence(path):
        for number, frame in enumerate(frames, start=footage.first):
            alpha = None if frame.alpha is None else to_float(frame.alpha)
            save_image(numbered(path, number), to_float(frame.pixels), alpha=alpha)
        return
    with write_whole(path) as file:
        encode(file.name, path, footage, frames, encoding, until, every)


def encode(
    file: IO[bytes] | str,
    path: str,
    footage: Footage,
    frames: Iterable[Frame],
    encoding: Encoding,
    until: Fraction | None = None,
    every: int = 1,
) -> str:
    """Encode a film to a file and return its pixel format; arguments and errors as `write_film`.

    Args:
        file: opened for writing, or where to write, with any ending.
    """
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
            options = {"fflags": "+bitexact"}  # no names by chance: equal frames make equal files
            if isinstance(file, str) and kind in ("mp4", "mov"):
                # With the index in front, a player can begin at once; it takes a second opening.
                options["movflags"] = "+faststart"
            container = closing.enter_context(av.open(target, "w", format=kind, options=options))
            stream = _stream(container, codec, size, footage, encoding, every)
            what += f" in pixel format {stream.pix_fmt}"
            sound = closing.enter_context(open_sound(container, footage, path))
            start = round(sound.start(first.pts * footage.time_base) / footage.time_base)
            tags = _colors(stream, footage.colors, size)
            if codec == "gif":
                pictures = gif_frames(frames, footage.time_base)
            else:
                pictures = _pictures(frames, stream, tags, "" if footage.transparent else path)
            for picture in pictures:
                time = picture.pts * footage.time_base
                picture.pts -= start
                picture.time_base = footage.time_base
                container.mux(stream.encode(picture))
                sound.write(time, until)
            container.mux(stream.encode())
            sound.write(until, until)
            sound.end()
            return stream.pix_fmt
    except (av.error.FFmpegError, ValueError) as error:
        raise UserError(
            f"{path} cannot hold {what} ({error}): choose another codec, pixel format or ending"
        ) from None


def _stream(
    container: Any, codec: str, size: Size, footage: Footage, encoding: Encoding, every: int
) -> Any:
    """Return the stream of pictures, set up."""
    odd = size[0] % 2 or size[1] % 2
    options = {}
    quality = QUALITIES.get(codec) if encoding.quality is None else encoding.quality
    if quality is not None and codec not in BY_SCALE:
        options = {"crf": str(quality)}
        if codec not in QUALITIES:
            raise UserError(f"quality is known for {', '.join(QUALITIES)} alone")
    stream = container.add_stream(codec, rate=footage.rate / every, options=options)
    stream.height, stream.width = size
    clear = footage.transparent and codec == "libvpx-vp9"
    stream.pix_fmt = encoding.pixel_format or (
        "pal8" if codec == "gif" else "yuva420p" if clear else "yuv444p" if odd else "yuv420p"
    )
    stream.time_base = stream.codec_context.time_base = footage.time_base
    if codec == "libvpx-vp9":
        stream.bit_rate = 0  # or the quality would be a limit alone
    if codec in BY_SCALE and quality is not None:
        stream.codec_context.qscale = True
        stream.codec_context.global_quality = QUANTISER * quality
    return stream


def _colors(stream: Any, tags: ColorTags, size: Size) -> ColorTags:
    """Return how the colours are stored, those of the source where it says so, and tag them."""
    if stream.codec_context.format.is_rgb or stream.pix_fmt == "pal8":
        return ColorTags()
    matrix = tags.matrix if tags.matrix in MATRICES else 1 if size[0] >= HD else 6
    range_ = tags.range if tags.range in (LIMITED, FULL) else LIMITED
    context = stream.codec_context
    context.colorspace, context.color_range = matrix, range_
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    return tags._replace(matrix=matrix, range=range_)


def _pictures(
    frames: Iterable[Frame], stream: Any, tags: ColorTags, unwarned: str
) -> Iterator[Any]:
    """Yield frames in the stream's pixel format.

    Args:
        frames, stream, tags: the frames, and how they are stored.
        unwarned: where to, if only later frames can show that transparency is lost; else empty.
    """
    from av.video.reformatter import Interpolation

    exact = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
    for frame in frames:
        clear = _holds_alpha(stream.pix_fmt)
        if unwarned and frame.alpha is not None and not clear:
            _warn_of_white(unwarned)
            unwarned = ""
        picture = av_frame(frame, clear)
        picture = picture.reformat(
            format=stream.pix_fmt,
            dst_colorspace=MATRICES.get(tags.matrix),
            dst_color_range=tags.range or None,
            interpolation=exact,
        )
        picture.pts = frame.pts
        yield picture
