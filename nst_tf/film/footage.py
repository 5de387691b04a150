"""What a film is: its size, its timing, its colours, and its frames one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from nst_tf.images.resize import Size


class Frame(NamedTuple):
    """A frame of a film.

    Attributes:
        pixels: uint8 `[H, W, 3]`, upright, sRGB.
        pts: when it is shown, in units of `Footage.time_base`.
    """

    pixels: np.ndarray
    pts: int


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
        count: frames, as far as the file tells; 0: unknown.
        read: returns the frames in order, from the first; it decodes as they are asked for.
        colors: how the file stores them.
        sound: whether there is any.
        first: number of the first file of an image sequence.
    """

    path: str
    size: Size
    rate: Fraction
    time_base: Fraction
    count: int
    read: Callable[[], Iterator[Frame]]
    colors: ColorTags = ColorTags()
    sound: bool = False
    first: int = 1

    def frames(self, every: int = 1, seconds: float = 0.0) -> Iterator[Frame]:
        """Yield each `every`th frame of the first `seconds`; 0: of all of them."""
        start, limit = None, Fraction(seconds).limit_denominator(10**6)
        for number, frame in enumerate(self.read()):
            start = frame.pts if start is None else start
            if limit and (frame.pts - start) * self.time_base >= limit:
                return
            if number % every == 0:
                yield frame

    def expected(self, every: int = 1, seconds: float = 0.0) -> int:
        """Return how many frames that will be, as far as the file tells; 0: unknown."""
        count = self.count
        if seconds:
            within = max(1, round(seconds * self.rate))
            count = min(count, within) if count else within
        return -(-count // every)
