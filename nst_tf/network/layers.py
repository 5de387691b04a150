"""The layers of VGG19: names, strides and receptive fields."""

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
"""Names of the VGG19 layers that a loss may use, in the order of the network."""


def keras_name(name: str) -> str:
    """Return the Keras name of a layer that papers call `relu4_1` or `conv4_1`: `block4_conv1`.

    Keras' layers include the ReLU, so both names mean the same. Other names are returned unchanged.
    """
    match = re.fullmatch(r"(?:relu|conv)(\d)_(\d)", name)
    known = match and f"block{match[1]}_conv{match[2]}"
    return known if known in LAYERS else name


def stride(layer: str) -> int:
    """Return the distance in pixels between two locations of a layer.

    Each pooling before the layer doubles it.
    """
    return int(2 ** (int(layer[5]) - (not layer.endswith("_pool"))))


def receptive_radius(layer: str) -> int:
    """Return the pixels that the receptive field of a feature extends beyond it, to each side.

    The feature itself covers a square of `stride` pixels. Each convolution adds one location of its
    own stride; a pooling adds none.
    """
    return receptive_growth(LAYERS[: LAYERS.index(layer) + 1])


def receptive_growth(layers: Iterable[str]) -> int:
    """Return the pixels that consecutive layers add to each side of the receptive field."""
    return sum(stride(name) for name in layers if "conv" in name)


def smallest_side(layers: Iterable[str]) -> int:
    """Return the smallest height and width, in pixels, for which all `layers` have an output.

    Each pooling halves the picture and drops an odd row, so a layer after n poolings needs 2ⁿ.
    """
    return max(map(stride, layers), default=1)


def floats_per_pixel(layers: Iterable[str]) -> float:
    """Return the number of values in the outputs of `layers` for each pixel of the picture."""
    return sum(WIDTHS[int(name[5]) - 1] / stride(name) ** 2 for name in layers)
