"""The objective's terms, as pure functions of features and pixels.

    total = content_weight · content + style_weight · style + total_variation_weight · TV

Every mean is over all elements and every term is differentiable almost everywhere. All arguments
and results are float32 tensors; a batch holds one picture.
"""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf


class Losses(NamedTuple):
    """The weighted terms of the objective and their sum: scalar tensors, or numbers once read."""

    total: float
    style: float
    content: float
    total_variation: float


def read(losses: Losses) -> Losses:
    """Return the terms as Python numbers, waiting for their computation."""
    return Losses(*(float(term) for term in losses))


def gram_matrix(features: tf.Tensor, guide: tf.Tensor | None = None) -> tf.Tensor:
    """Return the correlations of the channels, averaged over the locations.

        G = Fᵀ F / (H·W),  or with a guide g  G = Fᵀ diag(g) F

    Gatys et al. (arXiv 1508.06576, eq. 3) leave out the division; with it, pictures of different
    sizes can be compared.

    Args:
        features: `[1, H, W, C]`, a layer's output, float32 or bfloat16.
        guide: float32 `[1, H, W, 1]` with a sum of 1, from `guides.layer_guide`.

    Returns:
        float32 `[C, C]`, symmetric and positive semi-definite.
    """
    locations = tf.reshape(features, [-1, features.shape[-1]])
    if guide is None:
        return _mean_correlation(locations)
    return _guided_correlation(locations, tf.reshape(guide, [-1, 1]))


@tf.custom_gradient
def _mean_correlation(locations):
    """Return LᵀL / rows(L), pulling back with one product where autodiff would need two.

    With S = Ḡ + Ḡᵀ, L's cotangent is L S / rows(L): the two products of the automatic gradient
    share their large factor.
    """
    precise = tf.cast(locations, tf.float32)
    count = tf.cast(tf.shape(locations)[0], tf.float32)

    def pull_back(upstream):
        # Cast anew, so that of features in half precision no float32 copy waits for this.
        product = tf.matmul(
            tf.cast(locations, tf.float32), (upstream + tf.transpose(upstream)) / count
        )
        return tf.cast(product, locations.dtype)

    return tf.matmul(precise, precise, transpose_a=True) / count, pull_back


@tf.custom_gradient
def _guided_correlation(locations, guide):
    """Return Lᵀ diag(g) L, likewise; L's cotangent is diag(g) L S. The guide is a constant."""

    def pull_back(upstream):
        slope = upstream + tf.transpose(upstream)
        product = guide * tf.matmul(tf.cast(locations, tf.float32), slope)
        return tf.cast(product, locations.dtype), None

    precise = tf.cast(locations, tf.float32)
    return tf.matmul(guide * precise, precise, transpose_a=True), pull_back


def mean_squared_error(values: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Return mean((values − targets)²) over all elements, a scalar; the shapes must agree."""
    values.shape.assert_is_compatible_with(targets.shape)
    return tf.reduce_mean(tf.math.squared_difference(tf.cast(values, targets.dtype), targets))


def layer_loss(
    values: Mapping[str, tf.Tensor],
    targets: Mapping[str, tf.Tensor],
    factors: Mapping[str, tf.Tensor],
) -> tf.Tensor:
    """Return the mean over the layers of each layer's weighted mean squared error, unweighted.

        Σ_l w_l · mean((X_l − T_l)²) / Σ_l 1

    With Gram matrices this is the style loss, with features the content loss. Gatys' style term
    (eqs. 4 and 5) is a quarter of it where picture and style have the same size, and his content
    term (eq. 1) sums instead of averaging.

    Args:
        values: per layer, the generated image's features `[1, H, W, C]` or Gram matrix `[C, C]`.
        targets: the same of the content or style image.
        factors: per layer, its weight w_l, a scalar.

    Returns:
        A scalar, at least 0.
    """
    terms = [
        factor * mean_squared_error(values[name], targets[name]) for name, factor in factors.items()
    ]
    return tf.add_n(terms) / len(terms)


def total_variation_loss(image: tf.Tensor) -> tf.Tensor:
    """Return the anisotropic total variation, a sum as in `tf.image.total_variation`.

        Σ |I[y+1, x] − I[y, x]| + Σ |I[y, x+1] − I[y, x]|

    Args:
        image: `[1, H, W, 3]` in [0, 1].

    Returns:
        A scalar; it grows with the number of pixels.
    """
    return tf.reduce_sum(tf.image.total_variation(image))


def halved(image: tf.Tensor, times: int) -> tf.Tensor:
    """Return the image at half its size, so many times, as means of its pixels."""
    return tf.nn.avg_pool2d(image, 2**times, 2**times, "VALID") if times else image


def size_shares(count: int) -> list[float]:
    """Return the shares of the style's sizes: as the numbers of their pixels, 1 in all."""
    shares = [4.0**-size for size in range(count)]
    return [share / sum(shares) for share in shares]
