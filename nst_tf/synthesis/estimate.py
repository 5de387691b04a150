"""Estimates of the stage's memory and work."""

import math
from collections.abc import Sequence

from nst_tf.images.resize import Size
from nst_tf.synthesis.levels import level_sizes

PLACE = 72  # bytes of a pixel of the result
PAINT = 48  # bytes of a pixel of the paintings


def synthesis_bytes(size: Size, sources: Sequence[Size], patch_size: int) -> int:
    """Return the peak of the stage's memory beyond its inputs, bytes.

    Args:
        size: height and width of the result, pixels.
        sources: height and width of each painting at the finest level, pixels.
        patch_size: side of a patch, pixels.
    """
    return PLACE * math.prod(size) + PAINT * sum(map(math.prod, sources))


def synthesis_work(picture: Size, size: Size) -> float:
    """Return the work of the stage: the megapixels of all levels, each times its rounds.

    Args:
        picture: height and width of the network's picture, pixels.
        size: height and width of the result, pixels.
    """
    sizes = level_sizes(picture, size)
    return sum(4e-6 * math.prod(level) for level in sizes)
