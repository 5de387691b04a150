"""The photo and the paintings at the size of a scale."""

from dataclasses import dataclass

import numpy as np

from nst_tf.images.resize import resize, scaled
from nst_tf.images.wrap import resize_tile
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale


@dataclass(frozen=True, eq=False)
class Pictures:
    """The photo and the paintings at a scale, float32 `[1, h, w, 3]` in [0, 1]."""

    photo: np.ndarray
    paintings: list[np.ndarray]

    @classmethod
    def at(cls, fitted: RunInputs, scale: Scale) -> "Pictures":
        """Return the pictures of a run resampled to a scale, in the colours that the run uses."""
        paintings = [
            resize(style, scaled(style.shape[1:3], scale.ratio)) for style in fitted.colors.styles
        ]
        tileable = fitted.settings.tileable
        return cls(resize_tile(fitted.colors.content, scale.size, tileable), paintings)
