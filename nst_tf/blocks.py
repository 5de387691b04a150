"""The objective block by block: exact, without seams, in memory that hardly grows with the picture.

The style term depends on the picture only through Gram sums. A first pass walks the blocks and adds
up these sums and the content errors; the gradient with respect to each layer's features is then
known in closed form,

    ∂style/∂F = F (Ḡ + Ḡᵀ) / N,  Ḡ = ∂style/∂G,  N the layer's locations in the whole picture,

and a second pass walks the blocks again and pulls it back to pixels (Galerne, Raad, Lezama and
Morel, "Scaling Painting Style Transfer", 2022). Every block counts the features that it alone owns
and sees a halo of pixels as wide as they depend on, so that its own zero padding reaches none of
them; at the picture's borders the padding is the picture's. Equal to the whole picture's loss and
gradient up to rounding.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import keras
import tensorflow as tf

from nst_tf.losses import Losses, halved, size_shares, total_variation_loss
from nst_tf.settings import POOLED_BLOCKS, STYLE_SIZES, smallest_side, stride
from nst_tf.vgg import extract_features

if TYPE_CHECKING:
    from nst_tf.objective import Knobs, Targets

Span = tuple[int, int]


class Block(NamedTuple):
    """A part of the picture: the pixels that the network sees, and those whose features it owns.

    Each is a span of rows and one of columns, first and one past the last; all are multiples of the
    deepest layer's stride, but for the picture's own ends.
    """

    rows: Span
    columns: Span
    owned_rows: Span
    owned_columns: Span


def halo(layers: Iterable[str]) -> int:
    """Return how far, in pixels, a feature on the strides' grid depends on what lies beyond it.

    Each convolution reaches one location of its own stride further; a pooling none.
    """

    def reach(layer):
        block = int(layer[5])
        last = POOLED_BLOCKS[block - 1] if layer.endswith("_pool") else int(layer[-1])
        counts = (*POOLED_BLOCKS[: block - 1], last)
        return sum(count * 2**depth for depth, count in enumerate(counts))

    return max(map(reach, layers))


def plan_blocks(height: int, width: int, block_size: int, layers: Sequence[str]) -> list[Block]:
    """Cut a picture into blocks that own about `block_size` pixels a side.

    Args:
        height: of the picture, pixels.
        width: of the picture, pixels.
        block_size: longest side of what a block owns, pixels; at least the deepest stride.
        layers: those whose features are wanted.
    """
    grid = smallest_side(layers)
    margin = -(-halo(layers) // grid) * grid

    def spans(length: int) -> list[tuple[Span, Span]]:
        cells = max(1, length // grid)
        count = -(-cells // max(1, block_size // grid))
        side = -(-cells // count) * grid  # equal sides: few shapes, each of which is compiled
        edges = [*range(0, cells * grid, side), length]
        return [
            ((max(0, start - margin), min(length, stop + margin)), (start, stop))
            for start, stop in pairwise(edges)
        ]

    return [
        Block(rows, columns, owned_rows, owned_columns)
        for rows, owned_rows in spans(height)
        for columns, owned_columns in spans(width)
    ]


def block_features(
    model: keras.Model, image: tf.Tensor, layers: Sequence[str], block_size: int
) -> dict[str, tf.Tensor]:
    """Return the features `[1, h, w, C]` of `layers`, each put together from its blocks."""
    rows: dict[str, dict[Span, list[tf.Tensor]]] = {name: {} for name in layers}
    for block, features in _walk(model, image, block_size):
        for name in layers:
            rows[name].setdefault(block.owned_rows, []).append(features[name])
    return {
        name: tf.concat([tf.concat(row, axis=2) for row in parts.values()], axis=1)
        for name, parts in rows.items()
    }


def block_grams(
    model: keras.Model, image: tf.Tensor, layers: Sequence[str], block_size: int
) -> dict[str, tf.Tensor]:
    """Return the Gram matrices of `layers`, as `losses.gram_matrix` does."""
    sums = dict.fromkeys(layers, tf.constant(0.0))
    for _, features in _walk(model, image, block_size):
        for name in layers:
            sums[name] += _gram_sum(features[name])
    return {name: total / _locations(image, name) for name, total in sums.items()}


def _walk(model, image, block_size):
    """Yield the blocks and the features that each owns."""
    _, height, width, _ = image.shape
    for block in plan_blocks(height, width, block_size, model.output_names):
        crop, inside, _ = _cut(image, block)
        yield block, _owned(extract_features(model, crop), inside)


def _gram_sum(features: tf.Tensor) -> tf.Tensor:
    locations = tf.reshape(features, [-1, features.shape[-1]])
    return tf.matmul(locations, locations, transpose_a=True)


def _locations(image: tf.Tensor, layer: str) -> int:
    return (image.shape[1] // stride(layer)) * (image.shape[2] // stride(layer))


def _owned(features: Mapping[str, tf.Tensor], bounds: tf.Tensor) -> dict[str, tf.Tensor]:
    parts = {}
    for name, layer in features.items():
        top, bottom, left, right = tf.unstack(bounds // stride(name))
        parts[name] = layer[:, top:bottom, left:right]
    return parts


def block_evaluate(
    model: keras.Model,
    shape: tuple[int, ...],
    block_size: int,
    kernels: Callable[[int, int], Mapping[str, tf.Tensor]],
) -> "Callable[[tf.Tensor, Targets, Knobs], tuple[Losses, tf.Tensor]]":
    """Return a function like `objective` and its gradient, for images of `shape`, by blocks.

    Args:
        model: from `vgg.feature_model`.
        shape: of the image, `(1, H, W, 3)`.
        block_size: as for `plan_blocks`.
        kernels: the Winograd kernels to use for a crop of a height and width, or none.
    """
    layers = list(model.output_names)
    plans = [
        plan_blocks(max(1, shape[1] >> size), max(1, shape[2] >> size), block_size, layers)
        for size in range(STYLE_SIZES)
    ]
    chosen = {
        crop: kernels(*crop)
        for plan in plans
        for crop in {_lengths(block) for block in plan}
        if min(crop) >= smallest_side(layers)
    }

    def features_of(crop):
        return extract_features(model, crop, chosen[tuple(crop.shape[1:3])])

    @tf.function
    def count(crop, inside, outside, content, styles):
        """Return the Gram sums and content errors of what a block owns."""
        ours = _owned(features_of(crop), inside)
        theirs = _owned(content, outside)
        grams = {name: _gram_sum(ours[name]) for name in styles}
        errors = {
            name: tf.reduce_sum(tf.math.squared_difference(ours[name], theirs[name]))
            for name in content
        }
        return grams, errors

    @tf.function
    def pull_back(crop, inside, outside, content, slopes, content_slopes):
        """Return the gradient with respect to the pixels that a block sees."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(crop)
            ours = _owned(features_of(crop), inside)
        theirs = _owned(content, outside)
        slope = {name: tf.zeros_like(part) for name, part in ours.items()}
        for name, matrix in slopes.items():
            slope[name] += tf.einsum("bijc,cd->bijd", ours[name], matrix)
        for name, factor in content_slopes.items():
            slope[name] += factor * (ours[name] - theirs[name])
        return tape.gradient(list(ours.values()), crop, output_gradients=list(slope.values()))

    def evaluate(image, targets, knobs):
        image = tf.convert_to_tensor(image)
        with tf.GradientTape() as tape:
            tape.watch(image)
            variation = knobs.total_variation_weight * total_variation_loss(image)
        gradient = tape.gradient(variation, image)
        style = content = tf.constant(0.0)
        shares = size_shares(len(targets.style))
        pairs = zip(targets.style, knobs.style_factors, strict=True)
        for size, (goals, factors) in enumerate(pairs):
            with tf.GradientTape() as tape:
                tape.watch(image)
                picture = halved(image, size)
            kept = {} if size else dict(targets.content)
            plan = plans[size]
            # Pass 1.
            sums: dict[str, tf.Tensor] = {}
            errors: dict[str, tf.Tensor] = {}
            for block in plan:
                parts = count(*_cut(picture, block), kept, list(factors))
                for total, part in zip((sums, errors), parts, strict=True):
                    for name, value in part.items():
                        total[name] = total[name] + value if name in total else value
            # The closed form between them.
            slopes, content_slopes = {}, {}
            for name, factor in factors.items():
                weight = knobs.style_weight * shares[size] * factor / len(factors)
                locations = _locations(picture, name)
                term, slopes[name] = _style_term(sums[name], goals[name], weight, locations)
                style += term
            for name in kept:
                weight = knobs.content_weight * knobs.content_factors[name] / len(kept)
                weight /= tf.cast(tf.size(kept[name]), tf.float32)
                content += weight * errors[name]
                content_slopes[name] = 2 * weight
            # Pass 2.
            pulled = tf.Variable(tf.zeros_like(picture), trainable=False)
            for block in plan:
                part = pull_back(*_cut(picture, block), kept, slopes, content_slopes)
                (top, bottom), (left, right) = block.rows, block.columns
                view = pulled[:, top:bottom, left:right]
                view.assign(view + part)
            if size:
                gradient += tape.gradient(picture, image, output_gradients=pulled.value())
            else:
                gradient += pulled
        return Losses(style + content + variation, style, content, variation), gradient

    return evaluate


def _style_term(
    total: tf.Tensor, goal: tf.Tensor, weight: tf.Tensor, locations: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return weight · mean((G − A)²) of a layer, and (Ḡ + Ḡᵀ) / N, by which F is multiplied."""
    error = total / locations - goal
    slope = 2 * weight * error / tf.cast(tf.size(error), tf.float32)
    return weight * tf.reduce_mean(tf.square(error)), (slope + tf.transpose(slope)) / locations


def _lengths(block: Block) -> tuple[int, int]:
    return block.rows[1] - block.rows[0], block.columns[1] - block.columns[0]


def _cut(picture: tf.Tensor, block: Block) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the pixels that a block sees, and what it owns within them and within the picture."""
    (top, bottom), (left, right) = block.rows, block.columns
    outside = tf.constant([*block.owned_rows, *block.owned_columns])
    inside = outside - tf.constant([top, top, left, left])
    return picture[:, top:bottom, left:right], inside, outside
