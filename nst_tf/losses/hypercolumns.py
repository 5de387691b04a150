"""Hypercolumns: the features of several layers at the locations of one grid.

Locations are 4 pixels apart. Features of finer layers are averaged to that grid, those of coarser
layers repeated. Locations are grouped into cells, each of which holds whole features of all layers.
With a layer of stride 8, for instance, a cell has a side of 8 pixels and 2 × 2 locations. Two cells
side by side:

    pixel   0     4     8     12    16
         0  +===========+===========+
            |  0     1  |  0     1  |       the numbers are the locations of a cell; `fold` turns
         4  |           |           |       each cell into one element of a map, with the channels
            |  2     3  |  2     3  |       0 1 2 3
         8  +===========+===========+

Blocks of a picture consist of whole cells, so maps by cell can be put together from blocks.
"""

import tensorflow as tf

from nst_tf.network.gradients import average_pool, sides
from nst_tf.network.layers import stride

GRID_STEP = 4  # pixels between two locations: the paper's grid, a quarter of the size


def layer_columns(features: tf.Tensor, layer: str, grid: int) -> tf.Tensor:
    """Return a layer's part of the hypercolumns, float32 `[1, h, w, C]`, one for each location.

    Arguments are those of `distinct_columns`.
    """
    values = distinct_columns(features, layer, grid)
    for axis in (1, 2):
        values = tf.repeat(values, repeats(layer), axis) if repeats(layer) > 1 else values
    return values


def repeats(layer: str) -> int:
    """Return how many locations in a row and in a column share a feature of a layer."""
    return max(1, stride(layer) // GRID_STEP)


def distinct_columns(features: tf.Tensor, layer: str, grid: int) -> tf.Tensor:
    """Return a layer's part of the hypercolumns, float32 `[1, h, w, C]`, not repeated.

    Args:
        features: `[1, H, W, C]`; they begin at the corner of a cell.
        layer: their layer.
        grid: side of a cell, pixels. Features beyond the last whole cell are dropped.
    """
    step = stride(layer)
    height, width = sides(features)
    channels = features.shape[-1]
    rows, columns = (side * step // grid * grid // max(step, GRID_STEP) for side in (height, width))
    if step < GRID_STEP:  # before the slice and the cast, whose gradients would have full size
        features = average_pool(features, GRID_STEP // step)
    # The gradient of `tf.slice` is a padding, which is faster than that of an index.
    part = tf.slice(features, [0, 0, 0, 0], [1, rows, columns, channels])
    return tf.cast(part, tf.float32) / channels


def fold(values: tf.Tensor, width: int) -> tf.Tensor:
    """Return values of locations, `[1, h, w, 1]`, by cell: `[1, h/width, w/width, width²]`."""
    if width == 1:
        return values
    height, length = (side // width for side in sides(values))
    cells = tf.reshape(values, [1, height, width, length, width])
    return tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4]), [1, height, length, width**2])


def unfold(values: tf.Tensor, width: int) -> tf.Tensor:
    """Return values by cell, `[1, h, w, width²]`, by location: the inverse of `fold`."""
    if width == 1:
        return values
    height, length = sides(values)
    cells = tf.reshape(values, [1, height, length, width, width])
    return tf.reshape(tf.transpose(cells, [0, 1, 3, 2, 4]), [1, height * width, length * width, 1])
