"""Passes through the network, whole or block by block: see `blocks` for the cuts."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.compute.canvas import as_tensor, canvas
from nst_tf.compute.tiles import CUTS, Block, Stage, make_stages
from nst_tf.images.resize import Size
from nst_tf.losses.objective import collect_statistics
from nst_tf.losses.targets import Key, Part
from nst_tf.losses.term import Function, Statistics, Summarize, Term, Window, add
from nst_tf.network.layers import stride
from nst_tf.network.model import Convolutions, Network, apply_layers, extract_features, preprocess

ConvolutionsBySize = Callable[[int, int], Convolutions]
"""Returns faster convolutions for a picture of some height and width: `fast_convolutions`."""

PartsByKey = Mapping[Key, Part]
StatisticsByKey = dict[Key, Statistics]


class BlockedStage:
    """A stage of the network over pictures of one size, and what is computed on its blocks.

    Args:
        network: from `model.feature_model`.
        stage: its part of the network.
        size: height and width of the whole picture, pixels.
        block_size: as for `Stage.plan`.
        layers: those whose features are wanted.
        terms: by name; empty if only `features` is used.
        convolutions: of the network for a height and width; by default its own.
    """

    def __init__(
        self,
        network: Network,
        stage: Stage,
        size: Size,
        block_size: int,
        layers: Sequence[str],
        terms: Mapping[str, Term] | None = None,
        convolutions: ConvolutionsBySize | None = None,
    ) -> None:
        self.stage = stage
        self.last = stage.names[-1]
        height, width = (side // stage.stride for side in size)
        self.blocks = stage.plan(height, width, block_size)
        self._size = size
        self._terms = terms or {}
        self._layers = [layer for layer in network.layers if layer.name in stage.names]
        self._wanted = {name for name in stage.names if name in layers}
        (top, bottom), (left, right) = self.blocks[0][:2]
        crop = ((bottom - top) * stage.stride, (right - left) * stage.stride)
        self._convolutions = convolutions(*crop) if convolutions else {}
        self.statistics = tf.function(self._statistics, autograph=False)
        self.pull_back = tf.function(self._pull_back, autograph=False)

    def features(self, crop: tf.Tensor, inside: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the features that a block owns, of the wanted layers and of the last."""
        if not self.stage.depth:
            crop = preprocess(crop)
        outputs = apply_layers(self._layers, crop, {*self._wanted, self.last}, self._convolutions)
        window = Window(self._size, inside * self.stage.stride)
        return {name: window.crop(output, stride(name)) for name, output in outputs.items()}

    def window(self, outside: tf.Tensor, guides: Mapping[str, tf.Tensor]) -> Window:
        """Return the window of a block that owns the span `outside` of the stage's input."""
        return Window(self._size, outside * self.stage.stride, guides)

    def _statistics(
        self, crop: tf.Tensor, inside: tf.Tensor, outside: tf.Tensor, parts: PartsByKey
    ) -> tuple[StatisticsByKey, tf.Tensor]:
        """Return the terms' statistics of a block by part, and its last features.

        Args:
            crop: what the block sees of the stage's input, `[1, h, w, C]`.
            inside: int32 `[4]`, what it owns of that: top, bottom, left, right.
            outside: the same in the whole input.
            parts: all parts of the picture.
        """
        features = self.features(crop, inside)
        window = functools.partial(self.window, outside)
        found = collect_statistics(list(self._terms.values()), features, parts, window)
        return found, features[self.last]

    def _pull_back(
        self,
        crop: tf.Tensor,
        inside: tf.Tensor,
        outside: tf.Tensor,
        parts: PartsByKey,
        multipliers: Mapping[Key, Statistics],
        upstream: tf.Tensor | None,
    ) -> tf.Tensor:
        """Return Σ ⟨λ, ∂statistics/∂crop⟩, the block's share of the gradient at what it sees.

        Args:
            crop, inside, outside, parts: as for `_statistics`.
            multipliers: λ, the derivatives of the total by the whole picture's statistics.
            upstream: the gradient at the stage's last features by way of the later stages.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(crop)
            found, last = self._statistics(crop, inside, outside, parts)
        outputs, slopes = [], []
        for key, statistics in found.items():
            window = self.window(outside, {})
            grid = self._terms[key[0]].grid
            for name, value in statistics.sums.items():
                outputs.append(value)
                slopes.append(multipliers[key].sums[name])
            for name, value in statistics.maps.items():
                outputs.append(value)
                slopes.append(window.crop(multipliers[key].maps[name], grid))
        if upstream is not None:
            outputs.append(last)
            window = self.window(outside, {})
            slopes.append(tf.cast(window.crop(upstream, stride(self.last)), last.dtype))
        return tape.gradient(outputs, crop, output_gradients=slopes)


class Collection:
    """The statistics of a picture, put together from those of its blocks."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._sums: dict[str, tf.Tensor] = {}
        self._maps: dict[str, np.ndarray] = {}

    def take(self, found: Statistics, stage: Stage, block: Block, grid: int) -> None:
        """Add what was found in a block, whose maps have a location every `grid` pixels."""
        add(self._sums, found.sums)
        for name, value in found.maps.items():
            if name not in self._maps:
                height, width = (side // grid for side in self._size)
                self._maps[name] = canvas(
                    [1, height, width, value.shape[-1]], value.dtype.as_numpy_dtype
                )
            top = block.owned_rows[0] * stage.stride // grid
            left = block.owned_columns[0] * stage.stride // grid
            bottom, right = top + value.shape[1], left + value.shape[2]
            self._maps[name][:, top:bottom, left:right] += value.numpy()

    def statistics(self) -> Statistics:
        """Return those of the whole picture, which is complete."""
        return Statistics(
            self._sums, {name: as_tensor(values) for name, values in self._maps.items()}
        )


def summarize_whole(network: Network) -> Summarize:
    """Return a `Summarize` that sends whole pictures through the network.

    It keeps the features of every picture that it has seen, so that terms share them; it should
    not outlive the making of targets.
    """
    seen: list[tuple[tf.Tensor, Mapping[str, tf.Tensor]]] = []

    def summarize(image, layers, function, *, guides, grid, joint, name=None):
        for picture, known in seen:
            if picture is image:
                features = known
                break
        else:
            features = extract_features(network, image)
            seen.append((image, features))
        window = Window(image.shape[1:3], guides=guides)
        return function({name: features[name] for name in layers}, window)

    return summarize


def summarize_blocks(network: Network, block_size: int) -> Summarize:
    """Return a `Summarize` that goes through pictures by blocks."""

    def summarize(image, layers, function: Function, *, guides, grid, joint, name=None):
        size = image.shape[1:3]
        if not layers:
            return Statistics()
        stages = [
            BlockedStage(network, stage, size, block_size, layers)
            for stage in make_stages(layers, grid, () if joint else CUTS)
        ]
        collection = Collection(size)

        def visit(stage, crop, inside, outside):
            features = stage.features(crop, inside)
            wanted = {name: features[name] for name in layers if name in features}
            found = function(wanted, stage.window(outside, guides)) if wanted else Statistics()
            return found, features[stage.last]

        def take(stage, block, found):
            collection.take(found, stage.stage, block, grid)

        forward_blocks(stages, image, visit, take)
        return collection.statistics()

    return summarize


def forward_blocks(
    stages: Sequence[BlockedStage],
    image: tf.Tensor,
    visit: Callable[..., tuple[Any, tf.Tensor]],
    take: Callable[[BlockedStage, Block, Any], None],
) -> list[tf.Tensor]:
    """Go through the stages, block by block, and return the input of each.

    Args:
        stages: in order.
        image: the input of the first, `[1, H, W, 3]`.
        visit: is given a stage and what `crop_block` returns; returns what it found and the
            block's last features.
        take: is given the stage, the block and what was found.
    """
    inputs = [image]
    _, height, width, _ = image.shape
    for stage in stages:
        step = stride(stage.last)
        following = None

        def look(block, stage=stage):
            return visit(stage, *crop_block(inputs[-1], block))

        for block, (found, last) in map_blocks(stage, look):
            take(stage, block, found)
            if stage is stages[-1]:
                continue
            values = last.numpy()
            if following is None:
                # Not a variable: once a slice of one is assigned, every reading copies all of it.
                following = canvas(
                    [1, height // step, width // step, values.shape[-1]], values.dtype
                )
            top, left = (
                span[0] * stage.stage.stride // step
                for span in (block.owned_rows, block.owned_columns)
            )
            following[:, top : top + values.shape[1], left : left + values.shape[2]] = values
        if following is not None:
            inputs.append(as_tensor(following))
    return inputs


def count_blocks(
    stages: Sequence[BlockedStage],
    image: tf.Tensor,
    parts: PartsByKey,
    terms: Mapping[str, Term],
) -> tuple[list[tf.Tensor], StatisticsByKey]:
    """Return the inputs of the stages and the statistics of the whole picture by part."""
    collections = {key: Collection(image.shape[1:3]) for key in parts}

    def visit(stage, crop, inside, outside):
        return stage.statistics(crop, inside, outside, parts)

    def take(stage, block, found):
        for key, statistics in found.items():
            collections[key].take(statistics, stage.stage, block, terms[key[0]].grid)

    inputs = forward_blocks(stages, image, visit, take)
    return inputs, {key: collection.statistics() for key, collection in collections.items()}


def backward_blocks(
    stages: Sequence[BlockedStage],
    inputs: list[tf.Tensor],
    parts: PartsByKey,
    multipliers: Mapping[Key, Statistics],
) -> tf.Tensor:
    """Return the gradient at the first of `inputs`; the later ones are dropped on the way."""
    upstream = None
    for stage in reversed(stages):
        seen = inputs.pop()
        pulled = canvas(seen.shape, np.float32)

        def pull(block, stage=stage, seen=seen, upstream=upstream):
            return stage.pull_back(*crop_block(seen, block), parts, multipliers, upstream)

        for block, slope in map_blocks(stage, pull):
            (top, bottom), (left, right) = block.rows, block.columns
            pulled[:, top:bottom, left:right] += tf.cast(slope, tf.float32).numpy()
        upstream = as_tensor(pulled)
    return upstream


def map_blocks(
    stage: BlockedStage, function: Callable[[Block], Any]
) -> Iterator[tuple[Block, Any]]:
    """Yield each block and what the function returns, computed on all GPUs at the same time."""
    devices = block_devices()
    for start in range(0, len(stage.blocks), len(devices)):
        found = []
        for block, device in zip(stage.blocks[start:], devices, strict=False):
            with tf.device(device):
                found.append((block, function(block)))
        yield from found


def block_devices() -> Sequence[str | None]:
    """Return the devices that share the blocks; None is TensorFlow's own choice."""
    return [gpu.name for gpu in tf.config.list_logical_devices("GPU")] or [None]


def crop_block(seen: tf.Tensor, block: Block) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return what a block sees, and what it owns within that and within the whole, int32 `[4]`."""
    (top, bottom), (left, right) = block.rows, block.columns
    outside = tf.constant([*block.owned_rows, *block.owned_columns])
    inside = outside - tf.constant([top, top, left, left])
    return seen[:, top:bottom, left:right], inside, outside
