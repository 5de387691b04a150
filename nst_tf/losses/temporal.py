"""The temporal term: the frame before, moved to where things are now."""

from dataclasses import dataclass

import tensorflow as tf

from nst_tf.inputs.reference import Reference
from nst_tf.losses.term import PIXELS, Features, Sources, Statistics, Target, Term, Window
from nst_tf.settings import Settings


@dataclass(frozen=True)
class Temporal(Term):
    """Compare the image with a reference where that can be trusted.

        temporal = Σ c (I − R)² / (3 H W)

    R is an earlier frame warped by optical flow, and c the confidence of each pixel (Ruder,
    Dosovitskiy and Brox, "Artistic style transfer for videos", arXiv 1604.08610, eq. 8).
    `video.reference` makes both. Several references, as in eq. 10, are their mean weighted by their
    confidences: the sum of their squares differs from this term by a constant. Without a reference
    it compares nothing.
    """

    name = "temporal"
    layers = ()
    scaled_by_strength = False

    @classmethod
    def from_settings(cls, settings: Settings) -> "Temporal | None":
        """Return the term; None without a weight."""
        return cls() if settings.temporal_weight else None

    def target_floats_per_pixel(self) -> float:
        """Return how many numbers the reference takes for each pixel."""
        return 4.0

    def target(self, sources: Sources) -> Target:
        """Return the reference and its confidence, float32 `[1, H, W, 3]` and `[1, H, W, 1]`."""
        if sources.reference is None:
            return Target((), {})
        found = sources.reference.at(sources.content.image.shape[1:3])
        values = Reference(tf.constant(found.image), tf.constant(found.confidence[None, ..., None]))
        return Target(values, {self.name: 1.0})

    def statistics(self, features: Features, values: Reference, window: Window) -> Statistics:
        """Return the share of the window's pixels in the mean."""
        error = tf.math.squared_difference(features[PIXELS], window.crop(values.image, 1))
        weighted = window.crop(values.confidence, 1) * error
        return Statistics({self.name: tf.reduce_sum(weighted) / (3 * window.locations(1))})
