"""What the terms compare a picture with: their targets by level and region."""

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
    """What a term compares with at one level and in one region.

    Attributes:
        values: the nest of tensors from the term's `target`.
        factors: what each of its losses is multiplied by, float32 scalars.
        guides: the region at the term's layers, as in `Window`.
    """

    values: Any
    factors: Mapping[str, tf.Tensor]
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
    """All that the terms compare with at one scale.

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
    """Return what the terms compare with, for pictures at the size of a scale.

    Args:
        terms: from `registry.make_terms`.
        settings: of the run.
        content: the photo, float32 `[1, H, W, 3]` in [0, 1].
        styles: the paintings.
        summarize: goes through a picture, whole or by blocks.
        regions: at any size; empty: all of the photo is painted like all of all paintings.
        start: the image as the scale starts with it; None at the first scale.
        keep: how much of the photo each pixel keeps, float32 `[H, W]` in [0, 1] at any size.
        reference: an earlier frame of a film, at any size, or None.
    """
    regions = resize_regions(regions, content.shape[1:3], [style.shape[1:3] for style in styles])
    covered = coverage(regions)
    side = min(min(picture.shape[1:3]) for picture in (content, *styles))
    depth = max(term.levels for term in terms)
    levels = [n for n in range(depth) if side >> n >= settings.smallest_side] or [0]
    photos = (content,) if start is None else (content, start)
    pyramids = [
        [[halved(tf.constant(picture), level) for picture in pictures] for level in levels]
        for pictures in (photos, styles)
    ]
    parts = {}
    for term in terms:
        for level, share in enumerate(level_shares(min(term.levels, len(levels)))):
            (photo, *started), paintings = (pyramid[level] for pyramid in pyramids)
            sources = _sources(term, settings, photo, paintings, regions, level, summarize)
            if not term.regional:
                whole = Source(photo, None, {}, summarize)
                sources = [(1.0, Sources(whole, {}, {}, regions=sources))]
            for index, (area, source) in enumerate(sources):
                source = source._replace(
                    start=started[0] if started else None,
                    covered=covered,
                    keep=keep,
                    reference=reference,
                )
                part = _part(term, source, share * area, settings.loss == "relative")
                # A region without a location in any of the term's layers has nothing to compare.
                if part.factors:
                    parts[term.name, level, index] = part
    preserved = None
    if covered is not None:
        preserved = PreservedPhoto(
            tf.constant(content), tf.constant(covered[None, :, :, None], tf.float32)
        )
    return Targets(parts, preserved)


def _part(term: Term, sources: Sources, share: float, relative: bool) -> Part:
    target = term.target(sources)
    sizes = target.sizes if relative else {}
    factors = {
        # A loss whose target is 0 everywhere stays absolute.
        name: tf.constant(
            share * factor / ((sizes.get(name) or 1.0) * len(target.factors)), tf.float32
        )
        for name, factor in target.factors.items()
    }
    return Part(target.values, factors, sources.content.guides)


def _sources(
    term: Term,
    settings: Settings,
    photo: tf.Tensor,
    paintings: Sequence[tf.Tensor],
    regions: Sequence[Region],
    level: int,
    summarize: Summarize,
) -> list[tuple[float, Sources]]:
    """Return each region's share of the picture and what its target is made from."""

    def source(picture: tf.Tensor, mask: np.ndarray | None) -> Source:
        if mask is not None:
            mask = block_means(mask, 2**level)
        return Source(picture, mask, layer_guides(mask, term.layers), summarize)

    return [
        (
            1.0 if region.content is None else float(region.content.mean(dtype=np.float64)),
            Sources(
                source(photo, region.content),
                {style: source(paintings[style], mask) for style, mask in region.styles.items()},
                blend_shares(settings, region.styles),
            ),
        )
        for region in regions
    ]


def halved(image: tf.Tensor, level: int) -> tf.Tensor:
    """Return the image, `[1, H, W, 3]`, halved `level` times by means of its pixels."""
    return tf.nn.avg_pool2d(image, 2**level, 2**level, "VALID") if level else image


def level_shares(count: int) -> list[float]:
    """Return the shares of the levels, proportional to their numbers of pixels; 1 in all."""
    shares = [4.0**-level for level in range(count)]
    return [share / sum(shares) for share in shares]
