"""Sizes of the levels, coarse to fine."""

import math

from nst_tf.images.resize import Size, scaled

COARSEST = 128
"""Long side, pixels, down to which the picture is halved: all of the painting is searched there."""


def level_sizes(picture: Size, size: Size) -> tuple[Size, ...]:
    """Return the sizes of the levels, coarse to fine; the last one is `size`.

    Below the picture's own size the sides double from level to level. From there to `size` they
    grow in equal steps of at most 2.

    Args:
        picture: height and width of the network's picture, pixels.
        size: height and width of the result, pixels.
    """
    halvings = max(0, math.ceil(math.log2(max(picture) / COARSEST) - 0.5))
    below = [scaled(picture, 0.5**halving) for halving in range(halvings, 0, -1)]
    if picture == size:
        return (*below, size)
    ratio = max(size) / max(picture)
    steps = max(1, math.ceil(math.log2(ratio) - 0.01))
    between = [scaled(picture, ratio ** (step / steps)) for step in range(steps)]
    return (*below, *between, size)
