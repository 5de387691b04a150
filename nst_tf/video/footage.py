"""What a film is: its size, its timing, its colours, and its frames one by one."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from nst_tf.images.resize import Size


class Frame(NamedTuple):
    """A frame of a film.

    Attributes:
        pixels: uint8 `[H, W, 3]`, upright, sRGB; what is half transparent has its own colour, what
            cannot be seen is white.
        pts: when it is shown, in units of `Footage.time_base`.
        alpha: uint8 `[H, W]`; None: opaque.
    """

    pixels: np.ndarray
    pts: int
    alpha: np.ndarray | None = None


class ColorTags(NamedTuple):
    """How a film stores its colours: numbers of ITU-T H.273, where 2 is "unspecified".

    Attributes:
        matrix: the way from RGB to luma and chroma.
        range: 1 if levels 16 to 235 are used, 2 if all are, 0 if the file does not say.
        primaries: what red, green and blue are.
        transfer: the curve.
    """

    matrix: int = 2
    range: int = 0
    primaries: int = 2
    transfer: int = 2


@dataclass(frozen=True, eq=False)
class Footage:
    """A film that can be read from its beginning as often as needed.

    Attributes:
        path: of the file, or the pattern of an image sequence.
        size: height and width, upright, pixels.
        rate: frames a second, on average.
        time_base: seconds in a unit of time.
        moments: returns when the frames are shown, in units of `time_base`, without decoding them.
            In damaged files there can be more of them than frames.
        read: returns the frames in order, from the first; it decodes as they are asked for.
        colors: how a film of these frames is to store them.
        sound: whether there is any.
        first: number of the first file of an image sequence.
        transparent: whether the first frame is, in parts.
    """

    path: str
    size: Size
    rate: Fraction
    time_base: Fraction
    moments: Callable[[], Sequence[int]]
    read: Callable[[], Iterator[Frame]]
    colors: ColorTags = ColorTags()
    sound: bool = False
    first: int = 1
    transparent: bool = False

    @functools.cached_property
    def _moments(self) -> Sequence[int]:
        return self.moments()

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self._moments)

    def frames(self, every: int = 1, seconds: float = 0.0) -> Iterator[Frame]:
        """Yield each `every`th frame of the first `seconds`; 0: of all of them."""
        start = None
        for number, frame in enumerate(self.read()):
            start = frame.pts if start is None else start
            if not self._within(frame.pts - start, seconds):
                return
            if number % every == 0:
                yield frame

    def expected(self, every: int = 1, seconds: float = 0.0) -> int:
        """Return how many frames that will be, as far as the file tells."""
        times = self._moments
        count = sum(self._within(time - times[0], seconds) for time in times)
        return -(-count // every)

    def _within(self, time: int, seconds: float) -> bool:
        """Return whether a time after the first frame lies within the first `seconds`."""
        return not seconds or time * self.time_base < Fraction(seconds).limit_denominator(10**6)
