"""Style by moments: covariances of the features, and their means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.losses.gram import Gram, blend, mean_square, mean_squared_errors
from nst_tf.losses.term import Features, Sources, Statistics, Target, Term, Window
from nst_tf.network.gradients import custom_gradient
from nst_tf.settings import Settings

MEAN = "/mean"


class Covariance(Gram):
    """Compare covariance matrices, C = G − μμᵀ with μ = Fᵀ g, instead of Gram matrices.

    The mean is 65 to 90 % of a Gram matrix's energy, so that texture hardly counts in it. The
    covariance leaves the mean free: the term `Mean` compares that.
    """

    statistics_key = "moments"

    def _statistics(self, features: Features, window: Window) -> Statistics:
        return _moments_by_layer(features, window)

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
    statistics_key = Covariance.statistics_key

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
            style: _means(
                source.statistics(self.layers, _moments_by_layer, name=Covariance.__name__)
            )
            for style, source in sources.styles.items()
        }
        values, factors = blend(means, sources, self.layers, self.factors)
        normalizers = {name: mean_square(value) for name, value in values.items()}
        return Target(values, factors, normalizers)

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the layers' moments, as `Covariance` does."""
        return _moments_by_layer(
            {name: features[name] for name in values if name in features}, window
        )

    def losses(self, statistics: Statistics, values: Any) -> Mapping[str, tf.Tensor]:
        """Return the means' mean squared errors by layer."""
        return mean_squared_errors(_means(statistics), values)


def _moments_by_layer(features: Features, window: Window) -> Statistics:
    sums = {}
    for name, value in features.items():
        sums[name], sums[name + MEAN] = moments(value, window.weights(name))
    return Statistics(sums)


def _means(statistics: Statistics) -> dict[str, tf.Tensor]:
    return {
        name.removesuffix(MEAN): value
        for name, value in statistics.sums.items()
        if name.endswith(MEAN)
    }


def moments(features: tf.Tensor, weights: tf.Tensor | float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return Fᵀ diag(g) F and Fᵀ g, float32 `[C, C]` and `[C]`; arguments as for `gram_matrix`."""
    rows = tf.reshape(features, [-1, features.shape[-1]])
    if isinstance(weights, float):
        gram, total = _moments(rows)
        return weights * gram, weights * total
    return _guided_moments(rows, tf.reshape(weights, [-1, 1]))


@custom_gradient
def _moments(rows):
    def vjp(gram, mean):
        # Added before they are rounded to the features' precision: much of them cancels.
        slope = tf.matmul(tf.cast(rows, tf.float32), gram + tf.transpose(gram)) + mean
        return tf.cast(slope, rows.dtype)

    precise = tf.cast(rows, tf.float32)
    gram = tf.matmul(precise, precise, transpose_a=True)
    return (gram, tf.reduce_sum(precise, axis=0)), vjp


@custom_gradient
def _guided_moments(rows, guide):
    def vjp(gram, mean):
        slope = tf.matmul(tf.cast(rows, tf.float32), gram + tf.transpose(gram)) + mean
        return tf.cast(guide * slope, rows.dtype), None

    precise = tf.cast(rows, tf.float32)
    gram = tf.matmul(guide * precise, precise, transpose_a=True)
    return (gram, tf.matmul(guide, precise, transpose_a=True)[0]), vjp
