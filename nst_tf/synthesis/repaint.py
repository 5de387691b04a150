"""The second stage: the network's picture repainted with patches of the paintings.

The network decides what goes where; patches of the paintings decide how it looks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.images.masks import Region
from nst_tf.images.resize import Size, resize
from nst_tf.synthesis.levels import level_sizes
from nst_tf.synthesis.sources import PaintSource
from nst_tf.utils.describe import brief


@dataclass(frozen=True)
class Strokes:
    """Settings of the stage.

    Attributes:
        patch_size: side of a patch, pixels.
        detail: how much structure of the network's picture remains, from 0 (bold) to 1 (all).
    """

    patch_size: int = 3
    detail: float = 0.5


@dataclass(frozen=True, eq=False)
class Level:
    """A finished level.

    Attributes:
        number: index among the levels, from 1.
        levels: number of levels.
        size: height and width, pixels.
        image: the repainted picture, float32 `[1, *size, 3]` in [0, 1].
    """

    number: int
    levels: int
    size: Size
    image: np.ndarray

    __repr__ = brief


def repaint(
    picture: np.ndarray,
    photo: np.ndarray | None,
    sources: Sequence[PaintSource],
    strokes: Strokes,
    size: Size,
    coarse: np.ndarray | None = None,
    regions: Sequence[Region] = (),
    keep: np.ndarray | None = None,
) -> Iterator[Level]:
    """Repaint a picture with patches of paintings, and enlarge it to `size`.

    Args:
        picture: the network's picture, float32 `[1, h, w, 3]` in [0, 1].
        photo: float32 `[1, *size, 3]` in [0, 1]; `None`: the picture is a texture.
        sources: the paintings.
        size: height and width of the result, pixels, at least the picture's; any ratio.
        coarse: the network's picture at its next coarser scale, float32 `[1, h', w', 3]` in
            [0, 1]: what flat parts are painted like; `None`: like `picture`.
        regions: fitted to `size` and to the sources' images; empty: all of the picture is painted
            like all of all sources.
        keep: how much of the network's picture each pixel keeps, float32 `[*size]` in [0, 1].

    Yields:
        each level when it is finished, coarse to fine; the last one has the size `size`.
    """
    sizes = level_sizes(picture.shape[1:3], size)
    for index, level in enumerate(sizes):
        yield Level(index + 1, len(sizes), level, resize(picture, level))


def compile_ahead() -> None:
    """Compile the loops, or load them from the disk, so that the stage starts at once."""
