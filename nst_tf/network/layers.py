"""The layers of VGG19: their names, and which pixels their features see."""

import re
from collections.abc import Iterable

POOLED_BLOCKS = (2, 2, 4, 4, 4)  # convolutions in each block of VGG19; a pooling ends each block

WIDTHS = (64, 128, 256, 512, 512)  # channels of each block

LAYERS = tuple(
    name
    for block, convolutions in enumerate(POOLED_BLOCKS, start=1)
    for name in (
        *(f"block{block}_conv{conv}" for conv in range(1, convolutions + 1)),
        f"block{block}_pool",
    )
)
"""Names of the VGG19 layers that a loss may use, in the order in which the network applies them."""


def keras_name(name: str) -> str:
    """Return the Keras name of a layer that papers call `relu4_1` or `conv4_1`: `block4_conv1`.

    Keras' layers end with their ReLU, so both mean the same. Any other name is returned as it is.
    """
    match = re.fullmatch(r"(?:relu|conv)(\d)_(\d)", name)
    known = match and f"block{match[1]}_conv{match[2]}"
    return known if known in LAYERS else name


def stride(layer: str) -> int:
    """Return the pixels between two locations of a layer; each pooling before it doubles them."""
    return int(2 ** (int(layer[5]) - (not layer.endswith("_pool"))))


def receptive_radius(layer: str) -> int:
    """Return how many pixels beyond its own a layer's feature sees, to each side.

    Its own are a square of `stride` pixels. Each convolution adds one location of its own stride;
    a pooling adds none.
    """
    return receptive_growth(LAYERS[: LAYERS.index(layer) + 1])


def receptive_growth(layers: Iterable[str]) -> int:
    """Return the pixels that a run of consecutive layers adds to each side of what is seen."""
    return sum(stride(name) for name in layers if "conv" in name)


def smallest_side(layers: Iterable[str]) -> int:
    """Return the least height and width, in pixels, for which every one of `layers` has an output.

    Each pooling halves the picture and drops an odd row, so a layer behind n poolings needs 2ⁿ.
    """
    return max(map(stride, layers), default=1)


def floats_per_pixel(layers: Iterable[str]) -> float:
    """Return how many numbers the outputs of `layers` hold for each pixel of the picture."""
    return sum(WIDTHS[int(name[5]) - 1] / stride(name) ** 2 for name in layers)
