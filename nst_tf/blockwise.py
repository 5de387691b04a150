"""The objective block by block: exact, without seams, in memory that hardly grows with the picture.

The style term depends on the picture only through Gram sums. A first pass walks the blocks and adds
up these sums and the content errors; the gradient with respect to each layer's features is then
known in closed form,

    ∂style/∂F = F (Ḡ + Ḡᵀ) / N,  Ḡ = ∂style/∂G,  N the layer's locations in the whole picture,

and a second pass walks the blocks again and pulls it back to pixels (Galerne, Raad, Lezama and
Morel, "Scaling Painting Style Transfer", 2022). Both equal the whole picture's up to rounding.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.blocks import Block, Span, Stage, make_stages
from nst_tf.losses import Losses, halved, size_shares, total_variation_loss
from nst_tf.settings import STYLE_SIZES, stride
from nst_tf.vgg import apply_layers, preprocess

if TYPE_CHECKING:
    from nst_tf.objective import Knobs, Targets

Kernels = Callable[[int, int], Mapping[str, tf.Tensor]]


class _Part:
    """A stage over pictures of one size: its blocks, and what is computed on each of them."""

    def __init__(
        self,
        model: keras.Model,
        stage: Stage,
        picture: tuple[int, int],
        block_size: int,
        kernels: Kernels | None = None,
    ) -> None:
        self.stage = stage
        self.layers = [layer for layer in model.layers if layer.name in stage.names]
        self.wanted = [name for name in stage.names if name in model.output_names]
        self.last = stage.names[-1]
        self.ends = stage == make_stages(model.output_names)[-1]
        height, width = (side // stage.stride for side in picture)
        self.blocks = stage.plan(height, width, block_size)
        (top, bottom), (left, right) = self.blocks[0][:2]
        crop = ((bottom - top) * stage.stride, (right - left) * stage.stride)
        self._kernels = kernels(*crop) if kernels else {}
        self.count = tf.function(self._count)
        self.pull_back = tf.function(self._pull_back)

    def features(self, crop, inside):
        """Return what a block owns of the features that are wanted and of the last."""
        if not self.stage.depth:
            crop = preprocess(crop)
        outputs = apply_layers(self.layers, crop, {*self.wanted, self.last}, self._kernels)
        return {name: self._within(output, name, inside) for name, output in outputs.items()}

    def _within(self, output, name, bounds):
        top, bottom, left, right = tf.unstack(bounds * self.stage.stride // stride(name))
        return output[:, top:bottom, left:right]

    def _count(self, crop, inside, outside, content, styles):
        """Return the Gram sums and content errors of what a block owns, and its last features."""
        ours = self.features(crop, inside)
        grams = {name: _gram_sum(ours[name]) for name in styles if name in ours}
        errors = {
            name: tf.reduce_sum(
                tf.math.squared_difference(
                    tf.cast(ours[name], tf.float32), self._within(kept, name, outside)
                )
            )
            for name, kept in content.items()
            if name in ours
        }
        return (grams, errors), ours[self.last]

    def _pull_back(self, crop, inside, outside, content, slopes, content_slopes, upstream):
        """Return the gradient with respect to the locations that a block sees.

        Of its last layer's features, `upstream` is the gradient by way of the later stages.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(crop)
            ours = self.features(crop, inside)
        cotangents = []
        for name, part in ours.items():
            precise = tf.cast(part, tf.float32)
            slope = tf.zeros_like(precise)
            if name in slopes:
                slope += tf.einsum("bijc,cd->bijd", precise, slopes[name])
            if name in content:
                theirs = self._within(content[name], name, outside)
                slope += content_slopes[name] * (precise - theirs)
            if upstream is not None and name == self.last:
                slope += self._within(upstream, name, outside)
            cotangents.append(tf.cast(slope, part.dtype))
        return tape.gradient(list(ours.values()), crop, output_gradients=cotangents)


def _make_parts(model, picture, block_size, kernels=None):
    stages = make_stages(model.output_names)
    return [_Part(model, stage, picture, block_size, kernels) for stage in stages]


