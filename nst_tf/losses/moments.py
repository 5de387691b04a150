"""Style by moments: covariances of the features, and their means."""

from collections.abc import Mapping

import tensorflow as tf

from nst_tf.losses.gram import Gram, is_number
from nst_tf.losses.term import Features, Statistics, Window
from nst_tf.network.gradients import custom_gradient
from nst_tf.settings import Settings

MEAN = "/mean"


class _Moments(Gram):
    """A term that sees the features' Gram matrices and means."""

    statistics_key = "moments"

    def _statistics(self, features: Features, window: Window) -> Statistics:
        sums = {}
        for name, value in features.items():
            sums[name], sums[name + MEAN] = moments(value, window.weights(name))
        return Statistics(sums)


class Covariance(_Moments):
    """Compare covariance matrices, C = G − μμᵀ with μ = Fᵀ g, instead of Gram matrices.

    The mean is 65 to 90 % of a Gram matrix's energy, so that texture hardly counts in it. The
    covariance leaves the mean free: the term `Mean` compares that.
    """

    def compared(self, statistics: Statistics) -> Mapping[str, tf.Tensor]:
        """Return the covariance matrices, float32 `[C, C]` by layer."""
        sums = statistics.sums
        return {
            name: gram - outer_product(sums[name + MEAN])
            for name, gram in sums.items()
            if not name.endswith(MEAN)
        }


class Mean(_Moments):
    """Compare the features' means.

        mean = Σ_l w_l · mean((μ_l − m_l)²) / Σ_l 1        μ = Fᵀ g

    Galerne, Raad, Lezama and Morel ("Scaling Painting Style Transfer", 2022) compare means and
    deviations beside Gram matrices. With covariances, this term keeps the painting's palette.
    """

    name = "mean"

    @classmethod
    def from_settings(cls, settings: Settings) -> "Gram | None":
        """Return the term that the settings describe; None without a weight."""
        return super().from_settings(settings) if settings.mean_weight else None

    def compared(self, statistics: Statistics) -> Mapping[str, tf.Tensor]:
        """Return the means, float32 `[C]` by layer."""
        return {
            name.removesuffix(MEAN): value
            for name, value in statistics.sums.items()
            if name.endswith(MEAN)
        }

    def least_normalizers(self, grams: Mapping[str, tf.Tensor]) -> Mapping[str, float]:
        """Return no lower bounds."""
        return dict.fromkeys(grams, 0.0)


def outer_product(vector: tf.Tensor) -> tf.Tensor:
    """Return v vᵀ, `[C, C]`, for a vector `[C]`, with fewer nodes than `tf.tensordot`."""
    column = tf.reshape(vector, [-1, 1])
    return tf.matmul(column, column, transpose_b=True)


def moments(features: tf.Tensor, weights: tf.Tensor | float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return Fᵀ diag(g) F and Fᵀ g, float32 `[C, C]` and `[C]`; arguments as for `gram_matrix`."""
    rows = tf.reshape(features, [-1, features.shape[-1]])
    if is_number(weights):
        gram, total = _moments(rows)
        return weights * gram, weights * total
    return _guided_moments(rows, tf.reshape(weights, [-1, 1]))


@custom_gradient
def _moments(rows):
    def vjp(gram, mean):
        # Added before they are rounded to the features' precision: much of them cancels.
        cotangent = tf.matmul(tf.cast(rows, tf.float32), gram + tf.transpose(gram)) + mean
        return tf.cast(cotangent, rows.dtype)

    precise = tf.cast(rows, tf.float32)
    gram = tf.matmul(precise, precise, transpose_a=True)
    # A product with ones takes a third of the time of a sum over the rows.
    ones = tf.ones([1, rows.shape[0] or tf.shape(rows)[0]])
    return (gram, tf.reshape(tf.matmul(ones, precise), [-1])), vjp


@custom_gradient
def _guided_moments(rows, guide):
    def vjp(gram, mean):
        cotangent = tf.matmul(tf.cast(rows, tf.float32), gram + tf.transpose(gram)) + mean
        return tf.cast(guide * cotangent, rows.dtype), None

    precise = tf.cast(rows, tf.float32)
    gram = tf.matmul(guide * precise, precise, transpose_a=True)
    return (gram, tf.matmul(guide, precise, transpose_a=True)[0]), vjp
