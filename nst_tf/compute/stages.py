"""A stage of the network, computed tile by tile."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from nst_tf.compute.tiles import Stage, Tile
from nst_tf.images.resize import Size
from nst_tf.losses.objective import collect_statistics
from nst_tf.losses.targets import Key, Part
from nst_tf.losses.term import Statistics, Term, Window
from nst_tf.network.layers import stride
from nst_tf.network.model import Convolutions, Network, apply_layers, preprocess

ConvolutionsBySize = Callable[[int, int], Convolutions]
"""Returns faster convolutions for a picture of some height and width: `fast_convolutions`."""

PartsByKey = Mapping[Key, Part]
StatisticsByKey = dict[Key, Statistics]


class Crop(NamedTuple):
    """The part of a stage's input that a tile sees.

    Attributes:
        values: `[1, h, w, C]`.
        inside: int32 `[4]`, the span that the tile owns of `values`: top, bottom, left, right.
        outside: the same span in the whole input.
    """

    values: tf.Tensor
    inside: tf.Tensor
    outside: tf.Tensor


def crop_tile(values: tf.Tensor, tile: Tile) -> Crop:
    """Return what a tile sees of a stage's input."""
    (top, bottom), (left, right) = tile.rows, tile.columns
    outside = tf.constant([*tile.owned_rows, *tile.owned_columns])
    inside = outside - tf.constant([top, top, left, left])
    return Crop(values[:, top:bottom, left:right], inside, outside)


def tile_devices() -> Sequence[str | None]:
    """Return the devices that share the tiles; None is TensorFlow's own choice."""
    return [gpu.name for gpu in tf.config.list_logical_devices("GPU")] or [None]


class TiledStage:
    """A stage of the network over pictures of one size, and the computations on its tiles.

    Args:
        size: height and width of the whole picture, pixels.
        tile_size: longest side of a tile of the first stage, pixels.
        layers: those whose features are wanted.
        terms: by name; empty if only `features` is used.
        convolutions: of the network for a height and width; by default its own.
    """

    def __init__(
        self,
        network: Network,
        stage: Stage,
        size: Size,
        tile_size: int,
        layers: Sequence[str],
        terms: Mapping[str, Term] | None = None,
        convolutions: ConvolutionsBySize | None = None,
    ) -> None:
        self.stage = stage
        self.last = stage.names[-1]
        height, width = (side // stage.stride for side in size)
        self._tiles = stage.tiles(height, width, tile_size)
        self._size = size
        self._terms = terms or {}
        self._layers = [layer for layer in network.layers if layer.name in stage.names]
        self._wanted = {name for name in stage.names if name in layers}
        (top, bottom), (left, right) = self._tiles[0].rows, self._tiles[0].columns
        seen = ((bottom - top) * stage.stride, (right - left) * stage.stride)  # by every tile
        self._convolutions = convolutions(*seen) if convolutions else {}
        self.statistics = tf.function(self._statistics, autograph=False)
        self.vjp = tf.function(self._vjp, autograph=False)

    def over_tiles(
        self, values: tf.Tensor, function: Callable[[Crop], Any]
    ) -> Iterator[tuple[Tile, Any]]:
        """Yield each tile and the result of a function of its crop, on all GPUs at once."""
        devices = tile_devices()
        for start in range(0, len(self._tiles), len(devices)):
            results = []
            for tile, device in zip(self._tiles[start:], devices, strict=False):
                with tf.device(device):
                    results.append((tile, function(crop_tile(values, tile))))
            yield from results

    def features(self, crop: Crop) -> dict[str, tf.Tensor]:
        """Return the features that a tile owns, of the wanted layers and of the last."""
        values = crop.values if self.stage.depth else preprocess(crop.values)
        outputs = apply_layers(self._layers, values, {*self._wanted, self.last}, self._convolutions)
        window = Window(self._size, crop.inside * self.stage.stride)
        return {name: window.crop(output, stride(name)) for name, output in outputs.items()}

    def window(self, crop: Crop, guides: Mapping[str, tf.Tensor]) -> Window:
        """Return the window of the span that a tile owns in the whole picture."""
        return Window(self._size, crop.outside * self.stage.stride, guides)

    def _statistics(self, crop: Crop, parts: PartsByKey) -> tuple[StatisticsByKey, tf.Tensor]:
        """Return the terms' statistics of a tile by part, and its last features."""
        features = self.features(crop)
        window = functools.partial(self.window, crop)
        found = collect_statistics(list(self._terms.values()), features, parts, window)
        return found, features[self.last]

    def _vjp(
        self,
        crop: Crop,
        parts: PartsByKey,
        adjoints: Mapping[Key, Statistics],
        upstream: tf.Tensor | None,
    ) -> tf.Tensor:
        """Return Σ ⟨λ, ∂statistics/∂crop⟩, the tile's share of the gradient at what it sees.

        Args:
            adjoints: λ, the derivatives of the total by the whole picture's statistics.
            upstream: the gradient at the stage's whole output by way of the later stages.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(crop.values)
            found, last = self._statistics(crop, parts)
        window = self.window(crop, {})
        outputs, cotangents = [], []
        for key, statistics in found.items():
            grid = self._terms[key[0]].grid
            for name, value in statistics.sums.items():
                outputs.append(value)
                cotangents.append(adjoints[key].sums[name])
            for name, value in statistics.maps.items():
                outputs.append(value)
                cotangents.append(window.crop(adjoints[key].maps[name], grid))
        if upstream is not None:
            outputs.append(last)
            cotangents.append(tf.cast(window.crop(upstream, stride(self.last)), last.dtype))
        return tape.gradient(outputs, crop.values, output_gradients=cotangents)
