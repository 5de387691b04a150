"""The keep term: the photo's features inside a mask, for faces and small things."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from nst_tf.images.resize import resize_plane
from nst_tf.losses.content import photo_errors, photo_features
from nst_tf.losses.gram import mean_square
from nst_tf.losses.term import Features, Sources, Statistics, Target, Term, Window
from nst_tf.network.layers import floats_per_pixel
from nst_tf.settings import Settings


class Kept(NamedTuple):
    """What the image is compared with.

    Attributes:
        features: of the photo, float32 `[1, h, w, C]` by layer.
        masks: how much each location is kept, float32 `[1, h, w, 1]`, by layer.
    """

    features: Mapping[str, tf.Tensor]
    masks: Mapping[str, tf.Tensor]


@dataclass(frozen=True)
class Keep(Term):
    """Compare the features of the image with the photo's where a mask keeps them.

        keep = Σ_l mean(m_l (F_l − P_l)²) / Σ_l 1

    It is the content term with a weight for each location. Without a mask it compares nothing.
    """

    layers: tuple[str, ...]

    name = "keep"
    scaled_by_strength = False

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keep | None":
        """Return the term that the settings describe; None without a weight."""
        return cls(settings.keep_layers) if settings.keep_weight else None

    def target_floats_per_pixel(self) -> float:
        """Return how many numbers the photo's features take for each pixel."""
        return floats_per_pixel(self.layers)

    def target(self, sources: Sources) -> Target:
        """Return the photo's features and the mask at each layer, as `Kept`."""
        if sources.keep is None:
            return Target((), {})
        features = photo_features(sources.content, self.layers)
        most = max(1.0, float(sources.keep.max()))  # resampling clips to [0, 1]
        masks = {
            layer: most
            * tf.constant(resize_plane(sources.keep / most, value.shape[1:3])[None, :, :, None])
            for layer, value in features.items()
        }
        normalizers = {layer: mean_square(value) for layer, value in features.items()}
        return Target(Kept(features, masks), dict.fromkeys(self.layers, 1.0), normalizers)

    def statistics(self, features: Features, values: Kept, window: Window) -> Statistics:
        """Return the layers' weighted mean squared errors."""
        return photo_errors(features, values.features, window, values.masks)
