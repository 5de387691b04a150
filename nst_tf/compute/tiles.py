"""The cuts of a picture into tiles and of the network into stages.

Every tile owns some features and sees a halo as wide as their receptive field, so that the tile's
zero padding reaches none of them. At the picture's borders the padding is the picture's own.

Galerne et al. ("Scaling Painting Style Transfer", 2022) send each tile through the whole network.
Here the network is cut too: the outputs of two poolings are kept whole, and each stage between them
has tiles of its own. A stage sees less far than the network: with tiles of 512 pixels the halo is
24 pixels wide instead of 96, and the tiles compute 1.2 times the picture instead of 1.9 times.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from nst_tf.network.layers import LAYERS, receptive_growth, stride

CUTS = ("block3_pool", "block4_pool")
"""Layers whose outputs are kept whole between two stages: four and two floats per pixel."""

Span = tuple[int, int]


class Tile(NamedTuple):
    """A part of a stage's input, as spans: the first location, and one past the last.

    Attributes:
        rows, columns: the locations that the tile sees.
        owned_rows, owned_columns: the locations whose features it owns.
    """

    rows: Span
    columns: Span
    owned_rows: Span
    owned_columns: Span


class Stage(NamedTuple):
    """A part of the network, from one cut to the next or to the last wanted layer.

    Attributes:
        names: its layers, in order.
        depth: number of stages before it.
        stride: pixels between two locations of its input.
        halo: locations of its input on each side that a feature depends on beyond its own.
        alignment: the edges of its tiles are multiples of this many pixels, or of a multiple
            that its layers need.
    """

    names: tuple[str, ...]
    depth: int
    stride: int
    halo: int
    alignment: int = 1

    @property
    def grid(self) -> int:
        """The edges of its tiles are multiples of this many locations of its input."""
        return max(stride(self.names[-1]), self.alignment) // self.stride

    def tiles(self, height: int, width: int, tile_size: int) -> list[Tile]:
        """Cut its input of `height` by `width` locations into tiles that see equally many.

        Deeper stages have fewer floats per pixel, so their tiles are longer: twice as long as those
        of the stage before. A tile of the first stage owns at most `tile_size` pixels a side.
        """
        longest = max(1, (tile_size << self.depth) // (self.stride * self.grid))
        margin = -(-self.halo // self.grid) * self.grid

        def spans(length: int) -> Iterator[tuple[Span, Span]]:
            cells = max(1, length // self.grid)
            count = -(-cells // longest)
            side = -(-cells // count) * self.grid
            edges = [*range(0, cells * self.grid, side), length]
            # The last tile includes the remainder, so that it begins on the grid like the others.
            seen = min(length, side + margin * min(2, len(edges) - 2) + length % self.grid)
            for start, stop in pairwise(edges):
                first = min(max(0, start - margin), length - seen)
                yield (first, first + seen), (start, stop)

        return [
            Tile(rows, columns, owned_rows, owned_columns)
            for rows, owned_rows in spans(height)
            for columns, owned_columns in spans(width)
        ]


def make_stages(
    layers: Sequence[str], alignment: int = 1, cuts: Sequence[str] = CUTS
) -> list[Stage]:
    """Return the stages that lead to all of `layers`, with a new stage after each of `cuts`."""
    end = max(map(LAYERS.index, layers)) + 1
    starts = [LAYERS.index(name) + 1 for name in cuts]
    edges = [0, *(start for start in starts if start < end), end]
    stages = []
    for depth, (start, stop) in enumerate(pairwise(edges)):
        names, step = LAYERS[start:stop], stride(LAYERS[start - 1]) if start else 1
        stages.append(Stage(names, depth, step, receptive_growth(names) // step, alignment))
    return stages
