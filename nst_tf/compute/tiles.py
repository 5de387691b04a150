"""Which block of a picture sees what: the cuts through the network and through the picture.

Every block owns some features and sees a halo as wide as they depend on, so that the block's zero
padding reaches none of them; at the picture's borders the padding is the picture's.

Galerne et al. ("Scaling Painting Style Transfer", 2022) send each block through the whole network.
Here the network is cut too: the outputs of two poolings are kept whole, and each stage between them
goes through blocks of its own. A stage sees less far than the network: around 512 pixels the halo
is 24 pixels wide instead of 96, and the blocks compute 1.2 times the picture instead of 1.9 times.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from nst_tf.network.layers import LAYERS, receptive_growth, stride

CUTS = ("block3_pool", "block4_pool")
"""Layers whose outputs are kept whole between two stages: four and two numbers for each pixel."""

Span = tuple[int, int]


class Block(NamedTuple):
    """A part of a stage's input: the locations that it sees, and those whose features it owns.

    Each is a span of rows and one of columns: the first, and one past the last.
    """

    rows: Span
    columns: Span
    owned_rows: Span
    owned_columns: Span


class Stage(NamedTuple):
    """A part of the network, from one cut to the next or to the last layer that is wanted.

    Attributes:
        names: its layers, in order.
        depth: stages before it.
        stride: pixels between two locations of its input.
        cell: pixels of which the edges of its blocks are multiples, if its layers need no more.
    """

    names: tuple[str, ...]
    depth: int
    stride: int
    cell: int = 1

    @property
    def grid(self) -> int:
        """Locations of its input of which the edges of its blocks are multiples."""
        return max(stride(self.names[-1]), self.cell) // self.stride

    @property
    def halo(self) -> int:
        """Locations of its input, to each side, that a feature depends on beyond its own."""
        return receptive_growth(self.names) // self.stride

    def plan(self, height: int, width: int, block_size: int) -> list[Block]:
        """Cut its input into blocks that all see the same number of rows and columns.

        Deeper stages hold fewer numbers for each pixel, so their blocks are longer: twice as long
        as those of the stage before.

        Args:
            height: of the input, locations.
            width: of the input, locations.
            block_size: longest side of what a block of the first stage owns, pixels.
        """
        longest = max(1, (block_size << self.depth) // (self.stride * self.grid))
        margin = -(-self.halo // self.grid) * self.grid

        def spans(length: int) -> Iterator[tuple[Span, Span]]:
            cells = max(1, length // self.grid)
            count = -(-cells // longest)
            side = -(-cells // count) * self.grid
            edges = [*range(0, cells * self.grid, side), length]
            # With the remainder in it, the last block begins on the grid as the others do.
            seen = min(length, side + margin * min(2, len(edges) - 2) + length % self.grid)
            for start, stop in pairwise(edges):
                first = min(max(0, start - margin), length - seen)
                yield (first, first + seen), (start, stop)

        return [
            Block(rows, columns, owned_rows, owned_columns)
            for rows, owned_rows in spans(height)
            for columns, owned_columns in spans(width)
        ]


def make_stages(layers: Sequence[str], cell: int = 1, cuts: Sequence[str] = CUTS) -> list[Stage]:
    """Return the stages that lead to all of `layers`.

    Args:
        layers: names of the layers to reach.
        cell: as for `Stage`.
        cuts: layers after which a new stage begins.
    """
    end = max(map(LAYERS.index, layers)) + 1
    starts = [LAYERS.index(name) + 1 for name in cuts]
    edges = [0, *(start for start in starts if start < end), end]
    return [
        Stage(LAYERS[start:stop], depth, stride(LAYERS[start - 1]) if start else 1, cell)
        for depth, (start, stop) in enumerate(pairwise(edges))
    ]
