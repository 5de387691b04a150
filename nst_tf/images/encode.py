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
    """Add a stream of pictures to PyAV's container, and return it.

    Raises:
        FFmpegError, ValueError: the codec or the pixel format is unknown.
    """
    stream = container.add_stream(codec, rate=rate, options={**(options or {})})
    stream.height, stream.width = size
    stream.pix_fmt = pixel_format
    return stream


def encode_pictures(container: Any, stream: Any, pictures: Iterable[Any]) -> None:
    """Encode PyAV's frames, and write each to the container before the next one is asked for.

    Raises:
        FFmpegError, ValueError: codec, pixel format, size and container do not go together.
    """
    for picture in pictures:
        container.mux(stream.encode(picture))
    container.mux(stream.encode())
