"""The objective block by block: exact, without seams, in memory that hardly grows with the picture.

The style term depends on the picture only through Gram sums. A first pass walks the blocks and adds
up these sums and the content errors; the gradient with respect to each layer's features is then
known in closed form,

    ∂style/∂F = F (Ḡ + Ḡᵀ) / N,  Ḡ = ∂style/∂G,  N the layer's locations in the whole picture,

and a second pass walks the blocks again and pulls it back to pixels (Galerne, Raad, Lezama and
Morel, "Scaling Painting Style Transfer", 2022). Both equal the whole picture's up to rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.losses.formulas import Losses, halved, size_shares, total_variation_loss
from nst_tf.memory.blocks import Span
from nst_tf.memory.walk import Kernels, Part, cut, deal, make_parts, walk
from nst_tf.network.layers import stride
from nst_tf.settings import STYLE_SIZES

if TYPE_CHECKING:
    from nst_tf.losses.objective import Knobs
    from nst_tf.losses.targets import Targets


def block_features(
    model: keras.Model, image: tf.Tensor, layers: Sequence[str], block_size: int
) -> dict[str, tf.Tensor]:
    """Return the features `[1, h, w, C]` of `layers`, each put together from its blocks."""
    rows: dict[str, dict[Span, list[tf.Tensor]]] = {name: {} for name in layers}

    def take(block, features):
        for name in set(layers) & set(features):
            rows[name].setdefault(block.owned_rows, []).append(features[name])

    walk(make_parts(model, image.shape[1:3], block_size), image, _visit, take)
    return {
        name: tf.concat([tf.concat(row, axis=2) for row in parts.values()], axis=1)
        for name, parts in rows.items()
    }


def block_grams(
    model: keras.Model,
    image: tf.Tensor,
    guides: Mapping[tuple[int, str], tf.Tensor | None],
    block_size: int,
) -> dict[tuple[int, str], tf.Tensor]:
    """Return Gram matrices by a number and a layer's name, as `losses.gram_matrix` with a guide."""
    sums: dict[tuple[int, str], tf.Tensor] = {}

    def visit(part, crop, inside, outside):
        features = part.features(crop, inside)
        return part.gram_sums(features, guides, outside), features[part.last]

    def take(_, found):
        _add(sums, found)

    walk(make_parts(model, image.shape[1:3], block_size), image, visit, take)
    return {
        key: total / (_locations(image, key[1]) if guides[key] is None else 1)
        for key, total in sums.items()
    }


def _visit(part, crop, inside, _):
    features = part.features(crop, inside)
    return features, features[part.last]


def _add(totals: dict[Any, tf.Tensor], terms: Mapping[Any, tf.Tensor]) -> None:
    for name, value in terms.items():
        totals[name] = totals[name] + value if name in totals else value


def _locations(image: tf.Tensor, layer: str) -> int:
    return (image.shape[1] // stride(layer)) * (image.shape[2] // stride(layer))


def block_evaluate(
    model: keras.Model, shape: tuple[int, ...], block_size: int, kernels: Kernels | None = None
) -> "Callable[[tf.Tensor, Targets, Knobs], tuple[Losses, tf.Tensor]]":
    """Return a function like `objective` and its gradient, for images of `shape`, by blocks.

    Args:
        model: from `vgg.feature_model`.
        shape: of the image, `(1, H, W, 3)`.
        block_size: as for `Stage.plan`.
        kernels: the Winograd kernels to use for a picture of a height and width.
    """
    pictures = [(shape[1] >> size, shape[2] >> size) for size in range(STYLE_SIZES)]
    deepest = max(map(stride, model.output_names))
    parts = [
        make_parts(model, picture, block_size, kernels)
        for picture in pictures
        if min(picture) >= deepest
    ]

    @tf.function(jit_compile=True)  # otherwise it would take the memory of up to ten pictures
    def vary(image, weight):
        """Return the total variation and its gradient."""
        with tf.GradientTape() as tape:
            tape.watch(image)
            variation = weight * total_variation_loss(image)
        return variation, tape.gradient(variation, image)

    def evaluate(image, targets, knobs):
        image = tf.convert_to_tensor(image)
        if targets.keep:
            image = targets.keep.compose(image)
        variation, gradient = vary(image, knobs.total_variation_weight)
        style = content = tf.constant(0.0)
        shares = size_shares(len(targets.style))
        for size, goals in enumerate(targets.style):
            with tf.GradientTape() as tape:
                tape.watch(image)
                picture = halved(image, size)
            kept = {} if size else dict(targets.content)
            styles = {
                (region, name): goal.guides.get(name)
                for region, goal in enumerate(goals)
                for name in goal.grams
            }
            sums: dict[tuple[int, str], tf.Tensor] = {}
            errors: dict[str, tf.Tensor] = {}

            def count(part, crop, inside, outside, kept=kept, styles=styles):
                return part.count(crop, inside, outside, kept, styles)

            def add(_, found, totals=(sums, errors)):
                for total, terms in zip(totals, found, strict=True):
                    _add(total, terms)

            maps = walk(parts[size], picture, count, add)
            # The closed form between the passes.
            slopes, content_slopes = {}, {}
            for (region, name), total in sums.items():
                factors = knobs.style_factors[size][region]
                weight = knobs.style_weight * shares[size] * factors[name] / len(factors)
                locations = 1 if name in goals[region].guides else _locations(picture, name)
                term, slope = _style_term(total, goals[region].grams[name], weight, locations)
                style += term
                slopes[region, name] = slope
            for name in kept:
                weight = knobs.content_weight * knobs.content_factors[name] / len(kept)
                weight /= tf.cast(tf.size(kept[name]), tf.float32)
                content += weight * errors[name]
                content_slopes[name] = 2 * weight
            pulled = _walk_back(parts[size], maps, (kept, styles, slopes, content_slopes))
            gradient += tape.gradient(picture, image, output_gradients=pulled) if size else pulled
        if targets.keep:
            gradient *= targets.keep.covered
        return Losses(style + content + variation, style, content, variation), gradient

    return evaluate


def _walk_back(parts: Sequence[Part], maps: list[tf.Tensor], slopes: Sequence[Any]) -> tf.Tensor:
    """Return the gradient with respect to the first of `maps`; the later ones are dropped."""
    upstream = None
    for part in reversed(parts):
        seen = maps.pop()
        pulled = np.zeros(seen.shape, np.float32)

        def pull(block, part=part, seen=seen, upstream=upstream):
            return part.pull_back(*cut(seen, block), *slopes, upstream)

        for block, gradient in deal(part, pull):
            (top, bottom), (left, right) = block.rows, block.columns
            pulled[:, top:bottom, left:right] += tf.cast(gradient, tf.float32).numpy()
        upstream = tf.constant(pulled)
    return upstream


def _style_term(
    total: tf.Tensor, goal: tf.Tensor, weight: tf.Tensor, locations: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return weight · mean((G − A)²) of a layer, and (Ḡ + Ḡᵀ) / N, by which F is multiplied."""
    error = total / locations - goal
    slope = 2 * weight * error / tf.cast(tf.size(error), tf.float32)
    return weight * tf.reduce_mean(tf.square(error)), (slope + tf.transpose(slope)) / locations
