"""Animated WebP and AVIF pictures as films, decoded with Pillow: FFmpeg reads only one frame."""

import warnings
from collections.abc import Iterator
from fractions import Fraction

from PIL import Image

from nst_tf.images.channels import decode_image
from nst_tf.images.decode import open_picture
from nst_tf.images.io import as_picture
from nst_tf.video.footage import Footage, Frame

UNIT = Fraction(1, 1000)  # seconds in a unit of time
MIN_DURATION = 10  # units: some files say 0


def is_animation(path: str) -> bool:
    """Return whether a file has the signature of a WebP or AVIF picture."""
    with open(path, "rb") as file:
        head = file.read(12)
    return (head[:4], head[8:]) == (b"RIFF", b"WEBP") or head[4:] in (b"ftypavif", b"ftypavis")


def open_animation(path: str) -> Footage:
    """Open an animated picture, and decode its frames once to learn their times.

    Raises:
        OSError: the file cannot be read.
        ValueError: the picture has too many pixels.
    """
    with open_picture(path) as image:  # its errors are one line each
        image.load()
    first, times, end = None, [], 0
    for frame, length in _frames(path):
        first = first or frame
        times.append(frame.pts)
        end = frame.pts + length
    if first is None:
        raise OSError(f"{path} cannot be read: its first frame is damaged")
    return Footage(
        path=path,
        size=first.pixels.shape[:2],
        rate=len(times) / (end * UNIT),
        time_base=UNIT,
        read_times=lambda: times,
        read=lambda: (frame for frame, _ in _frames(path)),
        transparent=first.alpha is not None,
    )


def _frames(path: str) -> Iterator[tuple[Frame, int]]:
    """Yield each frame and its duration in units; the film ends before the first damaged frame."""
    time = 0
    with Image.open(path) as image:
        count = getattr(image, "n_frames", 1)
        for number in range(count):
            try:
                image.seek(number)
                decoded = decode_image(image, path)
            except Exception as error:  # decoders raise errors of many classes
                reason = str(error).removeprefix(f"{path} cannot be read: ")
                warnings.warn(f"{path} is damaged after frame {number} ({reason}): it ends there")
                return
            picture = as_picture(decoded, decoded.channels[0].shape, path)
            length = max(MIN_DURATION, round(image.info.get("duration") or 0))
            yield Frame.of(picture, time), length
            time += length
