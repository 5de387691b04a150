"""The neighbour term: each location of the picture resembles its nearest neighbour in a painting.

Each location of the photo is matched with the location of a painting whose features are nearest,
and the picture's features there are pulled towards the painting's (Kolkin, Kucera, Paris, Sykora,
Shechtman and Shakhnarovich, "Neural Neighbor Style Transfer", arXiv 2203.13215; the idea of Chen
and Schmidt, arXiv 1612.04337). Locations are matched once per scale, so the objective is smooth and
L-BFGS can minimise it. The paper does so too, but its last pass matches before every step. Unlike
in the paper, the loss is centred like the matching: what all locations share is the palette, which
the term `Mean` compares.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.losses.hypercolumns import (
    GRID_STEP,
    distinct_columns,
    fold,
    layer_columns,
    repeats,
    unfold,
)
from nst_tf.losses.regions import block_means
from nst_tf.losses.term import Features, Source, Sources, Statistics, Target, Term, Window
from nst_tf.network.gradients import custom_gradient
from nst_tf.network.layers import floats_per_pixel, stride
from nst_tf.settings import Settings
from nst_tf.utils.digests import array_digest

CANDIDATES = 4096  # maximum number in all paintings together; twice as many improve little
PHOTO_SHARE = 0.65  # of the query; the rest is the image with which the scale starts
PRIOR = 0.1  # penalty, in centred cosine, of a painting whose share is 1/e
CHUNK = 2048  # queries that are compared with all candidates at once
LEAST_SQUARE = 1e-8  # squared norm below which a column has no direction

log = logging.getLogger(__name__)


class Neighbors(NamedTuple):
    """The nearest neighbours of the image's locations.

    Attributes:
        columns: the candidates' centred unit columns by layer, `[1, N, 1, C]`. Rows of zeros fill N
            up to a power of two: paintings of many sizes then lead to few shapes, for each of which
            TensorFlow traces graphs of tiles.
        means: the mean of the candidates' features by layer, `[C]`.
        nearest: int32 `[1, h, w, k]`, the candidate of each of the k locations of a cell.
        weights: float32 of that shape, the weight of each location, 1 in total; or a scalar.
    """

    columns: Mapping[str, tf.Tensor]
    means: Mapping[str, tf.Tensor]
    nearest: tf.Tensor
    weights: tf.Tensor


@dataclass(frozen=True)
class Neighbor(Term):
    """Compare the image's hypercolumns with those of the nearest neighbours.

        neighbor = Σ_i g_i (1 − ⟨x_i − m, t_i⟩ / |x_i − m|)        |t_i| = 1

    The hypercolumn x_i of a location holds the features of all layers, each divided by its layer's
    number of channels: see `hypercolumns`. m is the candidates' mean column, and t_i the direction
    from it to the nearest neighbour. g weighs the locations: equally, or by the region.

    The candidates are up to 4096 locations of the paintings. Each painting, and each rotation of
    it, has an equal share of them; a painting with more locations is thinned to a regular grid. The
    nearest neighbour has the largest cosine after subtraction of the mean column of each side, plus
    0.1 · log(share) for several paintings. The query is 0.65 of the photo and 0.35 of the image
    with which the scale starts; at the first scale it is the photo.
    """

    layers: tuple[str, ...]
    rotations: int = 0
    candidates: int = CANDIDATES

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
        """Side of a cell, pixels: each cell holds whole features of all layers."""
        return max(GRID_STEP, *map(stride, self.layers))

    def workspace_floats_per_pixel(self) -> float:
        """Return what columns, their neighbours, products and gradients need for each pixel."""
        return 5 * sum(floats_per_pixel([name]) * stride(name) ** 2 for name in self.layers) / 16

    def target(self, sources: Sources) -> Target:
        """Return the candidates and the nearest neighbours, as `Neighbors`."""
        candidates, bias = self._candidates(sources)
        means = {name: tf.reduce_mean(values, axis=0) for name, values in candidates.items()}
        columns = unit_columns({name: candidates[name] - means[name] for name in self.layers})
        weights = self._weights(sources.content)
        query = sources.content
        if sources.start is not None:
            mixed = PHOTO_SHARE * query.image + (1 - PHOTO_SHARE) * sources.start
            query = query._replace(image=mixed)
        nearest = self._nearest(query, columns, bias, weights)
        filled = {name: pad_to_power_of_two(rows)[None, :, None] for name, rows in columns.items()}
        return Target(Neighbors(filled, means, nearest, weights), {self.name: 1.0})

    def statistics(self, features: Features, values: Neighbors, window: Window) -> Statistics:
        """Return ⟨x − m, t⟩ and |x − m|² of the locations; both add up over the layers."""
        width = self.grid // GRID_STEP
        nearest = unfold(window.crop(values.nearest, self.grid), width)
        dots, squares = [], []
        for name, value in features.items():
            # One feature of a coarse layer serves all locations that share it.
            shared = repeats(name)
            indices = tf.unstack(fold(nearest, shared), axis=-1)
            rows = tf.squeeze(values.columns[name], [0, 2])
            theirs = [tf.gather(rows, index) for index in indices]
            ours = distinct_columns(value, name, self.grid) - values.means[name]
            *products, square = dot_and_square(ours, *theirs)
            dots.append(unfold(tf.concat(products, axis=-1), shared))
            squares.append(unfold(tf.concat([square] * len(products), axis=-1), shared))
        folded = (fold(tf.add_n(maps), width) for maps in (dots, squares))
        return Statistics(maps=dict(zip(("dot", "square"), folded, strict=True)))

    def losses(self, statistics: Statistics, values: Neighbors) -> Mapping[str, tf.Tensor]:
        """Return the weighted mean distance of the locations, a scalar."""
        dot, square = statistics.maps["dot"], statistics.maps["square"]
        distance = 1 - dot * tf.math.rsqrt(tf.maximum(square, LEAST_SQUARE))
        return {self.name: tf.reduce_sum(values.weights * distance)}

    def _weights(self, source: Source) -> tf.Tensor:
        """Return the weights of a picture's locations, folded, 1 in total; a scalar: all equal."""
        height, width = (side // self.grid for side in source.image.shape[1:3])
        if source.mask is None:
            return tf.constant(1 / (height * width * (self.grid // GRID_STEP) ** 2))
        means = block_means(source.mask, GRID_STEP)
        rows, columns = (side * self.grid // GRID_STEP for side in (height, width))
        means = means[:rows, :columns] / (means[:rows, :columns].sum(dtype=np.float64) or 1.0)
        return fold(tf.constant(means[None, :, :, None], tf.float32), self.grid // GRID_STEP)

    def _candidates(self, sources: Sources) -> tuple[dict[str, tf.Tensor], np.ndarray]:
        """Return the candidates' columns by layer, `[N, C]`, and the bias of their cosines."""
        used = {style: share for style, share in sources.shares.items() if share}
        found: list[Statistics] = []
        bias: list[np.ndarray] = []
        views = [
            (share, rotated(sources.styles[style], turns))
            for style, share in used.items()
            for turns in range(self.rotations + 1)
        ]
        for share, view in views:
            chosen, count = self._sample(view, self.candidates // len(views))
            log.info("%d of %d locations of a painting are candidates", len(chosen), count)
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
        """Return up to `most` locations of a picture or region, int32 `[N, 2]`, and their total."""
        height, width = (
            side // self.grid * (self.grid // GRID_STEP) for side in source.image.shape[1:3]
        )
        inside = np.ones((height, width))
        if source.mask is not None:
            inside = block_means(source.mask, GRID_STEP)[:height, :width]
        inside = inside >= min(0.5, inside.max())
        count = int(inside.sum())
        step = max(1.0, (count / most) ** 0.5)
        chosen = on_grid(inside, step)
        while len(chosen) > most:  # the last row and column may be less than a step away
            step *= 1.01
            chosen = on_grid(inside, step)
        if not len(chosen):  # a region between the lines of the grid
            chosen = np.argwhere(inside)[:1]
        return chosen.astype(np.int32), count

    def _gather(self, chosen: np.ndarray):
        """Return a function that gathers the columns of locations, `[N, C]` by layer."""

        def gather(features: Features, window: Window) -> Statistics:
            sums = {}
            for name, value in features.items():
                here = layer_columns(value, name, self.grid)[0]
                size = tf.shape(here)[:2]
                corner = 0 if window.bounds is None else window.bounds[::2] // GRID_STEP
                at = chosen - corner
                inside = tf.reduce_all((at >= 0) & (at < size), axis=1, keepdims=True)
                columns = tf.gather_nd(here, tf.clip_by_value(at, 0, size - 1))
                sums[name] = tf.where(inside, columns, 0.0)
            return Statistics(sums)

        return gather

    def _nearest(
        self,
        query: Source,
        columns: Mapping[str, tf.Tensor],
        bias: np.ndarray,
        weights: tf.Tensor,
    ) -> tf.Tensor:
        """Return the nearest candidate of each location, int32, folded; columns have norm 1."""
        width = self.grid // GRID_STEP

        def sums(features: Features, window: Window) -> Statistics:
            counts = weights
            if weights.shape.rank:
                counts = unfold(window.crop(weights, self.grid), width)
            means = {
                name: tf.reduce_sum(counts * layer_columns(value, name, self.grid), axis=[0, 1, 2])
                for name, value in features.items()
            }
            return Statistics(means)

        whole = query._replace(mask=None, guides={})
        means = whole.statistics(self.layers, sums, self.grid).sums
        theirs = tf.concat([columns[name] for name in self.layers], axis=1)

        def search(features: Features, window: Window) -> Statistics:
            ours = tf.concat(
                [
                    layer_columns(features[name], name, self.grid) - means[name]
                    for name in self.layers
                ],
                axis=-1,
            )
            best = nearest_rows(tf.reshape(ours, [-1, ours.shape[-1]]), theirs, bias)
            best = tf.reshape(best, [*ours.shape[:3], 1])
            return Statistics(maps={"nearest": fold(best, width)})

        return whole.statistics(self.layers, search, self.grid, joint=True).maps["nearest"]


def on_grid(inside: np.ndarray, step: float) -> np.ndarray:
    """Return the locations of a region, bool `[h, w]`, on a grid of some step, int `[N, 2]`."""
    rows, columns = (np.unique(np.arange(0, side, step).astype(int)) for side in inside.shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid[inside[tuple(grid.T)]]


def unit_columns(columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return columns, `[N, C]` by layer, divided by their norms over all layers."""
    squares = tf.add_n([tf.reduce_sum(tf.square(part), 1, True) for part in columns.values()])
    scale = tf.math.rsqrt(tf.maximum(squares, LEAST_SQUARE))
    return {name: part * scale for name, part in columns.items()}


def pad_to_power_of_two(rows: tf.Tensor) -> tf.Tensor:
    """Return rows `[N, C]`, followed by rows of zeros up to the next power of two."""
    count = len(rows)
    return tf.pad(rows, [[0, (1 << (count - 1).bit_length()) - count], [0, 0]])


def nearest_rows(
    queries: tf.Tensor, rows: tf.Tensor, bias: np.ndarray, chunk: int = CHUNK
) -> tf.Tensor:
    """Return for each query the index of the row with the largest cosine plus bias, int32 `[M]`.

    Args:
        queries: float32 `[M, C]`.
        rows: float32 `[N, C]` of norm 1.
        bias: added to the cosines with each row, float32 `[N]`.
        chunk: number of queries at once, to limit memory.
    """
    found = []
    for start in range(0, queries.shape[0], chunk):
        part = queries[start : start + chunk]
        squares = tf.reduce_sum(tf.square(part), axis=1, keepdims=True)
        part *= tf.math.rsqrt(tf.maximum(squares, LEAST_SQUARE))
        cosines = tf.matmul(part, rows, transpose_b=True) + bias
        found.append(tf.argmax(cosines, axis=1, output_type=tf.int32))
    return tf.concat(found, axis=0)


@custom_gradient
def dot_and_square(ours: tf.Tensor, *theirs: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Return ⟨x, t⟩ of each location for each t of `theirs`, then |x|², differentiable only in x.

    Args:
        ours: x, float32 `[1, h, w, C]`.
        theirs: t, of the same shape.

    Returns:
        float32 `[1, h, w, 1]` each.
    """

    def vjp(*cotangents):  # one pass, where autodiff tiles each of the cotangents
        *dots, square = cotangents
        pulled = [dot * vector for dot, vector in zip(dots, theirs, strict=True)]
        return tf.add_n([*pulled, 2 * square * ours]), *[None] * len(theirs)

    dots = [tf.reduce_sum(ours * vector, axis=-1, keepdims=True) for vector in theirs]
    return (*dots, tf.reduce_sum(ours * ours, axis=-1, keepdims=True)), vjp


def rotated(source: Source, turns: int) -> Source:
    """Return a picture and its region rotated by quarter turns to the left, without guides."""
    mask = None if source.mask is None else np.rot90(source.mask, turns)
    return source._replace(image=tf.image.rot90(source.image, turns), mask=mask, guides={})
