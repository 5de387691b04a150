"""A level: its guide, its first matches, and its rounds of matching and voting."""

from collections.abc import Iterable

import numpy as np

from nst_tf.images.resize import Size
from nst_tf.images.wrap import Margins, cropped, resize_tile, rewrapped, wrapped
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
    network = resize_tile(picture[None], size, scene.strokes.tileable)[0]
    return _follow(scene, network, before)


def _follow(scene: Scene, network: np.ndarray, before: Painted | None) -> Painted:
    """Return a level up to the network's size.

    Args:
        network: the network's picture at the level's size, float32 `[H, W, 3]`.
    """
    size = network.shape[:2]
    around = scene.margins(size)
    paintings = scene.paintings_at(size)
    references = (guides.blurred(painting, guides.BLUR) for painting in paintings)
    canvas, source, patch = _make_source(scene, size, paintings, references)
    places = region_map(scene.regions, size, patch)
    region = _places(places, around, patch)
    guide = guides.network_guide(network, scene.photo_at(size), scene.share, around)
    network = wrapped(network, around)
    if before is None:
        problem = Problem(
            make_features([guide], network, patch, scene.rows), source, canvas, region
        )
        matches = search(problem)
    else:
        matches = carry(before.matches, before.size, before.layout, size, canvas, places)
        matches = _places(matches, around, patch)
        image = (_even_vote(scene, matches, canvas, network.shape[:2]) + network) / 2
        problem = Problem(make_features([guide], image, patch, scene.rows), source, canvas, region)
    strength = structure_strength(scene.strokes.detail)
    keep = scene.keep_at(size)
    keep = None if keep is None else wrapped(keep, around)
    image, matches = _run_rounds(scene, problem, matches, guide, keep, ROUNDS, strength, size)
    return _painted(image, matches, canvas, around, size)


def _enlarge(scene: Scene, size: Size, before: Painted) -> Painted:
    """Return a level above the network's size."""
    paintings = scene.paintings_at(size)
    references = (guides.enlarged_reference(p, before.size, size) for p in paintings)
    canvas, source, patch = _make_source(scene, size, paintings, references)
    region, keep = region_map(scene.regions, size, patch), scene.keep_at(size)
    strength, around = ABOVE * structure_strength(scene.strokes.detail), scene.margins(size)

    def paint(guide: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Return image and matches of the rows that the guide is for."""
        part = region[first : first + len(guide) - patch + 1]
        kept = None if keep is None else keep[first : first + len(guide)]
        matches = carry(before.matches, before.size, before.layout, size, canvas, part, first)
        if any(around):  # there is one strip
            guide, matches, part = wrapped(guide, around), places(matches), places(part)
            kept = None if kept is None else wrapped(kept, around)
        image = _even_vote(scene, matches, canvas, guide.shape[:2])
        target = make_features([guide], image, patch, scene.rows)
        problem = Problem(target, source, canvas, part)
        args = scene, problem, matches, guide, kept, ROUNDS_ABOVE, strength, size, first
        return _run_rounds(*args)

    def places(values: np.ndarray) -> np.ndarray:
        return _places(values, around, patch)

    guide = guides.enlarged_guide(
        before.image, scene.photo_at(size), size, scene.margins(before.size)
    )
    rows, halo = max(1, scene.strip // size[1]), halo_rows(ROUNDS_ABOVE, patch)
    if any(around):
        rows = size[0]
    image, matches = in_strips(paint, guide, patch, rows, halo)
    return _painted(image, matches, canvas, around, size)


def _places(values: np.ndarray, around: Margins, patch: int) -> np.ndarray:
    """Return values of the places of patches, with margins and with places across the edges."""
    if not any(around):
        return values
    across = [(0, patch - 1) if margin else (0, 0) for margin in around]
    values = wrapped(np.pad(values, across, "edge"), around)
    rows, columns = (
        side - (patch - 1) * bool(margin) for side, margin in zip(values.shape, around, strict=True)
    )
    return np.ascontiguousarray(values[:rows, :columns])


def _painted(
    image: np.ndarray, matches: np.ndarray, canvas: Canvas, around: Margins, size: Size
) -> Painted:
    """Return a level without its margins."""
    if any(around):
        patch = image.shape[0] - matches.shape[0] + 1
        image = cropped(image, around, size)
        matches = cropped(matches, around, (size[0] - patch + 1, size[1] - patch + 1))
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
    keep: np.ndarray | None, rounds: int, strength: float, size: Size, first: int = 0,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return image and matches after the rounds of a level, or of a strip that begins at `first`.

    What is found in the margins of a picture that tiles is replaced by what its other side has.

    Args:
        keep: from `Scene.keep_at`, for the rows of the guide.
        size: height and width of the level without margins, pixels.
    """
    around = scene.margins(size)
    for number in range(1, rounds + 1):
        matches, costs = improve(problem, matches, scene.rows, number, first)
        matches, costs = (rewrapped(values, around, size) for values in (matches, costs))
        weights = weigh(costs, SHARP if number == rounds else SOFT)
        image = vote(matches, weights, problem.canvas, problem.target.size, scene.rows)
        del weights
        if number == rounds:
            restore_structure(image, guide, costs, strength, scene.rows)
        if keep is not None:
            image = keep_parts(image, guide, keep)
        image = rewrapped(image, around, size)
        if number < rounds:
            problem.target.set_picture(image, scene.rows)
    return image, matches
