"""Walking a picture block by block, stage by stage of the network: see `blocks` for the cuts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from nst_tf.memory.blocks import Block, Stage, make_stages
from nst_tf.network.layers import stride
from nst_tf.network.model import apply_layers, preprocess

Kernels = Callable[[int, int], Mapping[str, tf.Tensor]]


class Part:
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

    def gram_sums(self, features, guides, outside):
        """Return the Gram sums of what a block owns, by the keys of the guides: number and name."""
        return {
            key: gram_sum(features[key[1]], self._guide(guide, key[1], outside))
            for key, guide in guides.items()
            if key[1] in features
        }

    def _count(self, crop, inside, outside, content, styles):
        """Return the Gram sums and content errors of what a block owns, and its last features.

        The sums are by the region's number and the layer's name, as the guides in `styles`, which
        are None where a region is the whole picture.
        """
        ours = self.features(crop, inside)
        grams = self.gram_sums(ours, styles, outside)
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

    def _guide(self, guide, name, outside):
        return None if guide is None else self._within(guide, name, outside)

    def _pull_back(self, crop, inside, outside, content, styles, slopes, content_slopes, upstream):
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
            for key, guide in styles.items():
                if key[1] == name:
                    part_slope = tf.einsum("bijc,cd->bijd", precise, slopes[key])
                    weight = self._guide(guide, name, outside)
                    slope += part_slope if weight is None else weight * part_slope
            if name in content:
                theirs = self._within(content[name], name, outside)
                slope += content_slopes[name] * (precise - theirs)
            if upstream is not None and name == self.last:
                slope += self._within(upstream, name, outside)
            cotangents.append(tf.cast(slope, part.dtype))
        return tape.gradient(list(ours.values()), crop, output_gradients=cotangents)


def make_parts(model, picture, block_size, kernels=None):
    stages = make_stages(model.output_names)
    return [Part(model, stage, picture, block_size, kernels) for stage in stages]


def walk(
    parts: Sequence[Part],
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
            return visit(part, *cut(maps[-1], block))

        for block, (found, last) in deal(part, look):
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


def deal(part: Part, function: Callable[[Block], Any]) -> Iterator[tuple[Block, Any]]:
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


def gram_sum(features: tf.Tensor, guide: tf.Tensor | None = None) -> tf.Tensor:
    locations = tf.reshape(tf.cast(features, tf.float32), [-1, features.shape[-1]])
    weighted = locations if guide is None else locations * tf.reshape(guide, [-1, 1])
    return tf.matmul(weighted, locations, transpose_a=True)


def cut(seen: tf.Tensor, block: Block) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return what a block sees, and what it owns within that and within the whole."""
    (top, bottom), (left, right) = block.rows, block.columns
    outside = tf.constant([*block.owned_rows, *block.owned_columns])
    inside = outside - tf.constant([top, top, left, left])
    return seen[:, top:bottom, left:right], inside, outside
