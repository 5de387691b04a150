"""The objective and its gradient, compiled for one picture size, whole or in tiles.

The whole picture is one graph, traced at the first step of its size. In tiles the loop over them is
Python; each stage has two graphs, one for its statistics and one for its gradient, traced at the
first tile and used for all, since tiles of a stage have one size. The terms of pixels have a graph
of their own, compiled by XLA.

In tiles the result is exact, with memory that grows little with the picture. A first pass sums the
terms' statistics over the tiles. Automatic differentiation of the losses at the sums gives the
adjoints λ = ∂total/∂statistics. A second pass adds up the vector-Jacobian products Σ ⟨λ,
∂statistics(tile)/∂pixels⟩. Both equal the whole picture's values up to rounding (Galerne, Raad,
Lezama and Morel, "Scaling Painting Style Transfer", 2022, for Gram matrices).
"""

import functools
import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from nst_tf.network.model import Convolutions, Network
from nst_tf.utils.caching import cached

CACHED = 24
"""Compiled picture sizes to keep: six runs of four scales. Each takes 5 to 30 MB."""

_OURS = ("whole_objective.<locals>.", "TiledObjective.", "TiledStage.")


def _is_not_ours(record: logging.LogRecord) -> bool:
    """Return whether a warning of TensorFlow is not about our functions.

    Functions for several sizes share their code, which TensorFlow mistakes for needless retracing.
    """
    text = record.getMessage()
    return "tf.function retracing" not in text or not any(name in text for name in _OURS)


tf.get_logger().addFilter(_is_not_ours)

Losses = dict[str, tf.Tensor]
Evaluate = Callable[[tf.Tensor, Targets, Weights], tuple[Losses, tf.Tensor]]


@dataclass(frozen=True, eq=False)
class Evaluator:
    """The objective of a network, terms and a picture size.

    Attributes:
        evaluate: returns the losses of an image, `total` first, and the gradient of their total.
    """

    evaluate: Evaluate


@cached(CACHED)
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

    def convolutions(height, width):
        return fast_convolutions(network, height, width, winograd)

    if block_size:
        stages = make_stages(network.output_names, max(term.grid for term in terms))
        tiled = TiledObjective(network, terms, shape, block_size, stages, convolutions)
        return Evaluator(tiled.evaluate)
    depth = max(term.levels for term in terms)
    by_level = [convolutions(shape[1] >> level, shape[2] >> level) for level in range(depth)]
    # Without autograph, which nothing here needs, the trace takes two thirds of the time, and a
    # process that is killed leaves no generated code in the system's temporary directory.
    return Evaluator(tf.function(whole_objective(network, terms, by_level), autograph=False))


def release() -> None:
    """Drop all compiled graphs and transformed kernels, where memory is short."""
    compiled.cache_clear()
    winograd_convolution.cache_clear()
    direct_convolution.cache_clear()
    gc.collect()


def whole_objective(
    network: Network, terms: Sequence[Term], convolutions: Sequence[Convolutions]
) -> Evaluate:
    """Return the objective and its gradient, for whole images.

    Args:
        network, terms: the same as in `compiled`.
        convolutions: at each level, from `fast_convolutions`.
    """

    def evaluate(image, targets, weights):
        return gradient(
            lambda image: objective(network, terms, image, targets, weights, convolutions), image
        )

    return evaluate


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
