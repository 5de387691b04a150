"""A frame before and after it is painted."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.images.masks import Region


class Shot(NamedTuple):
    """A frame of a film as it is to be painted.

    Attributes:
        photo: float32 `[H, W, 3]` in [0, 1], within the settings' `max_dim`.
        regions: which parts are painted like which paintings; empty: all of it like all of them;
            None: nothing is painted.
        alpha: uint8 `[H, W]`; None: opaque. All of the photo is painted all the same.
    """

    photo: np.ndarray
    regions: Sequence[Region] | None = ()
    alpha: np.ndarray | None = None


class Painted(NamedTuple):
    """A frame that has been painted.

    Attributes:
        photo: the film's frame, float32 `[H, W, 3]` in [0, 1].
        image: the optimised image, float32 `[1, H, W, 3]` in [0, 1], in the run's colours.
        result: the image as it is shown.
        covered: how much of each pixel was painted, float32 `[H, W]` in [0, 1]; None: all of it.
    """

    photo: np.ndarray
    image: np.ndarray
    result: np.ndarray
    covered: np.ndarray | None = None
