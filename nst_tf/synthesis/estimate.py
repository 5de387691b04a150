"""Estimates of the stage's memory and work.

The constants of memory were fitted to the peaks that NumPy's allocations reach in a run.
"""

import math
from collections.abc import Sequence

from nst_tf.images.resize import Size
from nst_tf.synthesis.levels import level_sizes
from nst_tf.synthesis.rounds import ROUNDS, ROUNDS_ABOVE
from nst_tf.synthesis.strips import STRIP, halo_rows

PIXEL = 32  # bytes of a pixel of the result: two levels' pictures and matches
PLACE = 80  # bytes of a pixel that is painted at once: pictures, features, matches and costs
PAINT = 40  # bytes of a pixel of the paintings: colours, guides and features
SEARCHED = 1.5  # bytes of each pixel of a patch, for a pixel of the paintings: the exact search
SEARCH = 32 * 2**20  # bytes of what the exact search computes at once
LEAST_STRIP = 2**19
"""Pixels of the smallest strip. On a poster 7016 pixels wide, its halo doubles the work."""

ROUND_WORK = 0.14
"""Work of a round for a pixel of a level, relative to a step of the network for a pixel."""

SEARCH_WORK = 3.75e-4
"""Work of the exact search for a pixel of a level and one of the paintings, in the same unit."""


def synthesis_bytes(
    picture: Size, size: Size, sources: Sequence[Size], patch_size: int, strip: int = STRIP
) -> int:
    """Return the peak of the stage's memory beyond its arguments, bytes.

    Args:
        picture: height and width of the network's picture, pixels.
        size: height and width of the result, pixels.
        sources: height and width of each painting at the finest level, pixels.
        patch_size: side of a patch, pixels.
        strip: pixels of a strip.
    """
    height, width = size
    rows = max(1, strip // width) + 2 * halo_rows(ROUNDS_ABOVE, patch_size)
    at_once = max(math.prod(picture), width * min(height, rows))
    paint = PAINT + SEARCHED * patch_size**2
    pixels = PIXEL * math.prod(size) + PLACE * at_once + paint * sum(map(math.prod, sources))
    return round(SEARCH + pixels)


def fitting_strip(
    available: float, picture: Size, size: Size, sources: Sequence[Size], patch_size: int
) -> int:
    """Return the pixels of the largest strip with which the stage fits, or else of the smallest.

    Args:
        available: bytes that the stage may use beyond its arguments.
        picture, size, sources, patch_size: as for `synthesis_bytes`.
    """
    strip = STRIP
    while strip > LEAST_STRIP:
        if synthesis_bytes(picture, size, sources, patch_size, strip) <= available:
            break
        strip //= 2
    return strip


def levels_work(picture: Size, size: Size, paint: float) -> list[float]:
    """Return the work of each level, in pixels that a step of the network computes in its time.

    Args:
        picture, size: as for `level_sizes`.
        paint: pixels of the paintings at the finest level.
    """
    sizes = level_sizes(picture, size)
    work: list[float] = [
        ROUND_WORK * (ROUNDS_ABOVE if max(level) > max(picture) else ROUNDS) * math.prod(level)
        for level in sizes
    ]
    coarsest = math.prod(sizes[0])
    work[0] += SEARCH_WORK * coarsest * paint * coarsest / math.prod(size)
    return work


def level_work(picture: Size, level: Size) -> float:
    """Return the work of a level: its megapixels times its rounds.

    A unit takes about 2 s of a core with AVX2 (`scripts/benchmark_synthesis.py`). Levels up to the
    picture's size count twice, since the coarse picture passes through them, too.

    Args:
        picture: height and width of the network's picture, pixels.
        level: height and width of the level, pixels.
    """
    rounds = ROUNDS_ABOVE if max(level) > max(picture) else 2 * ROUNDS
    return rounds * math.prod(level) / 1e6


def synthesis_work(picture: Size, size: Size) -> float:
    """Return the work of all levels up to the size of the result."""
    return sum(level_work(picture, level) for level in level_sizes(picture, size))
