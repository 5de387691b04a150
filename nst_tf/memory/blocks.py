"""Which block of a picture sees what: the cuts through the network and through the picture.

Every block counts the features that it alone owns and sees a halo as wide as they depend on, so
that its own zero padding reaches none of them; at the picture's borders the padding is the
picture's.

Galerne et al. ("Scaling Painting Style Transfer", 2022) send each block through all of the network.
Here the network is cut too: the outputs of two poolings are kept whole, and each stage between them
walks blocks of its own. A stage reaches less far than the network: around 512 pixels the halo is 24
wide instead of 96, and what is computed 1.2 times the picture instead of 1.9 times.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from nst_tf.network.layers import LAYERS, convolved, stride

CUTS = ("block3_pool", "block4_pool")
"""Layers whose outputs are kept whole between two stages: four and two numbers a pixel."""

Span = tuple[int, int]


class Block(NamedTuple):
    """A part of a stage's input: the locations that it sees, and those whose features it owns.

    Each is a span of rows and one of columns, first and one past the last.
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
    """

    names: tuple[str, ...]
    depth: int
    stride: int

    @property
    def grid(self) -> int:
        """Locations of its input between two of its last layer's."""
        return stride(self.names[-1]) // self.stride

    @property
    def halo(self) -> int:
        """How many locations of its input a feature on the grid depends on beyond its own."""
        return convolved(self.names) // self.stride

    def plan(self, height: int, width: int, block_size: int) -> list[Block]:
        """Cut its input into blocks that all see as many rows and as many columns.

        Deeper stages hold fewer numbers a pixel: in each, blocks are twice as long as before.

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


def make_stages(layers: Sequence[str]) -> list[Stage]:
    """Return the stages that lead to all of `layers`."""
    end = max(map(LAYERS.index, layers)) + 1
    cuts = [LAYERS.index(name) + 1 for name in CUTS]
    edges = [0, *(cut for cut in cuts if cut < end), end]
    return [
        Stage(LAYERS[start:stop], depth, stride(LAYERS[start - 1]) if start else 1)
        for depth, (start, stop) in enumerate(pairwise(edges))
    ]
