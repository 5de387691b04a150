"""The style term: correlations between the features of a layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from nst_tf.losses.term import Features, Sources, Statistics, Target, Term, Window
from nst_tf.network.gradients import custom_gradient
from nst_tf.settings import Settings

# Lower bound of a relative loss's normalizer, as a fraction of the Gram matrix's mean square. The
# covariance of a region of one location is 0; that of whole paintings is at least 1 %.
LEAST_NORMALIZER = 1e-3


@dataclass(frozen=True)
class Gram(Term):
    """Compare the Gram matrices of the image with the paintings'.

        style = Σ_l w_l · mean((G_l − A_l)²) / Σ_l 1        G = Fᵀ diag(g) F

    g weighs the locations: 1 / (H·W) each, or a region's guide. Gatys et al. (arXiv 1508.06576,
    eqs. 3 to 5) do not divide by the locations; with the division, pictures of different sizes can
    be compared. Their term is a quarter of this one for a picture and a painting of the same size.
    """

    layers: tuple[str, ...]
    factors: tuple[float, ...]
    """A factor for each layer, or for each layer of each painting in turn."""
    levels: int = 1

    name = "style"
    regional = True

    @classmethod
    def from_settings(cls, settings: Settings) -> "Gram | None":
        """Return the term that the settings describe."""
        factors = settings.style_layer_weights or (1.0,) * len(settings.style_layers)
        return cls(settings.style_layers, factors, settings.style_sizes)

    def target(self, sources: Sources) -> Target:
        """Return the paintings' matrices, float32 `[C, C]` by layer, blended."""
        key = self.statistics_key or self.name
        statistics = {
            style: source.statistics(self.layers, self._statistics, name=key)
            for style, source in sources.styles.items()
        }
        matrices = {style: self.compared(found) for style, found in statistics.items()}
        grams = {style: found.sums for style, found in statistics.items()}
        values, factors = blend(matrices, sources, self.layers, self.factors)
        least = self.least_normalizers(blend(grams, sources, self.layers, self.factors)[0])
        normalizers = {name: max(mean_square(value), least[name]) for name, value in values.items()}
        return Target(values, factors, normalizers)

    def least_normalizers(self, grams: Mapping[str, tf.Tensor]) -> Mapping[str, float]:
        """Return lower bounds of a relative loss's normalizers, from the paintings' matrices."""
        return {name: LEAST_NORMALIZER * mean_square(gram) for name, gram in grams.items()}

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the layers' weighted sums of outer products."""
        return self._statistics(
            {name: features[name] for name in values if name in features}, window
        )

    def _statistics(self, features: Features, window: Window) -> Statistics:
        return Statistics(
            {name: gram_matrix(value, window.weights(name)) for name, value in features.items()}
        )

    def compared(self, statistics: Statistics) -> Mapping[str, tf.Tensor]:
        """Return the matrices to compare, by layer."""
        return statistics.sums

    def losses(self, statistics: Statistics, values: Any) -> Mapping[str, tf.Tensor]:
        """Return the mean squared errors by layer."""
        return mean_squared_errors(self.compared(statistics), values)


def mean_square(values: tf.Tensor) -> float:
    """Return the mean square of all elements."""
    return float(tf.reduce_mean(tf.square(values)))


def mean_squared_errors(
    ours: Mapping[str, tf.Tensor], theirs: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    """Return mean((X − T)²) over all elements for each name of `theirs`, scalars."""
    return {
        name: tf.reduce_mean(tf.math.squared_difference(ours[name], value))
        for name, value in theirs.items()
    }


def blend(
    values: Mapping[int, Mapping[str, tf.Tensor]],
    sources: Sources,
    layers: tuple[str, ...],
    factors: tuple[float, ...],
) -> tuple[dict[str, tf.Tensor], dict[str, float]]:
    """Return the mean of several paintings' targets and the layers' weights.

    The sum of the losses to several paintings s with shares differs from the loss to their blend
    Σ_s w_sl A_sl / Σ_s w_sl, weighted by Σ_s w_sl, only by a constant.

    Args:
        values: tensors by painting, then by layer. Keys are the indices of `sources.styles` and the
            names in `layers`: other keys are ignored, and a layer may be missing where a region
            has no location.
        sources: what they are made from.
        layers: those of the term.
        factors: of each layer, or of each layer of the first painting, then of the second, …

    Returns:
        Tensors and weights by layer: means of the paintings' tensors, weighted by share and factor,
        and the sums of these weights, for `Target.factors`.
    """
    weights: dict[str, float] = {}
    sums: dict[str, tf.Tensor] = {}
    located = sources.content.located(layers)
    for style, share in sources.shares.items():
        first = style * len(layers) if len(factors) > len(layers) else 0
        for name, factor in zip(layers, factors[first:], strict=False):
            if name in values[style] and name in located:
                weights[name] = weights.get(name, 0.0) + share * factor
                sums[name] = sums.get(name, 0.0) + share * factor * values[style][name]
    return {name: total / (weights[name] or 1.0) for name, total in sums.items()}, weights


def gram_matrix(features: tf.Tensor, weights: tf.Tensor | float) -> tf.Tensor:
    """Return the weighted correlations of the channels, Fᵀ diag(g) F, float32 `[C, C]`.

    Args:
        features: `[1, H, W, C]`, float32 or bfloat16.
        weights: g, a number or scalar for all locations, or float32 `[1, H, W, 1]`; a constant.
    """
    locations = tf.reshape(features, [-1, features.shape[-1]])
    if is_number(weights):
        return _correlation(locations, weights)
    return _guided_correlation(locations, tf.reshape(weights, [-1, 1]))


def is_number(weights: tf.Tensor | float) -> bool:
    """Return whether all locations have one weight."""
    return isinstance(weights, float) or weights.shape.rank == 0


def _correlation(locations: tf.Tensor, weight: tf.Tensor | float) -> tf.Tensor:
    @custom_gradient
    def correlation(locations):
        # With S = Ḡ + Ḡᵀ the cotangent of L is g L S: one product, where autodiff needs two.
        def vjp(upstream):
            symmetric = weight * (upstream + tf.transpose(upstream))
            # The cast is here because a float32 copy of bfloat16 features would be kept until now.
            return tf.cast(tf.matmul(tf.cast(locations, tf.float32), symmetric), locations.dtype)

        precise = tf.cast(locations, tf.float32)
        return weight * tf.matmul(precise, precise, transpose_a=True), vjp

    return correlation(locations)


@custom_gradient
def _guided_correlation(locations, guide):
    def vjp(upstream):
        symmetric = upstream + tf.transpose(upstream)
        product = guide * tf.matmul(tf.cast(locations, tf.float32), symmetric)
        return tf.cast(product, locations.dtype), None

    precise = tf.cast(locations, tf.float32)
    return tf.matmul(guide * precise, precise, transpose_a=True), vjp
