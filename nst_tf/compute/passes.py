"""Passes through the network, whole or tile by tile: `tiles` describes the cuts.

The objective of a tiled picture and its gradient take two passes over the same tiles. Only the
inputs of the stages are whole; everything in between exists for one tile at a time:

    inputs = [image]                                    # `forward`
    for stage in stages:
        for tile, crop in tiles of inputs[-1]:
            statistics += terms(features(crop))
            output[owned by tile] = last features(crop)
        inputs += [output]

    λ = ∂total/∂statistics                              # `evaluate.TiledObjective`

    for stage in reversed(stages):                      # `backward`
        for tile, crop in tiles of inputs.pop():
            gradient[seen by tile] += ⟨λ, ∂statistics/∂crop⟩ + ⟨upstream, ∂last features/∂crop⟩
        upstream = gradient
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.compute.aligned import aligned_zeros, as_tensor
from nst_tf.compute.convolutions import fast_convolutions
from nst_tf.compute.stages import Crop, PartsByKey, TiledStage
from nst_tf.compute.tiles import CUTS, Stage, Tile, make_stages
from nst_tf.images.resize import Size
from nst_tf.losses.targets import Key
from nst_tf.losses.term import Function, Statistics, Summarize, Window, add
from nst_tf.network.layers import stride
from nst_tf.network.model import Network, extract_features

log = logging.getLogger(__name__)


class WholeMap:
    """A map of a picture, put together from those of its tiles.

    Its locations are `step` pixels apart; `size` is the picture's height and width in pixels.
    """

    def __init__(self, size: Size, step: int) -> None:
        self._height, self._width = (side // step for side in size)
        self._step = step
        self._values: np.ndarray | None = None

    def add(self, values: tf.Tensor, stage: Stage, tile: Tile) -> None:
        """Add the map that a tile owns, `[1, h, w, C]`."""
        if self._values is None:
            # Not a variable: once a slice of one is assigned, every reading copies all of it.
            shape = [1, self._height, self._width, values.shape[-1]]
            self._values = aligned_zeros(shape, values.dtype.as_numpy_dtype)
        top = tile.owned_rows[0] * stage.stride // self._step
        left = tile.owned_columns[0] * stage.stride // self._step
        bottom, right = top + values.shape[1], left + values.shape[2]
        self._values[:, top:bottom, left:right] += values.numpy()

    def tensor(self) -> tf.Tensor:
        """Return the complete map, which must not change afterwards."""
        assert self._values is not None
        return as_tensor(self._values)


class Collection:
    """The statistics of a picture, put together from those of its tiles; see `WholeMap`."""

    def __init__(self, size: Size, step: int) -> None:
        self._size, self._step = size, step
        self._sums: dict[str, tf.Tensor] = {}
        self._maps: dict[str, WholeMap] = {}

    def add(self, found: Statistics, stage: Stage, tile: Tile) -> None:
        """Add the statistics of a tile."""
        add(self._sums, found.sums)
        for name, values in found.maps.items():
            if name not in self._maps:
                self._maps[name] = WholeMap(self._size, self._step)
            self._maps[name].add(values, stage, tile)

    def statistics(self) -> Statistics:
        """Return the statistics of the whole picture, which is complete."""
        return Statistics(self._sums, {name: whole.tensor() for name, whole in self._maps.items()})


def summarize_whole(network: Network, use_winograd: bool = False) -> Summarize:
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
            log.debug("the network sees a picture of %dx%d pixels", *image.shape[2:0:-1])
            height, width = image.shape[1:3]
            fast = fast_convolutions(network, height, width, use_winograd)
            features = extract_features(network, image, fast)
            seen.append((image, features))
        window = Window(image.shape[1:3], guides=guides)
        return function({name: features[name] for name in layers}, window)

    return summarize


def summarize_tiles(network: Network, tile_size: int, use_winograd: bool = False) -> Summarize:
    """Return a `Summarize` that sends pictures through the network in tiles."""
    convolutions = functools.partial(fast_convolutions, network, use_winograd=use_winograd)

    def summarize(image, layers, function: Function, *, guides, grid, joint, name=None):
        if not layers:
            return Statistics()
        size = image.shape[1:3]
        stages = [
            TiledStage(network, stage, size, tile_size, layers, convolutions=convolutions)
            for stage in make_stages(layers, grid, () if joint else CUTS)
        ]
        collection = Collection(size, grid)

        def compute(stage: TiledStage, crop: Crop) -> tuple[dict[str, Statistics], tf.Tensor]:
            features = stage.features(crop)
            wanted = {name: features[name] for name in layers if name in features}
            found = {"all": function(wanted, stage.window(crop, guides))} if wanted else {}
            return found, features[stage.last]

        forward(stages, image, compute, {"all": collection})
        return collection.statistics()

    return summarize


def forward(
    stages: Sequence[TiledStage],
    image: tf.Tensor,
    compute: Callable[[TiledStage, Crop], tuple[Mapping[Any, Statistics], tf.Tensor]],
    collections: Mapping[Any, Collection],
) -> list[tf.Tensor]:
    """Collect the statistics of a picture tile by tile, and return the input of each stage.

    Args:
        image: the input of the first stage, `[1, H, W, 3]`.
        compute: returns the statistics of a tile by key, and the last features that it owns.
        collections: by the same keys; the statistics are added to them.
    """
    inputs = [image]
    for stage in stages:
        output = WholeMap(image.shape[1:3], stride(stage.last))
        of_tile = functools.partial(compute, stage)
        for tile, (found, last) in stage.over_tiles(inputs[-1], of_tile):
            for key, statistics in found.items():
                collections[key].add(statistics, stage.stage, tile)
            if stage is not stages[-1]:
                output.add(last, stage.stage, tile)
        if stage is not stages[-1]:
            inputs.append(output.tensor())
    return inputs


def backward(
    stages: Sequence[TiledStage],
    inputs: list[tf.Tensor],
    parts: PartsByKey,
    adjoints: Mapping[Key, Statistics],
) -> tf.Tensor:
    """Return the gradient at the first of `inputs`, which is emptied on the way.

    Args:
        adjoints: the derivatives of the total by the whole picture's statistics.
    """
    upstream = None
    for stage in reversed(stages):
        values = inputs.pop()
        gradient = aligned_zeros(values.shape, np.float32)
        vjp = functools.partial(stage.vjp, parts=parts, adjoints=adjoints, upstream=upstream)
        for tile, share in stage.over_tiles(values, vjp):
            (top, bottom), (left, right) = tile.rows, tile.columns
            gradient[:, top:bottom, left:right] += tf.cast(share, tf.float32).numpy()
        upstream = as_tensor(gradient)
    return upstream
