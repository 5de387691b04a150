"""Style by moments: covariances of the features, and their means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.losses.gram import Gram, blend, mean_square, mean_squared_errors
from nst_tf.losses.term import Features, Sources, Statistics, Target, Term, Window
from nst_tf.settings import Settings

MEAN = "/mean"


class Covariance(Gram):
    """Compare covariance matrices, C = G − μμᵀ with μ = Fᵀ g, instead of Gram matrices.

    The mean is 65 to 90 % of a Gram matrix's energy, so that texture hardly counts in it. The
    covariance leaves the mean free: the term `Mean` compares that.
    """

    def _statistics(self, features: Features, window: Window) -> Statistics:
        sums = dict(super()._statistics(features, window).sums)
        sums |= {name + MEAN: mean(features[name], window.weights(name)) for name in features}
        return Statistics(sums)

    def matrices(self, statistics: Statistics) -> Mapping[str, tf.Tensor]:
        """Return the covariance matrices, float32 `[C, C]` by layer."""
        sums = statistics.sums
        return {
            name: gram - tf.tensordot(sums[name + MEAN], sums[name + MEAN], 0)
            for name, gram in sums.items()
            if not name.endswith(MEAN)
        }


@dataclass(frozen=True)
class Mean(Term):
    """Compare the features' means.

        mean = Σ_l w_l · mean((μ_l − m_l)²) / Σ_l 1        μ = Fᵀ g

    Galerne, Raad, Lezama and Morel ("Scaling Painting Style Transfer", 2022) compare means and
    deviations beside Gram matrices. With covariances, this term keeps the painting's palette.
    """

    layers: tuple[str, ...]
    factors: tuple[float, ...]
    levels: int = 1

    name = "mean"
    regional = True

    @classmethod
    def from_settings(cls, settings: Settings) -> "Mean | None":
        """Return the term that the settings describe; None without a weight."""
        if not settings.mean_weight:
            return None
        factors = settings.style_layer_weights or (1.0,) * len(settings.style_layers)
        return cls(settings.style_layers, factors, settings.style_sizes)

    def target(self, sources: Sources) -> Target:
        """Return the paintings' means, float32 `[C]` by layer, blended."""
        means = {
            style: source.statistics(self.layers, _means, name="Mean").sums
            for style, source in sources.styles.items()
        }
        values, factors = blend(means, sources, self.layers, self.factors)
        sizes = {name: mean_square(value) for name, value in values.items()}
        return Target(values, factors, sizes)

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the layers' weighted sums of features."""
        return _means({name: features[name] for name in values if name in features}, window)

    def losses(self, statistics: Statistics, values: Any) -> Mapping[str, tf.Tensor]:
        """Return the means' mean squared errors by layer."""
        return mean_squared_errors(statistics.sums, values)


def _means(features: Features, window: Window) -> Statistics:
    return Statistics({name: mean(value, window.weights(name)) for name, value in features.items()})


def mean(features: tf.Tensor, weights: tf.Tensor | float) -> tf.Tensor:
    """Return Fᵀ g, float32 `[C]`; arguments as for `gram.gram_matrix`."""
    return tf.reduce_sum(weights * tf.cast(features, tf.float32), axis=[0, 1, 2])
