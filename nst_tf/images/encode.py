"""Encoding of pictures into a video stream with PyAV, for time-lapses and films."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from nst_tf.images.resize import Size


def add_video_stream(
    container: Any,
    codec: str,
    rate: Fraction | int,
    size: Size,
    pixel_format: str,
    options: Mapping[str, str] | None = None,
) -> Any:
    """Add a stream of pictures to a container, and return it.

    Args:
        container: PyAV's container, open for writing.
        codec: FFmpeg's name of the codec.
        rate: frames per second.
        size: height and width, pixels.
        pixel_format: FFmpeg's name of the pixel format.
        options: options of the codec.

    Raises:
        FFmpegError, ValueError: the codec or the pixel format is unknown.
    """
    stream = container.add_stream(codec, rate=rate, options={**(options or {})})
    stream.height, stream.width = size
    stream.pix_fmt = pixel_format
    return stream


def encode_pictures(container: Any, stream: Any, pictures: Iterable[Any]) -> None:
    """Encode pictures, and write each to the container before the next one is asked for.

    Args:
        container: PyAV's container, open for writing.
        stream: the stream of pictures in it.
        pictures: PyAV's frames, in order.

    Raises:
        FFmpegError, ValueError: codec, pixel format, size and container do not go together.
    """
    for picture in pictures:
        container.mux(stream.encode(picture))
    container.mux(stream.encode())
