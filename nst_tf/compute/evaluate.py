"""The objective and its gradient, compiled, whole or in tiles.

The whole picture is one graph, traced at the first step and used for all sizes, since a trace takes
as long as several steps at the coarse scales. In tiles the loop over them is Python; each stage has
two graphs, one for its statistics and one for its gradient, traced at the first tile and used for
all, since tiles of a stage have one size. The terms of pixels have a graph of their own, compiled
by XLA.

In tiles the result is exact, with memory that grows little with the picture. A first pass sums the
terms' statistics over the tiles. Automatic differentiation of the losses at the sums gives the
adjoints λ = ∂total/∂statistics. A second pass adds up the vector-Jacobian products Σ ⟨λ,
∂statistics(tile)/∂pixels⟩. Both equal the whole picture's values up to rounding (Galerne, Raad,
Lezama and Morel, "Scaling Painting Style Transfer", 2022, for Gram matrices).
"""

import functools
import gc
import logging
from collections.abc import Sequence
from typing import Protocol

import tensorflow as tf

from nst_tf.compute.convolutions import (
    direct_convolution,
    fast_convolutions,
    winograd_convolution,
)
from nst_tf.compute.passes import Collection, backward, forward
from nst_tf.compute.stages import (
    ConvolutionsBySize,
    Crop,
    PartsByKey,
    StatisticsByKey,
    TiledStage,
)
from nst_tf.compute.tiles import Stage, make_stages
from nst_tf.losses.objective import (
    OF_LAYER,
    Weights,
    collect_statistics,
    combine,
    gradient,
    objective,
)
from nst_tf.losses.targets import Targets, downsample
from nst_tf.losses.term import PIXELS, Term, Window, add
from nst_tf.network.layers import smallest_side
from nst_tf.network.model import Convolution, Convolutions, Network
from nst_tf.utils.caching import cached

CACHED = 24
"""Compiled objectives to keep, in tiles for each picture size. Each takes 5 to 30 MB."""

