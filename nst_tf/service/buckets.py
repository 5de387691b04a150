"""A few working sizes for photos of all sizes, since TensorFlow compiles a graph for each size.

A photo is painted at the next size of a ladder, and the picture is scaled back to the photo's size.
The long side is at most a tenth longer than the photo's and never longer than the limit. The aspect
ratio differs by up to 2 %, too little to notice in the strokes.
"""

import math

from nst_tf.images.resize import Size

LONG_STEP = 2 ** (1 / 8)  # from one long side to the next
ASPECT_STEP = 1.035  # from one aspect ratio to the next
UNLIMITED = 512  # pixels from which long sides are counted where there is no limit


def bucketed(size: Size, max_dim: int, least: int = 1) -> Size:
    """Return the working height and width, pixels.

    Args:
        size: height and width of the photo within `max_dim`, pixels.
        max_dim: limit of the long side; 0 for none.
        least: minimum of each side, pixels.
    """
    long, short = max(size), min(size)
    top = max_dim or UNLIMITED
    rung = math.floor(math.log(top / long, LONG_STEP) + 1e-9)
    new_long = round(top / LONG_STEP**rung)
    aspect = ASPECT_STEP ** round(math.log(long / short, ASPECT_STEP))
    new_short = max(least, 1, round(new_long / aspect))
    return (new_short, new_long) if size[0] <= size[1] else (new_long, new_short)
