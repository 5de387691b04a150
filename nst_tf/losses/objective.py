"""The objective as the optimizers see it: weights as tensors, compiled functions."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from nst_tf.images.resize import Size
from nst_tf.losses.formulas import (
    Losses,
    gram_matrix,
    halved,
    layer_loss,
    size_shares,
    total_variation_loss,
)
from nst_tf.losses.targets import Targets
from nst_tf.memory.blockwise import block_evaluate
from nst_tf.network.model import extract_features, winograd_kernels
from nst_tf.network.precision import feature_precision
from nst_tf.optimizers.adam import AdamState, adam_update
from nst_tf.settings import STYLE_SIZES, Settings

CACHED = 12  # networks compiled for a picture size that are kept: two runs of many scales
NO_KERNELS: Sequence[Mapping[str, tf.Tensor]] = ({},) * STYLE_SIZES
WORTH_COMPILING = 5e6  # steps × pixels for which the time saved is about twice that of compiling
FORCE = 3  # power of the strength: at a half, pictures are about half way from the photo
PACE = 1.25e5  # steps × pixels a second with the direct convolutions on two cores, roughly


class Knobs(NamedTuple):
    """The settings that a compiled step reads as tensors, so that changing one traces nothing."""

    content_weight: tf.Tensor
    style_weight: tf.Tensor
    total_variation_weight: tf.Tensor
    content_factors: Mapping[str, tf.Tensor]
    style_factors: Sequence[Sequence[Mapping[str, tf.Tensor]]]
    learning_rate: tf.Tensor
    beta_1: tf.Tensor
    epsilon: tf.Tensor


def make_knobs(settings: Settings, targets: Targets) -> Knobs:
    """Turn the settings that a step reads, of one epoch, into float32 scalar tensors.

    A relative loss is the absolute one with other weights: each layer's is divided by the mean
    square of its target, that of the total variation by the style's. A term whose target is 0
    everywhere is left as it is. Of such a loss a pixel's gradient is of the order of 1 over the
    number of pixels, so that Adam's ε is divided by that.
    """
    relative = settings.loss == "relative"
    force = settings.strength**FORCE

    def factors(values, tensors):
        if not relative:
            return dict(values)
        return {name: value / _mean_square(tensors[name]) for name, value in values.items()}

    content_factors = settings.content_layer_weights or (1.0,) * len(settings.content_layers)
    weights = dict(zip(settings.content_layers, map(tf.constant, content_factors), strict=True))
    variation = float(targets.total_variation) if relative else 1.0
    return Knobs(
        tf.constant(settings.content_weight),
        tf.constant(settings.style_weight) * force,
        tf.constant(settings.total_variation_weight) * force / (variation or 1.0),
        factors(weights, targets.content),
        tuple(
            tuple(factors(goal.factors, goal.grams) for goal in goals) for goals in targets.style
        ),
        tf.constant(settings.learning_rate),
        tf.constant(settings.beta_1),
        settings.epsilon / (targets.pixels if relative else tf.constant(1.0)),
    )


def _mean_square(tensor: tf.Tensor) -> float:
    return float(tf.reduce_mean(tf.square(tensor))) or 1.0


def objective(
    model: keras.Model,
    image: tf.Tensor,
    targets: Targets,
    knobs: Knobs,
    kernels: Sequence[Mapping[str, tf.Tensor]] = NO_KERNELS,
) -> Losses:
    """Return the weighted terms and their sum, scalar tensors, differentiable in `image`.

    Each size of `targets.style` has the share of its number of pixels in the style term. With
    `kernels`, from `vgg.winograd_kernels` for the image as it is, halved and so on, the
    convolutions are faster on CPUs.
    """
    if targets.keep:
        image = targets.keep.compose(image)
    style = content = tf.constant(0.0)
    shares = size_shares(len(targets.style))
    for size, goals in enumerate(targets.style):
        features = extract_features(model, halved(image, size), kernels[size])
        for goal, factors in zip(goals, knobs.style_factors[size], strict=True):
            ours = {name: gram_matrix(features[name], goal.guides.get(name)) for name in factors}
            style += shares[size] * layer_loss(ours, goal.grams, factors)
        if not size:
            content = layer_loss(features, targets.content, knobs.content_factors)
    style, content = knobs.style_weight * style, knobs.content_weight * content
    variation = knobs.total_variation_weight * total_variation_loss(image)
    return Losses(style + content + variation, style, content, variation)


def use_winograd(settings: Settings, size: Size, steps: int, seconds: float = math.inf) -> bool:
    """Return whether `steps` on images of `size`, in so many seconds, should compile their own."""
    if settings.convolution != "auto" or feature_precision(settings) != "float32":
        return settings.convolution == "winograd"
    work = min(steps * size[0] * size[1], PACE * seconds)
    return work >= WORTH_COMPILING and not tf.config.list_logical_devices("GPU")


class Compiled(NamedTuple):
    """The objective compiled for one network and picture size; each is traced when first used."""

    evaluate: Callable[[tf.Tensor, Targets, Knobs], tuple[Losses, tf.Tensor]]
    """Losses and the gradient of their total."""
    adam_step: Callable[[tf.Variable, AdamState, Targets, Knobs], tuple[Losses, tf.Tensor]]
    """Losses before the update and whether they and the gradient were finite; if not, none is."""


@functools.lru_cache(maxsize=CACHED)
def compiled(
    model: keras.Model, shape: tuple[int, ...], fast: bool, block_size: int, jit: bool
) -> Compiled:
    """Return the functions for images of `shape`; their graphs go when they are evicted.

    Args:
        model: from `vgg.feature_model`.
        shape: of the image, `(1, H, W, 3)`.
        fast: whether to use the convolutions of `winograd`.
        block_size: of `blocks`, or 0 for the whole picture at once.
        jit: whether XLA compiles the step for the whole picture.
    """
    if block_size:
        return _by_blocks(model, shape, fast, block_size)
    kernels = NO_KERNELS
    if fast:
        _, height, width, _ = shape
        kernels = tuple(
            winograd_kernels(model, height >> size, width >> size) for size in range(STYLE_SIZES)
        )

    def evaluate(image, targets, knobs):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            losses = objective(model, image, targets, knobs, kernels)
        return losses, tape.gradient(losses.total, image)

    def adam_step(image, state, targets, knobs):
        losses, gradient = evaluate(image, targets, knobs)
        return losses, _update_if_finite(image, losses, gradient, state, knobs)

    return Compiled(tf.function(evaluate, jit_compile=jit), tf.function(adam_step, jit_compile=jit))


def _by_blocks(model: keras.Model, shape: tuple[int, ...], fast: bool, block_size: int) -> Compiled:
    def kernels(height, width):
        return winograd_kernels(model, height, width) if fast else {}

    evaluate = block_evaluate(model, shape, block_size, kernels)
    update = tf.function(_update_if_finite)

    def adam_step(image, state, targets, knobs):
        losses, gradient = evaluate(image.value(), targets, knobs)
        return losses, update(image, losses, gradient, state, knobs)

    return Compiled(evaluate, adam_step)


def _update_if_finite(
    image: tf.Variable, losses: Losses, gradient: tf.Tensor, state: AdamState, knobs: Knobs
) -> tf.Tensor:
    # Adam squares the gradient, and what is infinite once would stay in its moments.
    finite = tf.math.is_finite(losses.total + tf.reduce_sum(tf.square(gradient)))
    if finite:
        adam_update(
            image,
            gradient,
            state,
            learning_rate=knobs.learning_rate,
            beta_1=knobs.beta_1,
            epsilon=knobs.epsilon,
        )
    return finite
