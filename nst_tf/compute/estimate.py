"""Estimates of the memory that a run needs.

The estimates follow from the shapes. Their constants were fitted to the peaks of resident memory
that `scripts/benchmark_memory.py` measures.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from nst_tf.compute.budget import BASE, MIB
from nst_tf.compute.machine import Machine
from nst_tf.compute.tiles import make_stages
from nst_tf.compute.winograd import PATCH, STRIP, is_faster, thread_count
from nst_tf.images.resize import Size
from nst_tf.losses.term import Term
from nst_tf.network.layers import LAYERS, floats_per_pixel, stride
from nst_tf.network.weights import SHAPES

FLOAT = 4  # bytes

NUMBA = 70 * MIB  # the compiler's library, and the compiled loops of Winograd's convolutions
PICTURES = 8  # copies of the picture at once: the image, the best one, the gradient, temporaries
STYLE_PICTURES = 2  # copies of each painting
COMPOSED = 7  # floats per pixel where regions keep some of the photo: photo, coverage, composition
PLANES = 5  # copies of each content mask: fitted twice, at a scale, and its guides
SCRATCH = 1.12  # memory of a step relative to that of its features
TILING = 200 * MIB  # the graphs of the stages, and what the targets need at once


class Workload(NamedTuple):
    """Everything at one scale that needs memory.

    Attributes:
        layers: all layers that the terms read, in the network's order.
        size: height and width of the image, pixels.
        styles: height and width of each painting, pixels.
        masks: number of regions that have a content mask.
        machine: that computes.
    """

    terms: tuple[Term, ...]
    layers: tuple[str, ...]
    precision: str
    size: Size
    styles: Sequence[Size]
    masks: int
    machine: Machine = Machine()


def estimate(load: Workload, winograd: bool, tile_size: int, pairs: int) -> int:
    """Return the peak of a run's memory in bytes.

    Args:
        tile_size: longest side of a tile in pixels, or 0 for the whole picture at once.
    """
    pixels, style_pixels = math.prod(load.size), sum(map(math.prod, load.styles))
    held: float = FLOAT * 3 * (PICTURES * pixels + STYLE_PICTURES * style_pixels)
    held += FLOAT * pixels * sum(term.target_floats_per_pixel() for term in load.terms)
    at_once = min(tile_size**2, pixels) or pixels
    before = max(_features(load, style, tile_size, steps=False) for style in load.styles)
    steps = _features(load, load.size, tile_size, steps=True)
    if pairs:  # a step makes a pair before the oldest is dropped
        steps += (pairs + 1) * pair_bytes(load.size)
    steps += FLOAT * at_once * sum(term.workspace_floats_per_pixel() for term in load.terms)
    if load.masks:
        held += FLOAT * pixels * (COMPOSED + PLANES * load.masks)
        # The weighted features of a layer and their gradients exist for all regions at once.
        regional = {name for term in load.terms if term.regional for name in term.layers}
        largest = max((floats_per_pixel([name]) for name in regional), default=0.0)
        steps += FLOAT * load.masks * largest * (at_once if tile_size else 2 * pixels)
    fixed = fixed_bytes(tile_size) + (winograd_bytes(load) if winograd else 0)
    return round(fixed + held + max(before, steps))


def fixed_bytes(tile_size: int) -> int:
    """Return the memory that every run needs, independent of the picture's size."""
    return BASE + (TILING if tile_size else 0)


def winograd_bytes(load: Workload, threads: int | None = None) -> int:
    """Return the memory of Winograd's convolutions: transformed kernels, and strips of tiles."""
    channels = suited(load)
    if not channels:
        return 0
    kernels = sum(inputs * outputs for inputs, outputs in channels)
    strip = STRIP * max(map(sum, channels))
    return NUMBA + FLOAT * PATCH**2 * (kernels + (threads or thread_count()) * strip)


def suited(load: Workload) -> list[tuple[int, int]]:
    """Return the channels before and after each convolution that is faster by Winograd's method."""
    deepest = max((LAYERS.index(name) for name in load.layers), default=0)
    found = []
    for name, (*_, inputs, outputs) in SHAPES.items():
        height, width = (side // stride(name) for side in load.size)
        faster = is_faster(name, height, width, inputs, outputs, load.machine)
        if faster and LAYERS.index(name) <= deepest:
            found.append((inputs, outputs))
    return found


def pair_bytes(size: Size) -> int:
    """Return the memory of one pair of L-BFGS: two pictures."""
    return 2 * 3 * FLOAT * size[0] * size[1]


def _features(load: Workload, size: Size, tile_size: int, steps: bool) -> float:
    """Return the bytes of the features of a picture, for its targets or for a step."""
    stages = make_stages(load.layers, max(term.grid for term in load.terms))
    if not tile_size:
        names = [name for stage in stages for name in stage.names]
        levels: float = sum(0.25**level for level in range(max(t.levels for t in load.terms)))
        each = _output_bytes(load, names)
        if steps:
            each = levels * _step_bytes(load, names)
        return SCRATCH * math.prod(size) * each
    largest = 0.0
    for stage in stages:
        height, width = (side // stage.stride for side in size)
        tile = stage.tiles(height, width, tile_size)[0]
        rows, columns = (stop - start for start, stop in (tile.rows, tile.columns))
        each = _step_bytes(load, stage.names) * stage.stride**2
        largest = max(largest, rows * columns * each)
    cuts = [stage.names[-1] for stage in stages[:-1]]
    gradients = FLOAT * floats_per_pixel(cuts) if steps else 0
    return SCRATCH * largest + math.prod(size) * (_output_bytes(load, cuts) + gradients)


def _step_bytes(load: Workload, names: Sequence[str]) -> float:
    """Return the bytes per pixel of a step: all outputs, and the gradients of the wanted layers."""
    wanted = [name for name in names if name in load.layers]
    return _output_bytes(load, [*names, *wanted])


def _output_bytes(load: Workload, layers: Sequence[str]) -> float:
    """Return the bytes per pixel of the outputs of `layers`."""
    if load.precision == "float32":
        return FLOAT * floats_per_pixel(layers)
    # The first layer's outputs are in float32, and cast once.
    first = layers.count("block1_conv1") * floats_per_pixel(["block1_conv1"])
    return FLOAT / 2 * floats_per_pixel(layers) + FLOAT * first
