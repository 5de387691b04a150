"""The second stage: the network's picture repainted with patches of the paintings.

The network decides what goes where, and patches of the paintings decide how it looks: image
analogies (Hertzmann et al., SIGGRAPH 2001) guided by a network's picture (Texler, Fišer, Lukáč, Lu,
Shechtman and Sýkora, "Enhancing Neural Style Transfer using Patch-Based Synthesis", Expressive
2019). Each level, coarse to fine, starts from the one before and alternates between `matching` and
`voting`. Above the size at which the network's picture is sharp, the levels enlarge the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nst_tf.compute.processor import processor_count
from nst_tf.images.masks import Region, compose
from nst_tf.images.resize import Size, resize
from nst_tf.synthesis import guides
from nst_tf.synthesis.levels import carry, level_sizes
from nst_tf.synthesis.matching import Problem, improve, make_features, search
from nst_tf.synthesis.sharpness import sharp_size
from nst_tf.synthesis.sources import Canvas, PaintSource, make_canvas, region_map, stacked
from nst_tf.synthesis.structure import (
    ABOVE,
    keep_parts,
    restore_structure,
    structure_strength,
)
from nst_tf.synthesis.threads import Rows
from nst_tf.synthesis.voting import SHARP, SOFT, vote, weigh
from nst_tf.utils.ahead import import_ahead
from nst_tf.utils.describe import brief

ROUNDS = 4
"""Rounds of matching and voting at a level."""

ROUNDS_ABOVE = 2
"""Rounds at a level above the size of the network's picture."""


@dataclass(frozen=True)
class Strokes:
    """Settings of the stage.

    Attributes:
        patch_size: side of a patch, pixels. Levels at which the picture or a painting is smaller
            use smaller patches.
        detail: how much structure of the network's picture and of the photo remains, from 0 (bold)
            to 1 (all).
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


@dataclass(frozen=True, eq=False)
class _Scene:
    """What all levels share: arguments of `repaint`, where the photo has detail, and threads."""

    photo: np.ndarray | None
    share: np.ndarray | None
    sources: Sequence[PaintSource]
    strokes: Strokes
    size: Size
    regions: Sequence[Region]
    keep: np.ndarray | None
    rows: Rows

    def photo_at(self, size: Size) -> np.ndarray | None:
        """Return the photo at a size, float32 `[*size, 3]`."""
        return None if self.photo is None else resize(self.photo, size)[0]


@dataclass(frozen=True, eq=False)
class _Painted:
    """What the next level needs of a level: image `[h, w, 3]`, matches and canvas."""

    image: np.ndarray
    matches: np.ndarray
    canvas: Canvas

    @property
    def size(self) -> Size:
        return self.image.shape[:2]


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

    The result does not depend on the number of threads.

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

    Yields:
        each level when it is finished, coarse to fine; the last one has the size `size`.
    """
    rows = Rows(threads or processor_count())
    share = None if photo is None else guides.detail_share(photo[0], strokes.detail)
    scene = _Scene(photo, share, sources, strokes, size, regions, keep, rows)
    try:
        own = picture.shape[1:3]
        sizes = level_sizes(own, size)
        sharp = sharp_size(picture, photo, sources, size, sizes[: sizes.index(own) + 1])
        if sharp != own:
            picture = resize(picture, sharp)
        elif coarse is not None and share is not None and strokes.detail < 1:
            *_, bold = _paint_levels(scene, coarse[0], level_sizes(coarse.shape[1:3], own))
            picture = compose(picture, bold.image, guides.fitted_share(share, own))
        for number, painted in enumerate(_paint_levels(scene, picture[0], sizes), 1):
            yield Level(number, len(sizes), painted.size, painted.image[None])
    finally:
        rows.close()


def load() -> None:
    """Load the compiled loops in a thread; the first time on a machine, Numba compiles them."""
    import_ahead("nst_tf.synthesis.matching_loops")


def _paint_levels(scene: _Scene, picture: np.ndarray, sizes: Sequence[Size]) -> Iterator[_Painted]:
    """Yield the levels of a picture, float32 `[h, w, 3]`."""
    painted = None
    for size in sizes:
        painted = _paint_level(scene, picture, size, painted)
        yield painted


