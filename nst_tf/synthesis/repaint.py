"""The second stage: the network's picture repainted with patches of the paintings.

The network decides what goes where; patches of the paintings decide how it looks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from nst_tf.compute.processor import processor_count
from nst_tf.images.masks import Region
from nst_tf.images.resize import Size, resize, scaled
from nst_tf.synthesis import guides
from nst_tf.synthesis.levels import level_sizes
from nst_tf.synthesis.matching import Features, carry, improve, search
from nst_tf.synthesis.sources import PaintSource, make_canvas, stack_part
from nst_tf.synthesis.threads import Rows
from nst_tf.synthesis.voting import SHARP, SOFT, vote
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
    threads: int = 0,
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
    rows = Rows(threads or processor_count())
    try:
        own = picture.shape[1:3]
        if coarse is not None and photo is not None and strokes.detail < 1:
            small = resize(photo, own)
            bold = coarse
            for level in _levels(coarse, small, sources, strokes, own, size, regions, rows):
                bold = level.image
            share = guides.detail_share(small[0], strokes.detail)
            picture = guides.mixed(picture, bold, share)
        yield from _levels(picture, photo, sources, strokes, size, size, regions, rows)
    finally:
        rows.close()


def _levels(picture, photo, sources, strokes, size, final, regions, rows):
    own = picture.shape[1:3]
    sizes = level_sizes(own, size)
    patch = strokes.patch_size
    image = matches = before = None
    for index, level in enumerate(sizes):
        ratio = max(level) / max(final)
        paintings = [resize(source.image[None], source.size_at(ratio))[0] for source in sources]
        canvas = make_canvas(paintings, patch, regions)
        here = None if photo is None else resize(photo, level)[0]
        if above := max(level) > max(own):
            smaller = before[1]
            guide = guides.sized(image, level, Image.Resampling.BICUBIC)
            if here is not None:
                guide = guide + guides.luminance(here - guides.reduced(here, level, smaller))
            back = max(smaller) / max(level)
            references = [
                guides.reduced(p, p.shape[:2], scaled(p.shape[:2], back)) for p in paintings
            ]
        else:
            network = resize(picture, level)[0]
            guide = guides.blurred(network, guides.BLUR)
            if here is not None:
                guide = guide + 2 * strokes.detail * guides.EDGES * guides.photo_edges(
                    here, network
                )
            references = [guides.blurred(p, guides.BLUR) for p in paintings]
        height, width = (side - patch + 1 for side in level)
        region = np.zeros((height, width), np.uint8)
        source = source_features(canvas, references, patch, rows)
        target = Features.empty(level, patch)
        target.set_guide(guide, rows)
        if matches is None:
            image = network
            target.set_picture(image, rows)
            matches = search(target, source, canvas, region, rows)
        else:
            matches = carry(matches.places, before[0], before[1], canvas, level, region)
            image = vote(matches, canvas, level, SOFT, rows)
            if not above:
                image = (image + network) / 2
        rounds = ROUNDS_ABOVE if above else ROUNDS
        for number in range(rounds):
            target.set_picture(image, rows)
            matches = improve(matches, target, source, canvas, region, rows, number)
            image = vote(matches, canvas, level, SHARP if number == rounds - 1 else SOFT, rows)
        before = canvas, level
        yield Level(index + 1, len(sizes), level, image[None])


ROUNDS, ROUNDS_ABOVE = 4, 2


def source_features(canvas, references, patch, rows):
    height = len(canvas.paint) // canvas.width
    features = Features.empty((height, canvas.width), patch)
    guide = np.concatenate([stack_part(r, canvas.width) for r in references])
    features.set_guide(guide, rows)
    features.set_picture(canvas.paint.reshape(height, canvas.width, 3), rows)
    return features


def compile_ahead() -> None:
    """Compile the loops, or load them from the disk, so that the stage starts at once."""
