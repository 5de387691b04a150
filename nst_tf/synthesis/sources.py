"""Paintings as the source of patches."""

from dataclasses import dataclass

import numpy as np

from nst_tf.images.resize import Size, scaled
from nst_tf.utils.describe import brief


@dataclass(frozen=True, eq=False)
class PaintSource:
    """A painting that patches are taken from.

    Attributes:
        image: the painting at its own size, float32 `[h, w, 3]` in [0, 1], in the run's colours.
        side: its long side at the result's size, pixels, which `style_scale` and `detail` set. A
            painting is never enlarged: above its own long side it keeps its own pixels.
    """

    image: np.ndarray
    side: float

    __repr__ = brief

    def size_at(self, ratio: float) -> Size:
        """Return height and width at a level, whose sides are `ratio` times the result's."""
        own = self.image.shape[:2]
        return scaled(own, min(1.0, self.side * ratio / max(own)))
