"""The neighbour term: each place of the picture resembles the painting's place nearest to it.

Every place of the photo is matched with the place of a painting whose features resemble it most,
and the picture's features there are pulled towards that place's (Kolkin, Kucera, Paris, Sykora,
Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer", arXiv 2203.13215; the idea of Chen
and Schmidt, arXiv 1612.04337). Matches are made once a scale, so that the objective is smooth and
L-BFGS can minimise it. The paper does so too, but its last pass matches before every step. Unlike
in the paper, the loss is centred as the matching is: what all places share is the palette, which
the term `Mean` compares.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.losses.regions import block_means
from nst_tf.losses.term import Features, Source, Sources, Statistics, Target, Term, Window
from nst_tf.network.gradients import custom_gradient
from nst_tf.network.layers import floats_per_pixel, stride
from nst_tf.settings import Settings
from nst_tf.utils.digests import array_digest

PLACE = 4  # pixels between two places: the paper's grid, a quarter of the size
CANDIDATES = 4096  # maximum of all paintings together: twice as many do hardly better
PHOTO_SHARE = 0.65  # of the query; the rest is the image that the scale starts with
PRIOR = 0.1  # centred cosine that a painting with the share 1/e gives away
CHUNK = 2048  # places that are compared with all candidates at once
LEAST_SQUARE = 1e-8  # below it, a column has no direction

log = logging.getLogger(__name__)


class Neighbors(NamedTuple):
    """What the image is compared with.

    Attributes:
        columns: by layer, the candidates' features `[N, C]` less their mean, divided by the norms
            of the columns, and rows of zeros up to a power of two, so that paintings of many sizes
            lead to few shapes, for each of which TensorFlow traces a graph.
        means: by layer, the mean of the candidates' features, `[C]`.
        match: int32 `[1, h, w, k]`, the candidate of each of the k places of a cell.
        weights: float32 of that shape, how much each place counts, 1 in all; or a number.
    """

    columns: Mapping[str, tf.Tensor]
    means: Mapping[str, tf.Tensor]
    match: tf.Tensor
    weights: tf.Tensor | float


@dataclass(frozen=True)
class Neighbor(Term):
    """Compare the image's hypercolumns with those of the matched places.

        neighbor = Σ_i g_i (1 − ⟨x_i − m, t_i⟩ / |x_i − m|)        |t_i| = 1

    The hypercolumn x_i of a place holds the features of all layers on a grid of 4 pixels, each
    divided by its layer's number of channels; finer maps are averaged, coarser ones repeated. m is
    the candidates' mean column, and t_i the direction from it to the match. g weighs the places:
    alike, or by the region.

    The candidates are places of the paintings: at most 4096, of which each painting, and each of
    its turns, has an equal share; a painting with more places is thinned to a regular grid. A match
    maximises the cosine after subtraction of the mean column of each side, plus 0.1 · log(share)
    for several paintings. The query is 0.65 of the photo and 0.35 of the image that the scale
    starts with; at the first scale it is the photo.
    """

    layers: tuple[str, ...]
    rotations: int = 0

    name = "neighbor"
    regional = True

    @classmethod
    def from_settings(cls, settings: Settings) -> "Neighbor | None":
        """Return the term that the settings describe; None without a weight."""
        if not settings.neighbor_weight:
            return None
        return cls(settings.neighbor_layers, settings.neighbor_rotations)

    @property
    def grid(self) -> int:  # type: ignore[override]
        """Pixels between two cells, each of which holds whole locations of all layers."""
        return max(PLACE, *map(stride, self.layers))

    def workspace_floats_per_pixel(self) -> float:
        """Return what columns, matched columns, products and slopes take for each pixel."""
        return 5 * sum(floats_per_pixel([name]) * stride(name) ** 2 for name in self.layers) / 16

    def target(self, sources: Sources) -> Target:
        """Return the candidates and the matches, as `Neighbors`."""
        candidates, bias = self._candidates(sources)
        means = {name: tf.reduce_mean(values, axis=0) for name, values in candidates.items()}
        columns = directions({name: candidates[name] - means[name] for name in self.layers})
        weights = self._weights(sources.content)
        query = sources.content
        if sources.start is not None:
            mixed = PHOTO_SHARE * query.image + (1 - PHOTO_SHARE) * sources.start
            query = query._replace(image=mixed)
        match = self._match(query, columns, bias, weights)
        filled = {name: filled_up(values) for name, values in columns.items()}
        return Target(Neighbors(filled, means, match, weights), {self.name: 1.0})

    def statistics(self, features: Features, values: Neighbors, window: Window) -> Statistics:
        """Return ⟨x − m, t⟩ and |x − m|² of the places, to be added up over the layers."""
        match = unfold(window.crop(values.match, self.grid), self.grid // PLACE)[..., 0]
        dots, squares = [], []
        for name, value in features.items():
            theirs = tf.gather(values.columns[name], match)
            ours = places(value, name, self.grid) - values.means[name]
            dot, square = products(ours, theirs)
            dots.append(dot)
            squares.append(square)
        folded = (fold(tf.add_n(maps), self.grid // PLACE) for maps in (dots, squares))
        return Statistics(maps=dict(zip(("dot", "square"), folded, strict=True)))

    def losses(self, statistics: Statistics, values: Neighbors) -> Mapping[str, tf.Tensor]:
        """Return the mean distance of the places, a scalar."""
        dot, square = statistics.maps["dot"], statistics.maps["square"]
        distance = 1 - dot * tf.math.rsqrt(tf.maximum(square, LEAST_SQUARE))
        return {self.name: tf.reduce_sum(values.weights * distance)}

    def _weights(self, source: Source) -> tf.Tensor | float:
        """Return how much each place of a picture counts, folded, 1 in all."""
        height, width = (side // self.grid for side in source.image.shape[1:3])
        if source.mask is None:
            return 1 / (height * width * (self.grid // PLACE) ** 2)
        means = block_means(source.mask, PLACE)
        rows, columns = (side * self.grid // PLACE for side in (height, width))
        means = means[:rows, :columns] / (means[:rows, :columns].sum(dtype=np.float64) or 1.0)
        return fold(tf.constant(means[None, :, :, None], tf.float32), self.grid // PLACE)

    def _candidates(self, sources: Sources) -> tuple[dict[str, tf.Tensor], np.ndarray]:
        """Return the candidates' columns by layer, `[N, C]`, and what to add to their cosines."""
        used = {style: share for style, share in sources.shares.items() if share}
        found: list[Statistics] = []
        bias: list[np.ndarray] = []
        views = [
            (share, turned(sources.styles[style], turns))
            for style, share in used.items()
            for turns in range(self.rotations + 1)
        ]
        for share, view in views:
            chosen, count = self._sample(view, CANDIDATES // len(views))
            log.info("%d of %d places of a painting are candidates", len(chosen), count)
            whole = view._replace(mask=None)
            name = ("Neighbor", array_digest(chosen))
            gather = self._gather(chosen)
            found.append(whole.statistics(self.layers, gather, self.grid, name=name))
            bias.append(np.full(len(chosen), PRIOR * np.log(share / max(used.values()))))
        columns = {
            name: tf.concat([statistics.sums[name] for statistics in found], axis=0)
            for name in self.layers
        }
        return columns, np.concatenate(bias).astype(np.float32)

    def _sample(self, source: Source, most: int) -> tuple[np.ndarray, int]:
        """Return places of a picture or its region, int32 `[N, 2]`, and how many there are."""
        height, width = (
            side // self.grid * (self.grid // PLACE) for side in source.image.shape[1:3]
        )
        inside = np.ones((height, width))
        if source.mask is not None:
            inside = block_means(source.mask, PLACE)[:height, :width]
        inside = inside >= min(0.5, inside.max())
        count = int(inside.sum())
        step = max(1.0, (count / most) ** 0.5)
        chosen = on_grid(inside, step)
        while len(chosen) > most:  # the last row and column stand for less than a step
            step *= 1.01
            chosen = on_grid(inside, step)
        if not len(chosen):  # a region between the lines of the grid
            chosen = np.argwhere(inside)[:1]
        return chosen.astype(np.int32), count

    def _gather(self, chosen: np.ndarray):
        """Return a function that finds the columns of places, `[N, C]` by layer."""

        def gather(features: Features, window: Window) -> Statistics:
            sums = {}
            for name, value in features.items():
                here = places(value, name, self.grid)[0]
                size = tf.shape(here)[:2]
                corner = 0 if window.bounds is None else window.bounds[::2] // PLACE
                at = chosen - corner
                inside = tf.reduce_all((at >= 0) & (at < size), axis=1, keepdims=True)
                columns = tf.gather_nd(here, tf.clip_by_value(at, 0, size - 1))
                sums[name] = tf.where(inside, columns, 0.0)
            return Statistics(sums)

        return gather

    def _match(
        self,
        query: Source,
        columns: Mapping[str, tf.Tensor],
        bias: np.ndarray,
        weights: tf.Tensor | float,
    ) -> tf.Tensor:
        """Return the best candidate of each place, int32, folded; columns have the norm 1."""
        width = self.grid // PLACE

        def sums(features: Features, window: Window) -> Statistics:
            counts = weights
            if isinstance(weights, tf.Tensor):
                counts = unfold(window.crop(weights, self.grid), width)
            means = {
                name: tf.reduce_sum(counts * places(value, name, self.grid), axis=[0, 1, 2])
                for name, value in features.items()
            }
            return Statistics(means)

        whole = query._replace(mask=None, guides={})
        means = whole.statistics(self.layers, sums, self.grid).sums
        theirs = tf.concat([columns[name] for name in self.layers], axis=1)

        def nearest(features: Features, window: Window) -> Statistics:
            ours = tf.concat(
                [places(features[name], name, self.grid) - means[name] for name in self.layers],
                axis=-1,
            )
            best = nearest_rows(tf.reshape(ours, [-1, ours.shape[-1]]), theirs, bias)
            best = tf.reshape(best, [*ours.shape[:3], 1])
            return Statistics(maps={"match": fold(best, width)})

        return whole.statistics(self.layers, nearest, self.grid, joint=True).maps["match"]


def on_grid(inside: np.ndarray, step: float) -> np.ndarray:
    """Return the places inside a region that are on a regular grid, int `[N, 2]`.

    Args:
        inside: whether each place is in the region, bool `[h, w]`.
        step: places from one line of the grid to the next, 1 or more.
    """
    rows, columns = (np.unique(np.arange(0, side, step).astype(int)) for side in inside.shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[inside[tuple(grid.T)]]


def directions(columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return columns, `[N, C]` by layer, divided by the norms that they have over all layers."""
    squares = tf.add_n([tf.reduce_sum(tf.square(part), 1, True) for part in columns.values()])
    scale = tf.math.rsqrt(tf.maximum(squares, LEAST_SQUARE))
    return {name: part * scale for name, part in columns.items()}


def filled_up(rows: tf.Tensor) -> tf.Tensor:
    """Return rows `[N, C]` with rows of zeros behind them, up to the next power of two."""
    count = len(rows)
    return tf.pad(rows, [[0, (1 << (count - 1).bit_length()) - count], [0, 0]])


def nearest_rows(queries: tf.Tensor, rows: tf.Tensor, bias: np.ndarray) -> tf.Tensor:
    """Return for each query the index of the row with the largest cosine plus bias, int32 `[M]`.

    Args:
        queries: float32 `[M, C]`.
        rows: float32 `[N, C]` of norm 1.
        bias: added to the cosines with each row, float32 `[N]`.
    """
    found = []
    for start in range(0, queries.shape[0], CHUNK):
        part = queries[start : start + CHUNK]
        squares = tf.reduce_sum(tf.square(part), axis=1, keepdims=True)
        part *= tf.math.rsqrt(tf.maximum(squares, LEAST_SQUARE))
        cosines = tf.matmul(part, rows, transpose_b=True) + bias
        found.append(tf.argmax(cosines, axis=1, output_type=tf.int32))
    return tf.concat(found, axis=0)


def places(features: tf.Tensor, layer: str, grid: int) -> tf.Tensor:
    """Return a layer's share of the hypercolumns, float32 `[1, h, w, C]` on the grid of places.

    Args:
        features: `[1, H, W, C]`, whose first location is on the grid of cells.
        layer: its name.
        grid: pixels between two cells; what is left over beyond the last one is dropped.
    """
    step = stride(layer)
    _, height, width, channels = features.shape
    if height is None or width is None:  # in a graph for blocks of any size
        _, height, width, _ = tf.unstack(tf.shape(features))
    rows, columns = (side * step // grid * grid // max(step, PLACE) for side in (height, width))
    if step < PLACE:  # before the cut and the cast, whose slopes would be of the full size
        features = tf.nn.avg_pool2d(features, PLACE // step, PLACE // step, "VALID")
    # The slope of `tf.slice` is a padding, which is faster than that of an index.
    part = tf.slice(features, [0, 0, 0, 0], [1, rows, columns, channels])
    values = tf.cast(part, tf.float32) / channels
    for axis in (1, 2):
        values = tf.repeat(values, step // PLACE, axis) if step > PLACE else values
    return values


@custom_gradient
def products(ours: tf.Tensor, theirs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return ⟨x, t⟩ and |x|² of each place, `[1, h, w, 1]`, differentiable in x alone.

    Args:
        ours: x, float32 `[1, h, w, C]`.
        theirs: t, of that shape.
    """

    def pull_back(dot, square):  # one pass, where autodiff tiles each of the slopes
        return dot * theirs + 2 * square * ours, None

    dot = tf.reduce_sum(ours * theirs, axis=-1, keepdims=True)
    return (dot, tf.reduce_sum(ours * ours, axis=-1, keepdims=True)), pull_back


def fold(values: tf.Tensor, width: int) -> tf.Tensor:
    """Return values `[1, h, w, 1]` of places by cells, `[1, h/width, w/width, width²]`."""
    _, height, length, _ = tf.unstack(tf.shape(values))
    cells = tf.reshape(values, [1, height // width, width, length // width, width])
    return tf.reshape(
        tf.transpose(cells, [0, 1, 3, 2, 4]), [1, height // width, length // width, width**2]
    )


def unfold(values: tf.Tensor, width: int) -> tf.Tensor:
    """Return values by cells, `[1, h, w, width²]`, as those of places: the inverse of `fold`."""
    _, height, length, _ = tf.unstack(tf.shape(values))
    cells = tf.reshape(values, [1, height, length, width, width])
    return tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4]), [1, height * width, length * width, 1])


def turned(source: Source, turns: int) -> Source:
    """Return a picture and its region after some quarter turns to the left, without guides."""
    mask = None if source.mask is None else np.rot90(source.mask, turns)
    return source._replace(image=tf.image.rot90(source.image, turns), mask=mask, guides={})
