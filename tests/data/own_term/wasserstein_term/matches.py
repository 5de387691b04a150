"""Matches with the paintings that lose attraction the more of the picture uses them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.losses.regions import block_means
from nst_tf.losses.term import Statistics, Target, Term
from nst_tf.network.layers import stride

CANDIDATES = 64  # in all paintings together


class Matches(NamedTuple):
    candidates: dict  # by layer: [N, C], of norm 1 over all layers
    weights: tf.Tensor  # of the picture's locations: a map with a sum of 1


@dataclass(frozen=True)
class Varied(Term):
    """Σ_i g_i (1 − cos(x_i, t_i)), where t_i maximises cos(x_i, t) − λ · uses(t) / expected."""

    layers: tuple[str, ...]
    penalty: float
    name = "varied"
    regional = True

    @property
    def grid(self):
        return max(map(stride, self.layers))

    def target_floats_per_pixel(self):
        return 2 * CANDIDATES / self.grid**2  # the cosines of the whole picture, and their gradient

    def target(self, sources):
        chosen = [
            self.candidates(source, round(sources.shares[style] * CANDIDATES))
            for style, source in sources.styles.items()
        ]
        columns = {name: tf.concat([part[name] for part in chosen], 0) for name in self.layers}
        norm = tf.norm(tf.concat([*columns.values()], 1), axis=1, keepdims=True)
        columns = {name: value / (norm + 1e-6) for name, value in columns.items()}
        weights = self.located(sources.content)
        weights = tf.constant((weights / weights.sum())[None, :, :, None])
        return Target(Matches(columns, weights), {self.name: 1.0})

    def candidates(self, source, count):
        """Return features of evenly chosen locations of a painting, `[count, C]` by layer."""
        whole = source._replace(mask=None, guides={})
        maps = whole.statistics(self.layers, self.cells, self.grid, name=self.name).maps
        places = np.flatnonzero(self.located(source) > 0)
        places = places[np.linspace(0, len(places) - 1, count).astype(int)]
        rows = {name: tf.reshape(values, [-1, values.shape[3]]) for name, values in maps.items()}
        return {name: tf.gather(values, places) for name, values in rows.items()}

    def located(self, source):
        """Return how much each location of a picture belongs to its region, `[h, w]`."""
        mask = source.mask
        if mask is None:
            mask = np.ones(source.image.shape[1:3], np.float32)
        return block_means(mask, self.grid)

    def cells(self, features, window):
        """Return the means of a layer's features in each cell of the grid, a map by layer."""
        maps = {}
        for name, values in features.items():
            side = self.grid // stride(name)
            maps[name] = tf.nn.avg_pool2d(tf.cast(values, tf.float32), side, side, "VALID")
        return Statistics(maps=maps)

    def statistics(self, features, values, window):
        cells = self.cells(features, window).maps
        dots = [cells[name] @ tf.transpose(values.candidates[name]) for name in cells]
        squares = [tf.reduce_sum(tf.square(cell), 3, keepdims=True) for cell in cells.values()]
        return Statistics(maps={"dots": tf.add_n(dots), "squares": tf.add_n(squares)})

    def losses(self, statistics, values):
        maps = statistics.maps
        cosines = maps["dots"] * tf.math.rsqrt(maps["squares"] + 1e-6)
        best = penalised_best(cosines, values.weights, self.penalty)
        return {self.name: 1 - tf.reduce_sum(values.weights * best)}


def penalised_best(cosines, weights, penalty):
    """Return the cosine of each location's match, `[1, h, w, 1]`.

    First each location takes the nearest candidate. A candidate that a share u of the picture has
    taken, of N candidates, then loses penalty · N u, and each location chooses again.

    Args:
        cosines: `[1, h, w, N]`.
        weights: of the locations, `[1, h, w, 1]` with a sum of 1.
    """
    count = cosines.shape[3]
    taken = tf.one_hot(tf.argmax(cosines, axis=3), count)
    uses = tf.reduce_sum(weights * taken, [0, 1, 2])
    match = tf.argmax(cosines - penalty * count * uses, axis=3)
    return tf.reduce_sum(cosines * tf.one_hot(match, count), axis=3, keepdims=True)
