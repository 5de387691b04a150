"""The second stage: the network's picture repainted with patches of the paintings.

The network decides what goes where, and patches of the paintings decide how it looks: image
analogies (Hertzmann et al., SIGGRAPH 2001) guided by a network's picture (Texler, Fišer, Lukáč, Lu,
Shechtman and Sýkora, "Enhancing Neural Style Transfer using Patch-Based Synthesis", Expressive
2019). Each level, coarse to fine, starts from the one before and alternates between `matching` and
`voting`. Above the size of the network's picture, the levels enlarge the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.compute.processor import processor_count
from nst_tf.images.masks import Region, compose
from nst_tf.images.resize import Size
from nst_tf.synthesis import guides
from nst_tf.synthesis.levels import level_sizes
from nst_tf.synthesis.rounds import paint_level
from nst_tf.synthesis.scene import Painted, Scene, Strokes
from nst_tf.synthesis.sources import PaintSource
from nst_tf.synthesis.strips import STRIP
from nst_tf.synthesis.threads import Rows
from nst_tf.utils.ahead import import_ahead
from nst_tf.utils.describe import brief

__all__ = ["Level", "Strokes", "load", "repaint"]


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
    threads: int = 0,
    strip: int = STRIP,
) -> Iterator[Level]:
    """Repaint a picture with patches of paintings, and enlarge it to `size`.

    The result depends neither on the number of threads nor on the strips.

    Args:
        picture: the network's picture, float32 `[1, h, w, 3]` in [0, 1].
        photo: float32 `[1, *size, 3]` in [0, 1]; `None`: the picture is a texture.
        sources: the paintings.
        size: height and width of the result, pixels: the picture's or larger, in any ratio.
        coarse: the network's picture at the next coarser scale, float32 `[1, h', w', 3]` in
            [0, 1]. Flat parts of the photo are painted like it. `None`: like `picture`. A
            texture does not use it.
        regions: fitted to `size` and to the sources' images; empty: one that uses all sources. A
            place belongs to the region whose content mask is largest there.
        keep: how much each pixel keeps of the network's picture, float32 `[*size]` in [0, 1].
        threads: their number; 0: one for each processor.
        strip: pixels of a strip of rows, its halo not counted. Larger levels are painted strip by
            strip with the same result.

    Yields:
        each level when it is finished, coarse to fine; the last one has the size `size`.
    """
    rows = Rows(threads or processor_count())
    share = None if photo is None else guides.detail_share(photo[0], strokes.detail)
    scene = Scene(photo, share, sources, strokes, size, regions, keep, strip, rows)
    try:
        own = picture.shape[1:3]
        sizes = level_sizes(own, size)
        if coarse is not None and share is not None and strokes.detail < 1:
            *_, bold = _paint_levels(scene, coarse[0], level_sizes(coarse.shape[1:3], own))
            picture = compose(picture, bold.image, guides.fitted_share(share, own))
        for number, painted in enumerate(_paint_levels(scene, picture[0], sizes), 1):
            yield Level(number, len(sizes), painted.size, painted.image[None])
    finally:
        rows.close()


def load() -> None:
    """Load the compiled loops in a thread; the first time on a machine, Numba compiles them."""
    import_ahead("nst_tf.synthesis.matching_loops")


def _paint_levels(scene: Scene, picture: np.ndarray, sizes: Sequence[Size]) -> Iterator[Painted]:
    """Yield the levels of a picture, float32 `[h, w, 3]`."""
    painted = None
    for size in sizes:
        painted = paint_level(scene, picture, size, painted)
        yield painted
