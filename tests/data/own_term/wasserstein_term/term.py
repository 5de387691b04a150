"""The squared Wasserstein-2 distance of the features, taken as Gaussians."""

from dataclasses import dataclass

import tensorflow as tf

from nst_tf.losses.gram import blend
from nst_tf.losses.moments import MEAN, moments, outer_product
from nst_tf.losses.term import Statistics, Target, Term

LEAST = 1e-6  # least eigenvalue, relative to the mean one: its root has a finite slope


@dataclass(frozen=True)
class Wasserstein(Term):
    """W₂² = |μ − m|² + tr(C + S − 2 (S^½ C S^½)^½), with means μ, m and covariances C, S."""

    layers: tuple[str, ...]
    name = "wasserstein"
    regional = True

    def target(self, sources):
        found = {
            style: source.statistics(self.layers, self.moments, name=self.name).sums
            for style, source in sources.styles.items()
        }
        means = {
            style: {layer: sums[layer + MEAN] for layer in self.layers if layer in sums}
            for style, sums in found.items()
        }
        factors = (1.0,) * len(self.layers)
        grams, weights = blend(found, sources, self.layers, factors)
        means, _ = blend(means, sources, self.layers, factors)
        values = {name: (means[name], square_root(grams[name], means[name])) for name in grams}
        sizes = {name: float(tf.linalg.trace(gram)) for name, gram in grams.items()}
        return Target(values, weights, sizes)

    def statistics(self, features, values, window):
        return self.moments({name: features[name] for name in values if name in features}, window)

    def moments(self, features, window):
        sums = {}
        for name, maps in features.items():
            sums[name], sums[name + MEAN] = moments(maps, window.weights(name))
        return Statistics(sums)

    def losses(self, statistics, values):
        sums = statistics.sums
        return {name: distance(sums[name], sums[name + MEAN], *values[name]) for name in values}


def square_root(gram, mean):
    """Return the root of the covariance of features with these moments, `[C, C]`."""
    variances, axes = tf.linalg.eigh(gram - outer_product(mean))
    return tf.matmul(axes * tf.sqrt(tf.maximum(variances, 0.0)), axes, transpose_b=True)


def distance(gram, mean, target_mean, root):
    covariance = gram - outer_product(mean)
    total = tf.reduce_sum(tf.square(root))  # the target's variance, over all channels
    variances = tf.linalg.eigvalsh(root @ covariance @ root)
    least = LEAST * (total / root.shape[0]) ** 2
    common = 2 * tf.reduce_sum(tf.sqrt(tf.maximum(variances, least)))
    apart = tf.reduce_sum(tf.math.squared_difference(mean, target_mean))
    return apart + tf.linalg.trace(covariance) + total - common
