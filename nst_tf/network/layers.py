"""The layers of VGG19: their names, and which pixels their features see."""

from collections.abc import Iterable

POOLED_BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block of VGG19; a pooling ends each block

LAYERS = tuple(
    name
    for block, convolutions in enumerate(POOLED_BLOCKS, start=1)
    for name in (
        *(f"block{block}_conv{conv}" for conv in range(1, convolutions + 1)),
        f"block{block}_pool",
    )
)
"""Names of the VGG19 layers that a loss may use, in the order in which the network applies them."""


def stride(layer: str) -> int:
    """Return how many pixels apart a layer's locations are: each pooling before it doubles that."""
    return int(2 ** (int(layer[5]) - (not layer.endswith("_pool"))))


def reach(layer: str) -> int:
    """Return how many pixels beyond its own a feature of a layer depends on, to each side.

    Its own are `stride` a side. Each convolution up to it adds one location of its own stride, a
    pooling none.
    """
    return convolved(LAYERS[: LAYERS.index(layer) + 1])


def convolved(layers: Iterable[str]) -> int:
    """Return by how many pixels to each side some layers without gaps widen what is seen."""
    return sum(stride(name) for name in layers if "conv" in name)


def smallest_side(layers: Iterable[str]) -> int:
    """Return the least height and width, in pixels, for which every one of `layers` has an output.

    Each pooling halves the picture and drops an odd row, so a layer behind n poolings needs 2ⁿ.
    """
    return max(map(stride, layers), default=1)
