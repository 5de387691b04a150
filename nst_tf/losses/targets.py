"""Targets: what the terms compare a picture with, by level and region.

Level 0 is the picture at the size of its scale, level 1 has half that size, and so on.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from nst_tf.images.masks import Region, compose, coverage, resize_regions
from nst_tf.inputs.blend import blend_shares
from nst_tf.inputs.reference import Reference
from nst_tf.losses.regions import block_means, layer_guides
from nst_tf.losses.term import Source, Sources, Summarize, Term
from nst_tf.settings import Settings

Key = tuple[str, int, int]
"""A part's place in `Targets`: the term's name, the level, the region's index."""


class Part(NamedTuple):
    """The target of a term at one level and in one region.

    Attributes:
        values: the nest of tensors from the term's `target`.
        loss_weights: the factor of each of its losses, float32 scalars.
        guides: the region at the term's layers, as in `Window`.
    """

    values: Any
    loss_weights: Mapping[str, tf.Tensor]
    guides: Mapping[str, tf.Tensor]


class PreservedPhoto(NamedTuple):
    """The photo where no region covers it.

    Attributes:
        photo: the content image, float32 `[1, H, W, 3]`.
        covered: how much of each pixel is painted, float32 `[1, H, W, 1]` in [0, 1].
    """

    photo: tf.Tensor
    covered: tf.Tensor

    def compose(self, image: tf.Tensor) -> tf.Tensor:
        """Return the image with the photo where nothing is painted."""
        return compose(image, self.photo, self.covered)


class Targets(NamedTuple):
    """The targets of all terms at one scale.

    Attributes:
        parts: by term, level and region.
        preserved: None where the regions cover the whole picture.
    """

    parts: Mapping[Key, Part]
    preserved: PreservedPhoto | None

    def at(self, level: int) -> dict[Key, Part]:
        """Return the parts of a level."""
        return {key: part for key, part in self.parts.items() if key[1] == level}

    @property
    def levels(self) -> int:
        """The number of levels at which any term compares."""
        return 1 + max(level for _, level, _ in self.parts)


def make_targets(
    terms: Sequence[Term],
    settings: Settings,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    summarize: Summarize,
    regions: Sequence[Region] = (),
    start: np.ndarray | None = None,
    keep: np.ndarray | None = None,
    reference: Reference | None = None,
) -> Targets:
    """Return the targets of the terms, for pictures at the size of a scale.

    A term with several levels has a target at each of them, and a regional term one for each region
    at each level.

    Args:
        terms: from `registry.make_terms`.
        settings: of the run.
        content, styles: the photo and the paintings, float32 `[1, H, W, 3]` in [0, 1].
        summarize: computes statistics of a picture, whole or in blocks.
        regions: masks of any size; without regions, all of the photo is painted like all of all
            paintings.
        start, keep, reference: as in `Sources`.
    """
    regions = resize_regions(regions, content.shape[1:3], [style.shape[1:3] for style in styles])
    covered = coverage(regions)
    count = _count_levels(terms, settings, [content, *styles])
    levels = [
        _LevelPictures(
            level,
            downsample(tf.constant(content), level),
            [downsample(tf.constant(style), level) for style in styles],
            None if start is None else downsample(tf.constant(start), level),
        )
        for level in range(count)
    ]
    relative = settings.loss == "relative"
    parts: dict[Key, Part] = {}
    for term in terms:
        shares = level_shares(min(term.levels, count))
        for pictures, level_share in zip(levels, shares, strict=False):
            by_region = _region_sources(term, settings, pictures, regions, summarize)
            if not term.regional:
                photo = Source(pictures.photo, None, {}, summarize)
                by_region = [(1.0, Sources(photo, {}, {}, regions=by_region))]
            for index, (area, sources) in enumerate(by_region):
                sources = sources._replace(
                    start=pictures.start, covered=covered, keep=keep, reference=reference
                )
                part = _part(term, sources, level_share * area, relative)
                # A region without a location in any of the term's layers has nothing to compare.
                if part.loss_weights:
                    parts[term.name, pictures.level, index] = part
    return Targets(parts, _preserved_photo(content, covered))


class _LevelPictures(NamedTuple):
    """All pictures at one level, float32 `[1, h, w, 3]`."""

    level: int
    photo: tf.Tensor
    paintings: Sequence[tf.Tensor]
    start: tf.Tensor | None


def _count_levels(terms: Sequence[Term], settings: Settings, pictures: Sequence[np.ndarray]) -> int:
    """Return how many levels any term compares at: those large enough for the network, or one."""
    side = min(min(picture.shape[1:3]) for picture in pictures)
    wanted = range(max(term.levels for term in terms))
    return sum(side >> level >= settings.smallest_side for level in wanted) or 1


def _region_sources(
    term: Term,
    settings: Settings,
    pictures: _LevelPictures,
    regions: Sequence[Region],
    summarize: Summarize,
) -> list[tuple[float, Sources]]:
    """Return each region's share of the picture and the sources of its target."""

    def source(picture: tf.Tensor, mask: np.ndarray | None) -> Source:
        if mask is not None:
            mask = block_means(mask, 2**pictures.level)
        return Source(picture, mask, layer_guides(mask, term.layers), summarize)

    def sources(region: Region) -> Sources:
        styles = {
            index: source(pictures.paintings[index], mask) for index, mask in region.styles.items()
        }
        shares = blend_shares(settings, region.styles)
        return Sources(source(pictures.photo, region.content), styles, shares)

    masks = [region.content for region in regions]
    areas = [1.0 if mask is None else float(mask.mean(dtype=np.float64)) for mask in masks]
    return list(zip(areas, map(sources, regions), strict=True))


def _part(term: Term, sources: Sources, share: float, relative: bool) -> Part:
    """Return the target of a term, with its weight within the term's loss: `share`."""
    target = term.target(sources)
    normalizers = target.normalizers if relative else {}
    loss_weights = {
        # A loss whose target is 0 everywhere stays absolute.
        name: tf.constant(
            share * factor / ((normalizers.get(name) or 1.0) * len(target.factors)), tf.float32
        )
        for name, factor in target.factors.items()
    }
    return Part(target.values, loss_weights, sources.content.guides)


def _preserved_photo(content: np.ndarray, covered: np.ndarray | None) -> PreservedPhoto | None:
    if covered is None:
        return None
    return PreservedPhoto(tf.constant(content), tf.constant(covered[None, :, :, None], tf.float32))


def downsample(image: tf.Tensor, level: int) -> tf.Tensor:
    """Return the image, `[1, H, W, 3]`, halved `level` times by means of its pixels."""
    return tf.nn.avg_pool2d(image, 2**level, 2**level, "VALID") if level else image


def level_shares(count: int) -> list[float]:
    """Return the shares of the levels, proportional to their numbers of pixels; 1 in all."""
    shares = [4.0**-level for level in range(count)]
    return [share / sum(shares) for share in shares]
