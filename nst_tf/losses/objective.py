"""The objective: the weighted sum of the terms, each a mean of its losses over layers and regions.

    total = Σ_t weight_t · Σ_parts share · Σ_l w_l · loss_tl / Σ_l 1

A part is a term's target at one level (the picture, half of it, …) and in one region. Weights are
applied only here. `targets` combines shares, layer weights and the normalizers of a relative loss
into the parts' loss weights.
"""

import functools
import math
from collections.abc import Callable, Hashable, Mapping, Sequence

import tensorflow as tf

from nst_tf.losses.targets import Key, Part, Targets, downsample
from nst_tf.losses.term import PIXELS, Features, Statistics, Term, Window, add
from nst_tf.losses.values import Losses
from nst_tf.network.gradients import sides
from nst_tf.network.model import Convolutions, Network, extract_features
from nst_tf.settings import Settings

STRENGTH_EXPONENT = 3  # chosen by eye: at half the strength, pictures are half way from the photo

OF_LAYER = "/"
"""Between a term's name and its layer's."""

Weights = Mapping[str, tf.Tensor]
"""The weight of each term by name, float32 scalars. Tensors, so a change traces nothing."""


def step_weights(settings: Settings, terms: Sequence[Term]) -> Weights:
    """Return the terms' weights for one epoch, from settings without ramps."""
    weights = {term.name: getattr(settings, f"{term.name}_weight") for term in terms}
    force = settings.strength**STRENGTH_EXPONENT
    for term in terms:
        if term.scaled_by_strength:
            weights[term.name] *= force
    return {name: tf.constant(weight, tf.float32) for name, weight in weights.items()}


def combine(
    terms: Sequence[Term],
    statistics: Mapping[Key, Statistics],
    parts: Mapping[Key, Part],
    weights: Weights,
) -> dict[str, tf.Tensor]:
    """Return the weighted losses of the whole picture: `total`, the terms, and shares of layers.

    The share of a layer in its term is called `TERM/LAYER`, such as `style/block1_conv1`.
    `statistics` are those of the whole picture, and `weights` come from `step_weights`.
    """
    losses = {term.name: tf.constant(0.0) for term in terms}
    layers: dict[str, tf.Tensor] = {}
    named = {term.name: term for term in terms}
    for key, part in parts.items():
        term = named[key[0]]
        for name, loss in term.losses(statistics[key], part.values).items():
            weighted = weights[term.name] * part.loss_weights[name] * loss
            losses[term.name] += weighted
            if name in term.layers:
                add(layers, {f"{term.name}{OF_LAYER}{name}": weighted})
    return {"total": tf.add_n(list(losses.values())), **losses, **layers}


def objective(
    network: Network,
    terms: Sequence[Term],
    image: tf.Tensor,
    targets: Targets,
    weights: Weights,
    convolutions: Sequence[Convolutions] = (),
) -> dict[str, tf.Tensor]:
    """Return the weighted losses of an image by name, as `combine` does, differentiable in it.

    Args:
        network: from `model.feature_model`.
        terms: all terms.
        image: float32 `[1, H, W, 3]` in [0, 1].
        targets: from `make_targets` for images of this size.
        weights: from `step_weights`.
        convolutions: at each level, in place of the layers' own.
    """
    if targets.preserved:
        image = targets.preserved.compose(image)
    statistics: dict[Key, Statistics] = {}
    for level in range(targets.levels):
        picture = downsample(image, level)
        features = extract_features(network, picture, convolutions[level] if convolutions else {})
        window = functools.partial(Window, sides(picture), None)
        pictured = {PIXELS: picture, **features}
        statistics |= collect_statistics(terms, pictured, targets.at(level), window)
    return combine(terms, statistics, targets.parts, weights)


def collect_statistics(
    terms: Sequence[Term],
    features: Features,
    parts: Mapping[Key, Part],
    window: Callable[[Mapping[str, tf.Tensor]], Window],
) -> dict[Key, Statistics]:
    """Return the statistics of a picture or a block for each part of a level that has any there.

    `window` returns the window of the features for a part's guides.
    """
    named = {term.name: term for term in terms}
    found: dict[Key, Statistics] = {}
    shared: dict[Hashable, Statistics] = {}
    for key, part in parts.items():
        term = named[key[0]]
        ours = {name: features[name] for name in term.layers or (PIXELS,) if name in features}
        if not ours:
            continue
        same = (term.statistics_key or term.name, term.layers, *key[1:])
        if same not in shared:
            shared[same] = term.statistics(ours, part.values, window(part.guides))
        found[key] = shared[same]
    return found


def gradient(
    function: Callable[[tf.Tensor], dict[str, tf.Tensor]], image: tf.Tensor
) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
    """Return the losses of an image and the gradient of their total."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(image)
        losses = function(image)
    return losses, tape.gradient(losses["total"], image)


def read(losses: Mapping[str, tf.Tensor]) -> Losses:
    """Return the losses as Python numbers, waiting for their computation."""
    terms = {name: float(loss) for name, loss in losses.items() if OF_LAYER not in name}
    return Losses(terms, {name: loss for name, loss in losses.items() if OF_LAYER in name})


def overflow_message(step: int, losses: Mapping[str, float]) -> str:
    """Return which weight made the losses of a step overflow, in words."""
    terms = {name: value for name, value in losses.items() if name != "total"}
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    worst = broken[0] if broken else max(terms, key=lambda name: terms[name])
    return f"the loss is no longer finite at step {step}: lower {worst}_weight"
