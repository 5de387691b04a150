"""A level: its guide, its first matches, and its rounds of matching and voting."""

from collections.abc import Iterable

import numpy as np

from nst_tf.images.resize import Size, resize
from nst_tf.synthesis import guides
from nst_tf.synthesis.levels import carry
from nst_tf.synthesis.matching import Features, Problem, improve, make_features, search
from nst_tf.synthesis.scene import Painted, Scene
from nst_tf.synthesis.sources import Canvas, make_canvas, region_map
from nst_tf.synthesis.strips import halo_rows, in_strips
from nst_tf.synthesis.structure import ABOVE, keep_parts, restore_structure, structure_strength
from nst_tf.synthesis.voting import SHARP, SOFT, vote, weigh

ROUNDS = 4
"""Rounds of matching and voting at a level."""

ROUNDS_ABOVE = 2
"""Rounds at a level above the size of the network's picture."""


def paint_level(scene: Scene, picture: np.ndarray, size: Size, before: Painted | None) -> Painted:
    """Return the level of a size.

    Args:
        picture: the network's picture, float32 `[h, w, 3]` in [0, 1].
        before: the coarser level; `None`: this is the coarsest one.
    """
    if before is not None and max(size) > max(picture.shape[:2]):
        return _enlarge(scene, size, before)
    return _follow(scene, resize(picture[None], size)[0], before)


def _follow(scene: Scene, network: np.ndarray, before: Painted | None) -> Painted:
    """Return a level up to the network's size.

    Args:
        network: the network's picture at the level's size, float32 `[H, W, 3]`.
    """
    size = network.shape[:2]
    paintings = scene.paintings_at(size)
    references = (guides.blurred(painting, guides.BLUR) for painting in paintings)
    canvas, source, patch = _make_source(scene, size, paintings, references)
    region = region_map(scene.regions, size, patch)
    guide = guides.network_guide(network, scene.photo_at(size), scene.share)
    if before is None:
        problem = Problem(
            make_features([guide], network, patch, scene.rows), source, canvas, region
        )
        matches = search(problem)
    else:
        matches = carry(before.matches, before.size, before.layout, size, canvas, region)
        image = (_even_vote(scene, matches, canvas, size) + network) / 2
        problem = Problem(make_features([guide], image, patch, scene.rows), source, canvas, region)
    strength = structure_strength(scene.strokes.detail)
    image, matches = _run_rounds(
        scene, problem, matches, guide, scene.keep_at(size), ROUNDS, strength
    )
    return Painted(image, matches, canvas.layout)


def _enlarge(scene: Scene, size: Size, before: Painted) -> Painted:
    """Return a level above the network's size."""
    paintings = scene.paintings_at(size)
    references = (guides.enlarged_reference(p, before.size, size) for p in paintings)
    canvas, source, patch = _make_source(scene, size, paintings, references)
    region, keep = region_map(scene.regions, size, patch), scene.keep_at(size)
    strength = ABOVE * structure_strength(scene.strokes.detail)

    def paint(guide: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and matches of the rows that the guide is for."""
        part = region[first : first + len(guide) - patch + 1]
        kept = None if keep is None else keep[first : first + len(guide)]
        matches = carry(before.matches, before.size, before.layout, size, canvas, part, first)
        image = _even_vote(scene, matches, canvas, guide.shape[:2])
        target = make_features([guide], image, patch, scene.rows)
        problem = Problem(target, source, canvas, part)
        return _run_rounds(scene, problem, matches, guide, kept, ROUNDS_ABOVE, strength, first)

    guide = guides.enlarged_guide(before.image, scene.photo_at(size), size)
    rows, halo = max(1, scene.strip // size[1]), halo_rows(ROUNDS_ABOVE, patch)
    image, matches = in_strips(paint, guide, patch, rows, halo)
    return Painted(image, matches, canvas.layout)


def _make_source(
    scene: Scene, size: Size, paintings: list[np.ndarray], references: Iterable[np.ndarray]
) -> tuple[Canvas, Features, int]:
    """Return the canvas of the paintings, their features, and the side of a patch."""
    patch = min(scene.strokes.patch_size, *size, *(min(p.shape[:2]) for p in paintings))
    canvas = make_canvas(paintings, patch, scene.regions)
    return canvas, make_features(references, canvas.colors, patch, scene.rows), patch


def _even_vote(scene: Scene, matches: np.ndarray, canvas: Canvas, size: Size) -> np.ndarray:
    """Return the picture of matches whose costs are not known yet."""
    return vote(matches, np.ones(matches.shape, np.float32), canvas, size, scene.rows)


def _run_rounds(
    scene: Scene, problem: Problem, matches: np.ndarray, guide: np.ndarray,
    keep: np.ndarray | None, rounds: int, strength: float, first: int = 0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return image and matches after the rounds of a level, or of a strip that begins at `first`.

    Args:
        keep: from `Scene.keep_at`, for the rows of the guide.
    """
    for number in range(1, rounds + 1):
        matches, costs = improve(problem, matches, scene.rows, number, first)
        weights = weigh(costs, SHARP if number == rounds else SOFT)
        image = vote(matches, weights, problem.canvas, problem.target.size, scene.rows)
        del weights
        if number == rounds:
            restore_structure(image, guide, costs, strength, scene.rows)
        if keep is not None:
            image = keep_parts(image, guide, keep)
        if number < rounds:
            problem.target.set_picture(image, scene.rows)
    return image, matches
