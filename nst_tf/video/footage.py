"""A film: its size, timing, colours and frames."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from nst_tf.images.io import Picture
from nst_tf.images.levels import quantize
from nst_tf.images.resize import Size


class Frame(NamedTuple):
    """A frame of a film.

    Attributes:
        pixels: uint8 `[H, W, 3]`, upright, sRGB; colours are not premultiplied with alpha, and
            invisible pixels are white.
        pts: presentation time, in units of `Footage.time_base`.
        alpha: uint8 `[H, W]`; None: opaque.
    """

    pixels: np.ndarray
    pts: int
    alpha: np.ndarray | None = None

    @classmethod
    def of(cls, picture: Picture, pts: int) -> "Frame":
        """Return a picture as a frame."""
        alpha = None if picture.alpha is None else quantize(picture.alpha)
        return cls(np.ascontiguousarray(quantize(picture.pixels[0])), pts, alpha)


class ColorTags(NamedTuple):
    """Colour tags of a film: numbers of ITU-T H.273, where 2 is "unspecified".

    Attributes:
        matrix: the matrix from RGB to luma and chroma.
        range: 1 for levels 16 to 235, 2 for all levels, 0 if the file does not say.
        primaries: the primary colours.
        transfer: the transfer curve.
    """

    matrix: int = 2
    range: int = 0
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, eq=False)
class Footage:
    """A film that can be read from its beginning as often as needed.

    Attributes:
        path: path of the file, or the pattern of an image sequence.
        size: height and width, upright, pixels.
        rate: average number of frames per second.
        time_base: seconds in a unit of time.
        read_times: returns the presentation times of the frames, in units of `time_base`, without
            decoding the frames. A damaged file can have more times than frames.
        read: returns an iterator of the frames, which decodes them one by one.
        colors: colour tags for a film made of these frames.
        sound: whether the film has sound.
        first: number of the first file of an image sequence.
        transparent: whether the first frame has transparent parts.
    """

    path: str
    size: Size
    rate: Fraction
    time_base: Fraction
    read_times: Callable[[], Sequence[int]]
    read: Callable[[], Iterator[Frame]]
    colors: ColorTags = ColorTags()
    sound: bool = False
    first: int = 1
    transparent: bool = False

    @functools.cached_property
    def _times(self) -> Sequence[int]:
        return self.read_times()

    def frames(self, every: int = 1, seconds: float = 0.0) -> Iterator[Frame]:
        """Yield every `every`-th frame of the first `seconds`; 0: of the whole film."""
        start = None
        for number, frame in enumerate(self.read()):
            start = frame.pts if start is None else start
            if not self._within(frame.pts - start, seconds):
                return
            if number % every == 0:
                yield frame

    def expected(self, every: int = 1, seconds: float = 0.0) -> int:
        """Return the number of frames that `frames` is expected to yield."""
        times = self._times
        count = sum(self._within(time - times[0], seconds) for time in times)
        return -(-count // every)

    def _within(self, time: int, seconds: float) -> bool:
        """Return whether a time after the first frame lies within the first `seconds`."""
        return not seconds or time * self.time_base < Fraction(seconds).limit_denominator(10**6)
