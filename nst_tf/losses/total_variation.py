"""The total variation: how rough the image is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.losses.term import PIXELS, Features, Source, Sources, Statistics, Target, Term, Window
from nst_tf.network.gradients import sides
from nst_tf.settings import Settings


@dataclass(frozen=True)
class TotalVariation(Term):
    """Sum the differences between neighbouring pixels.

        total_variation = Σ |I[y+1, x] − I[y, x]| + Σ |I[y, x+1] − I[y, x]|

    The anisotropic sum of `tf.image.total_variation`, on the image in [0, 1]; it grows with the
    number of pixels. Differences between two pixels that no region covers are left out: they are
    the photo's, and constant. A relative loss divides by the paintings' variation for the same
    number of pixels.
    """

    name = "total_variation"
    layers = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> "TotalVariation":
        """Return the term."""
        return cls()

    def target(self, sources: Sources) -> Target:
        """Return which differences count: float32 `[1, H−1, W, 1]` and `[1, H, W−1, 1]`, or ()."""
        values: tuple[tf.Tensor, ...] = ()
        if sources.covered is not None:
            covered = (sources.covered > 0).astype(np.float32)[None, :, :, None]
            down = np.maximum(covered[:, 1:], covered[:, :-1])
            across = np.maximum(covered[:, :, 1:], covered[:, :, :-1])
            values = (tf.constant(down), tf.constant(across))
        height, width = sources.content.image.shape[1:3]
        variations = sum(
            area * share * variation(region.styles[style])
            for area, region in sources.regions
            for style, share in region.shares.items()
        )
        variations /= sum(area for area, _ in sources.regions) or 1.0
        normalizer = variations * 3 * height * width
        return Target(values, {self.name: 1.0}, {self.name: normalizer})

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the sum of the differences, of the whole image."""
        down, across = map(tf.abs, differences(features[PIXELS]))
        if values:
            down, across = down * values[0], across * values[1]
        return Statistics({self.name: tf.reduce_sum(down) + tf.reduce_sum(across)})


def differences(image: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return each pixel of `[1, H, W, C]` less the one above it, and less the one on its left."""
    height, width = sides(image)
    channels = image.shape[-1]

    def part(top, left, rows, columns):
        # Its gradient is a padding, which takes a third of the time of that of an index.
        return tf.slice(image, [0, top, left, 0], [1, rows, columns, channels])

    down = part(1, 0, height - 1, width) - part(0, 0, height - 1, width)
    across = part(0, 1, height, width - 1) - part(0, 0, height, width - 1)
    return down, across


def variation(source: Source) -> float:
    """Return the total variation of a part of a picture, divided by the part's count of numbers."""
    image = source.image.numpy()
    mask = np.ones(image.shape[1:3], np.float32) if source.mask is None else source.mask
    total = 0.0
    for axis in range(2):
        one, other = (np.delete(mask, edge, axis) for edge in (0, -1))
        steps = np.abs(np.diff(image[0], axis=axis)).sum(axis=-1)
        total += float((steps * np.minimum(one, other)).sum(dtype=np.float64))
    return total / (image.shape[-1] * (float(mask.sum(dtype=np.float64)) or 1.0))