def _walk(
    parts: Sequence[_Part],
    picture: tf.Tensor,
    visit: Callable[..., tuple[Any, tf.Tensor]],
    take: Callable[[Block, Any], None],
) -> list[tf.Tensor]:
    """Give `take` what `visit` finds on each block, and return the input of each stage."""
    maps = [picture]
    for part in parts:
        _, height, width, _ = picture.shape
        rows, columns = (side // stride(part.last) for side in (height, width))
        following = None

        def look(block, part=part):
            return visit(part, *_cut(maps[-1], block))

        for block, (found, last) in _deal(part, look):
            take(block, found)
            if part.ends:
                continue
            values = last.numpy()
            if following is None:
                # Not a variable: once a slice of one is assigned, every reading copies all of it.
                following = np.zeros([1, rows, columns, values.shape[-1]], values.dtype)
            top, left = (
                span[0] // part.stage.grid for span in (block.owned_rows, block.owned_columns)
            )
            bottom, right = top + values.shape[1], left + values.shape[2]
            following[:, top:bottom, left:right] = values
        if following is not None:
            maps.append(tf.constant(following))
    return maps


def _deal(part: _Part, function: Callable[[Block], Any]) -> Iterator[tuple[Block, Any]]:
    """Yield each block and what the function returns, computed on all GPUs at a time."""
    devices = _devices()
    for start in range(0, len(part.blocks), len(devices)):
        found = []
        for block, device in zip(part.blocks[start:], devices, strict=False):
            with tf.device(device):
                found.append((block, function(block)))
        yield from found


def _devices() -> Sequence[str | None]:
    return [gpu.name for gpu in tf.config.list_logical_devices("GPU")] or [None]


def block_features(
    model: keras.Model, image: tf.Tensor, layers: Sequence[str], block_size: int
) -> dict[str, tf.Tensor]:
    """Return the features `[1, h, w, C]` of `layers`, each put together from its blocks."""
    rows: dict[str, dict[Span, list[tf.Tensor]]] = {name: {} for name in layers}

    def take(block, features):
        for name in set(layers) & set(features):
            rows[name].setdefault(block.owned_rows, []).append(features[name])

    _walk(_make_parts(model, image.shape[1:3], block_size), image, _visit, take)
    return {
        name: tf.concat([tf.concat(row, axis=2) for row in parts.values()], axis=1)
        for name, parts in rows.items()
    }


def block_grams(
    model: keras.Model, image: tf.Tensor, layers: Sequence[str], block_size: int
) -> dict[str, tf.Tensor]:
    """Return the Gram matrices of `layers`, as `losses.gram_matrix` does."""
    sums = dict.fromkeys(layers, tf.constant(0.0))

    def take(_, features):
        for name in set(layers) & set(features):
            sums[name] += _gram_sum(features[name])

    _walk(_make_parts(model, image.shape[1:3], block_size), image, _visit, take)
    return {name: total / _locations(image, name) for name, total in sums.items()}


def _visit(part, crop, inside, _):
    features = part.features(crop, inside)
    return features, features[part.last]


def _gram_sum(features: tf.Tensor) -> tf.Tensor:
    locations = tf.reshape(tf.cast(features, tf.float32), [-1, features.shape[-1]])
    return tf.matmul(locations, locations, transpose_a=True)


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
        _make_parts(model, picture, block_size, kernels)
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
        variation, gradient = vary(image, knobs.total_variation_weight)
        style = content = tf.constant(0.0)
        shares = size_shares(len(targets.style))
        pairs = zip(targets.style, knobs.style_factors, strict=True)
        for size, (goals, factors) in enumerate(pairs):
            with tf.GradientTape() as tape:
                tape.watch(image)
                picture = halved(image, size)
            kept = {} if size else dict(targets.content)
            sums: dict[str, tf.Tensor] = {}
            errors: dict[str, tf.Tensor] = {}

            def count(part, crop, inside, outside, kept=kept, styles=tuple(factors)):
                return part.count(crop, inside, outside, kept, styles)

            def add(_, found, totals=(sums, errors)):
                for total, terms in zip(totals, found, strict=True):
                    for name, value in terms.items():
                        total[name] = total[name] + value if name in total else value

            maps = _walk(parts[size], picture, count, add)
            # The closed form between the passes.
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
            pulled = _walk_back(parts[size], maps, (kept, slopes, content_slopes))
            gradient += tape.gradient(picture, image, output_gradients=pulled) if size else pulled
        return Losses(style + content + variation, style, content, variation), gradient

    return evaluate


def _walk_back(parts: Sequence[_Part], maps: list[tf.Tensor], slopes: Sequence[Any]) -> tf.Tensor:
    """Return the gradient with respect to the first of `maps`; the later ones are dropped."""
    upstream = None
    for part in reversed(parts):
        seen = maps.pop()
        pulled = np.zeros(seen.shape, np.float32)

        def pull(block, part=part, seen=seen, upstream=upstream):
            return part.pull_back(*_cut(seen, block), *slopes, upstream)

        for block, gradient in _deal(part, pull):
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


def _cut(seen: tf.Tensor, block: Block) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return what a block sees, and what it owns within that and within the whole."""
    (top, bottom), (left, right) = block.rows, block.columns
    outside = tf.constant([*block.owned_rows, *block.owned_columns])
    inside = outside - tf.constant([top, top, left, left])
    return seen[:, top:bottom, left:right], inside, outside
