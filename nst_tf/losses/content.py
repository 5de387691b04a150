"""The content term: the photo's features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.losses.gram import mean_square
from nst_tf.losses.term import Features, Source, Sources, Statistics, Target, Term, Window
from nst_tf.network.layers import floats_per_pixel, stride
from nst_tf.settings import Settings


@dataclass(frozen=True)
class Content(Term):
    """Compare the features of the image with the photo's, location by location.

        content = Σ_l w_l · mean((F_l − P_l)²) / Σ_l 1

    Gatys et al. (arXiv 1508.06576, eq. 1) sum where this term averages. Regions share it: what
    they do not cover is the photo already.
    """

    layers: tuple[str, ...]
    factors: tuple[float, ...]

    name = "content"
    scaled_by_strength = False

    @classmethod
    def from_settings(cls, settings: Settings) -> "Content":
        """Return the term that the settings describe."""
        factors = settings.content_layer_weights or (1.0,) * len(settings.content_layers)
        return cls(settings.content_layers, factors)

    def target_floats_per_pixel(self) -> float:
        """Return how many numbers the photo's features have for each pixel."""
        return floats_per_pixel(self.layers)

    def target(self, sources: Sources) -> Target:
        """Return the photo's features, float32 `[1, h, w, C]` by layer."""
        factors = dict(zip(self.layers, self.factors, strict=True))
        used = [layer for layer, factor in factors.items() if factor]
        values = photo_features(sources.content, used)
        normalizers = {layer: mean_square(value) for layer, value in values.items()}
        return Target(values, factors, normalizers)

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the layers' mean squared errors."""
        return photo_errors(features, values, window)


def photo_features(photo: Source, layers: Sequence[str]) -> dict[str, tf.Tensor]:
    """Return the features of some layers, float32 `[1, h, w, C]`."""
    return {
        layer: photo.statistics((layer,), _features, stride(layer)).maps[layer] for layer in layers
    }


def photo_errors(
    features: Features,
    photo: Features,
    window: Window,
    masks: Mapping[str, tf.Tensor] | None = None,
) -> Statistics:
    """Return the mean squared errors of the photo's layers, weighted where there are masks."""
    errors = {}
    for layer in [name for name in features if name in photo]:
        step = stride(layer)
        ours = tf.cast(features[layer], tf.float32)
        error = tf.math.squared_difference(ours, window.crop(photo[layer], step))
        if masks:
            error = window.crop(masks[layer], step) * error
        errors[layer] = tf.reduce_sum(error) / (window.locations(step) * ours.shape[-1])
    return Statistics(errors)


def _features(features: Features, window: Window) -> Statistics:
    return Statistics(maps={name: tf.cast(value, tf.float32) for name, value in features.items()})