_OURS = ("WholeObjective.", "TiledObjective.", "TiledStage.")


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Return whether a warning of TensorFlow is not about our functions.

    Functions for several sizes share their code, which TensorFlow mistakes for needless retracing.
    """
    text = record.getMessage()
    return "tf.function retracing" not in text or not any(name in text for name in _OURS)


tf.get_logger().addFilter(_is_not_ours)

Losses = dict[str, tf.Tensor]


class Evaluator(Protocol):
    """The objective of a network and terms, for images of one shape or of all."""

    def evaluate(
        self, image: tf.Tensor, targets: Targets, weights: Weights
    ) -> tuple[Losses, tf.Tensor]:
        """Return the losses of an image, `total` first, and the gradient of their total."""
        ...


def compiled(
    network: Network,
    terms: tuple[Term, ...],
    shape: tuple[int, ...],
    winograd: bool,
    block_size: int,
) -> Evaluator:
    """Return the evaluator for images of a shape; its graphs go when it is evicted.

    Args:
        shape: of the image, `(1, H, W, 3)`.
        block_size: longest side of a tile in pixels, or 0 for the whole picture at once.
    """
    if block_size:
        return tiled_objective(network, terms, shape, winograd, block_size)
    _, height, width, _ = shape
    fast = fast_convolutions(network, height, width, winograd)
    return whole_objective(network, terms, tuple(sorted(fast.items())))


@cached(CACHED)
def tiled_objective(
    network: Network,
    terms: tuple[Term, ...],
    shape: tuple[int, ...],
    winograd: bool,
    tile_size: int,
) -> "TiledObjective":
    """Return the objective in tiles; arguments as for `compiled`."""

    def convolutions(height: int, width: int) -> Convolutions:
        return fast_convolutions(network, height, width, winograd)

    stages = make_stages(network.output_names, max(term.grid for term in terms))
    return TiledObjective(network, terms, shape, tile_size, stages, convolutions)


@cached(CACHED)
def whole_objective(
    network: Network, terms: tuple[Term, ...], fast: tuple[tuple[str, Convolution], ...]
) -> "WholeObjective":
    """Return the objective of whole images.

    Args:
        fast: names of layers, and convolutions in their place.
    """
    return WholeObjective(network, terms, dict(fast))


def release() -> None:
    """Drop all compiled graphs and transformed kernels, where memory is short."""
    tiled_objective.cache_clear()
    whole_objective.cache_clear()
    winograd_convolution.cache_clear()
    direct_convolution.cache_clear()
    gc.collect()


class WholeObjective:
    """The objective and its gradient of whole images, compiled by one trace for all sizes.

    Args:
        network, terms: the same as in `compiled`.
        fast: convolutions in place of the layers' own, at the first level. Half of the picture and
            less is soon computed in any way, and more choices would need more traces.
    """

    def __init__(self, network: Network, terms: Sequence[Term], fast: Convolutions) -> None:
        levels = range(1, max(term.levels for term in terms))
        by_level = [fast, *(fast_convolutions(network, 0, 0, False) for _ in levels)]

        def function(image: tf.Tensor, targets: Targets, weights: Weights):
            return gradient(
                lambda image: objective(network, terms, image, targets, weights, by_level), image
            )

        # Without autograph, which nothing here needs, the trace takes two thirds of the time, and a
        # process that is killed leaves no generated code in the system's temporary directory.
        self.compiled = tf.function(function, autograph=False)

    def evaluate(
        self, image: tf.Tensor, targets: Targets, weights: Weights
    ) -> tuple[Losses, tf.Tensor]:
        """Return the losses of an image and the gradient of their total."""
        specs = tf.nest.map_structure(_of_all_sizes, (image, targets, weights))
        return self.compiled.get_concrete_function(*specs)(image, targets, weights)


def _of_all_sizes(value: tf.Tensor | None) -> tf.TensorSpec | None:
    """Return what a tensor is in pictures of all sizes: see `Target.values`."""
    if value is None:
        return None
    known = value.shape
    varies = known.rank == 4
    return tf.TensorSpec([1, None, None, known[3]] if varies else known, value.dtype)


class TiledObjective:
    """The objective and its gradient in tiles, for images of one shape.

    Args:
        network, terms, shape: the same as in `compiled`.
        tile_size: longest side of a tile, pixels.
        stages: of the network, from `make_stages`.
        convolutions: returns the network's convolutions for a height and width.
    """

    def __init__(
        self,
        network: Network,
        terms: Sequence[Term],
        shape: tuple[int, ...],
        tile_size: int,
        stages: Sequence[Stage],
        convolutions: ConvolutionsBySize,
    ) -> None:
        self._names = [term.name for term in terms]
        self._of_layers = {term.name: term for term in terms if term.layers}
        self._of_pixels = [term for term in terms if not term.layers]
        layers = network.output_names
        levels = range(max(term.levels for term in terms))
        sizes = [(shape[1] >> level, shape[2] >> level) for level in levels]
        self._stages = [
            [
                TiledStage(network, stage, size, tile_size, layers, self._of_layers, convolutions)
                for stage in stages
            ]
            for size in sizes
            if min(size) >= smallest_side(layers)
        ]
        # Without XLA it would need the memory of up to ten pictures.
        self._pixel_gradient = tf.function(self._pixels, jit_compile=True, autograph=False)

    def evaluate(
        self, image: tf.Tensor, targets: Targets, weights: Weights
    ) -> tuple[Losses, tf.Tensor]:
        """Return the losses of an image and the gradient of their total."""
        image = tf.convert_to_tensor(image)
        if targets.preserved:
            image = targets.preserved.compose(image)
        losses: Losses = {}
        image_gradient = None
        for level in range(targets.levels):
            parts = {k: part for k, part in targets.at(level).items() if k[0] in self._of_layers}
            with tf.GradientTape() as tape:
                tape.watch(image)
                picture = downsample(image, level)
            found, share = self._layer_gradient(picture, level, parts, weights)
            add(losses, found)
            if level:
                share = tape.gradient(picture, image, output_gradients=share)
            image_gradient = share if image_gradient is None else image_gradient + share
        # The terms of pixels come last: their gradient needs no memory while there are tiles.
        pixels = {k: part for k, part in targets.parts.items() if k[0] not in self._of_layers}
        found, share = self._pixel_gradient(image, pixels, weights)
        add(losses, found)
        image_gradient += share
        if targets.preserved:
            image_gradient *= targets.preserved.covered
        layers = [name for name in losses if OF_LAYER in name]
        return {name: losses[name] for name in ("total", *self._names, *layers)}, image_gradient

    def _pixels(
        self, image: tf.Tensor, parts: PartsByKey, weights: Weights
    ) -> tuple[Losses, tf.Tensor]:
        """Return the losses of the terms of pixels, on the whole image, and the gradient."""

        def losses(image: tf.Tensor) -> Losses:
            statistics: StatisticsByKey = {}
            targets = Targets(parts, None)
            for level in range(targets.levels):
                pixels = {PIXELS: downsample(image, level)}
                window = functools.partial(Window, pixels[PIXELS].shape[1:3], None)
                statistics |= collect_statistics(self._of_pixels, pixels, targets.at(level), window)
            return combine(self._of_pixels, statistics, parts, weights)

        return gradient(losses, image)

    def _layer_gradient(
        self, picture: tf.Tensor, level: int, parts: PartsByKey, weights: Weights
    ) -> tuple[Losses, tf.Tensor]:
        """Return the losses of the terms of layers at a level, and the gradient at its picture."""
        stages = self._stages[level]
        size = picture.shape[1:3]
        collections = {key: Collection(size, self._of_layers[key[0]].grid) for key in parts}

        def compute(stage: TiledStage, crop: Crop) -> tuple[StatisticsByKey, tf.Tensor]:
            return stage.statistics(crop, parts)

        inputs = forward(stages, picture, compute, collections)
        statistics = {key: collection.statistics() for key, collection in collections.items()}
        with tf.GradientTape() as tape:
            tape.watch(tf.nest.flatten(statistics))
            losses = combine(list(self._of_layers.values()), statistics, parts, weights)
        adjoints = tape.gradient(
            losses["total"], statistics, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        return losses, backward(stages, inputs, parts, adjoints)