def _paint_level(
    scene: _Scene, picture: np.ndarray, size: Size, before: _Painted | None
) -> _Painted:
    """Return the level of a size; `before` is the coarser one."""
    if before is not None and max(size) > max(picture.shape[:2]):
        problem, guide, matches = _enlarge(scene, size, before)
        rounds, strength = ROUNDS_ABOVE, ABOVE * structure_strength(scene.strokes.detail)
    else:
        network = resize(picture[None], size)[0]
        problem, guide, matches = _follow(scene, network, before)
        rounds, strength = ROUNDS, structure_strength(scene.strokes.detail)
    image, matches = _run_rounds(scene, problem, matches, guide, rounds, strength)
    return _Painted(image, matches, problem.canvas)


def _follow(
    scene: _Scene, network: np.ndarray, before: _Painted | None
) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return problem, guide and first matches of a level up to the network's size.

    Args:
        network: the network's picture at the level's size, float32 `[H, W, 3]`.
    """
    size = network.shape[:2]
    paintings, canvas, region = _paint(scene, size)
    guide = guides.network_guide(network, scene.photo_at(size), scene.share)
    references = [guides.blurred(painting, guides.BLUR) for painting in paintings]
    if before is None:
        problem = _pose(scene, guide, network, references, canvas, region)
        return problem, guide, search(problem)
    matches = carry(before.matches, before.size, before.canvas, size, canvas, region)
    image = (_even_vote(scene, matches, canvas, size) + network) / 2
    return _pose(scene, guide, image, references, canvas, region), guide, matches


def _enlarge(scene: _Scene, size: Size, before: _Painted) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Return problem, guide and first matches of a level above the network's size."""
    paintings, canvas, region = _paint(scene, size)
    guide = guides.enlarged_guide(before.image, scene.photo_at(size), size)
    references = [guides.enlarged_reference(p, before.size, size) for p in paintings]
    matches = carry(before.matches, before.size, before.canvas, size, canvas, region)
    image = _even_vote(scene, matches, canvas, size)
    return _pose(scene, guide, image, references, canvas, region), guide, matches


def _paint(scene: _Scene, size: Size) -> tuple[list[np.ndarray], Canvas, np.ndarray]:
    """Return the paintings at a level, their canvas, and the region at each place."""
    ratio = max(size) / max(scene.size)
    paintings = [resize(s.image[None], s.size_at(ratio))[0] for s in scene.sources]
    patch = min(scene.strokes.patch_size, *size, *(min(p.shape[:2]) for p in paintings))
    canvas = make_canvas(paintings, patch, scene.regions)
    return paintings, canvas, region_map(scene.regions, size, patch)


def _pose(
    scene: _Scene, guide: np.ndarray, image: np.ndarray, references: Sequence[np.ndarray],
    canvas: Canvas, region: np.ndarray,
) -> Problem:  # fmt: skip
    patch = len(image) - len(region) + 1
    return Problem(
        make_features(guide, image, patch, scene.rows),
        make_features(stacked(references), canvas.colors, patch, scene.rows),
        canvas,
        region,
    )


def _even_vote(scene: _Scene, matches: np.ndarray, canvas: Canvas, size: Size) -> np.ndarray:
    """Return the picture of matches whose costs are not known yet."""
    return vote(matches, np.ones(matches.shape, np.float32), canvas, size, scene.rows)


def _run_rounds(
    scene: _Scene, problem: Problem, matches: np.ndarray, guide: np.ndarray, rounds: int,
    strength: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return image and matches after the rounds of a level."""
    for number in range(1, rounds + 1):
        matches, costs = improve(problem, matches, scene.rows, number)
        weights = weigh(costs, SHARP if number == rounds else SOFT)
        image = vote(matches, weights, problem.canvas, problem.target.size, scene.rows)
        if number == rounds:
            restore_structure(image, guide, costs, strength, scene.rows)
        if scene.keep is not None:
            image = keep_parts(image, guide, scene.keep)
        if number < rounds:
            problem.target.set_picture(image, scene.rows)
    return image, matches
