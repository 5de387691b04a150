"""What the generated image is held to: the content's features, the styles' Gram matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nst_tf.images.masks import Region, compose, coverage, resize_regions
from nst_tf.losses.formulas import gram_matrix, halved
from nst_tf.losses.guides import block_means, layer_guide
from nst_tf.memory.blockwise import block_features, block_grams
from nst_tf.network.model import extract_features
from nst_tf.settings import Settings
from nst_tf.styles import blend_shares, layer_factors


class Goal(NamedTuple):
    """What a region is held to at one of the style's sizes, by layer name."""

    grams: Mapping[str, tf.Tensor]
    """Gram matrices `[C, C]`, blended over the style images."""
    factors: Mapping[str, tf.Tensor]
    """Scalars: the layer's weight, blended likewise, times the region's share of the pixels."""
    guides: Mapping[str, tf.Tensor]
    """Of the region, from `guides.layer_guide`; empty: it is the whole picture."""


class Keep(NamedTuple):
    """What stays as it is."""

    photo: tf.Tensor
    """The content image."""
    covered: tf.Tensor
    """float32 `[1, H, W, 1]`: how far it is painted."""

    def compose(self, image: tf.Tensor) -> tf.Tensor:
        """Return the image with the photo where that stays."""
        return compose(image, self.photo, self.covered)


class Targets(NamedTuple):
    """What the generated image is held to."""

    content: Mapping[str, tf.Tensor]
    """Features `[1, h, w, C]` of the content image, by layer name."""
    style: Sequence[Sequence[Goal]]
    """For the image as it is, halved and so on: those of its regions."""
    total_variation: tf.Tensor
    """A scalar: a style image's for the content's number of pixels, blended over styles."""
    pixels: tf.Tensor
    """A scalar: the content's."""
    keep: Keep | None
    """None where the regions cover the whole picture."""


def make_targets(
    model: keras.Model,
    content: np.ndarray,
    styles: Sequence[np.ndarray],
    settings: Settings,
    block_size: int = 0,
    regions: Sequence[Region] = (),
) -> Targets:
    """Compute the content's features and, region by region, the styles' Gram matrices.

    With a `block_size` they are computed by `blocks`. Of the `style_sizes`, those at which a
    picture would be too small for the network are left out.
    """
    side = min(min(picture.shape[1:3]) for picture in (content, *styles))
    sizes = [
        size for size in range(settings.style_sizes) if side >> size >= settings.smallest_side
    ] or [0]
    size = content.shape[1:3]
    regions = resize_regions(regions, size, [style.shape[1:3] for style in styles])
    goals = tuple(_goals(model, regions, styles, settings, block_size, times) for times in sizes)
    areas = [_area(region) for region in regions]
    variation = content.size * sum(
        area * share * _variation(styles[number], region.styles[number])
        for area, region in zip(areas, regions, strict=True)
        for number, share in blend_shares(settings, region.styles).items()
    )
    variation /= sum(areas) or 1.0
    features: Mapping[str, tf.Tensor]
    if block_size:
        features = block_features(model, tf.constant(content), settings.content_layers, block_size)
    else:
        features = extract_features(model, tf.constant(content))
    kept = {name: tf.cast(features[name], tf.float32) for name in settings.content_layers}
    covered = coverage(regions)
    keep = None
    if covered is not None:
        keep = Keep(tf.constant(content), tf.constant(covered[None, :, :, None]))
    pixels = tf.constant(math.prod(size), tf.float32)
    return Targets(kept, goals, tf.constant(variation, tf.float32), pixels, keep)


def _goals(
    model: keras.Model,
    regions: Sequence[Region],
    styles: Sequence[np.ndarray],
    settings: Settings,
    block_size: int,
    times: int,
) -> tuple[Goal, ...]:
    """Return what the regions are held to at the size that is halved so many times.

    A region that has no location in any layer is left out.
    """
    layers = settings.style_layers
    grams = []
    for number, style in enumerate(styles):
        guides = {
            (place, name): guide
            for place, region in enumerate(regions)
            if number in region.styles
            for name, guide in _guides(region.styles[number], layers, times).items()
        }
        grams.append(_grams(model, halved(tf.constant(style), times), guides, block_size))
    goals = []
    for place, region in enumerate(regions):
        theirs = {
            number: {name: gram for (at, name), gram in grams[number].items() if at == place}
            for number in region.styles
        }
        goals.append(_blend(region, _guides(region.content, layers, times), theirs, settings))
    return tuple(goal for goal in goals if goal.grams)


def _blend(
    region: Region,
    guides: Mapping[str, tf.Tensor | None],
    grams: Mapping[int, Mapping[str, tf.Tensor]],
    settings: Settings,
) -> Goal:
    """Return a region's goal from its guides and the Gram matrices of its styles.

    The sum of the losses to several styles s, each with its share, differs from the loss to their
    blend Σ_s w_sl A_sl / Σ_s w_sl with the weight Σ_s w_sl by a constant alone.
    """
    weights = dict.fromkeys(guides, 0.0)
    sums: dict[str, tf.Tensor] = {}
    for number, share in blend_shares(settings, region.styles).items():
        factors = zip(settings.style_layers, layer_factors(settings, number), strict=True)
        for name, factor in factors:
            if name in grams[number] and name in weights:
                weights[name] += share * factor
                sums[name] = sums.get(name, 0.0) + share * factor * grams[number][name]
    area = _area(region)
    return Goal(
        {name: total / (weights[name] or 1.0) for name, total in sums.items()},
        {name: tf.constant(area * weights[name]) for name in sums},
        {name: guide for name in sums if (guide := guides[name]) is not None},
    )


def _guides(
    mask: np.ndarray | None, layers: Sequence[str], times: int
) -> dict[str, tf.Tensor | None]:
    """Return a mask's guides at the size that is halved so many times, by layer name.

    They are None for the whole picture; layers are missing in which the mask has no location.
    """
    if mask is None:
        return dict.fromkeys(layers)
    mask = block_means(mask, 2**times)
    guides = {name: layer_guide(mask, name) for name in layers}
    return {name: tf.constant(guide) for name, guide in guides.items() if guide is not None}


def _grams(
    model: keras.Model,
    style: tf.Tensor,
    guides: Mapping[tuple[int, str], tf.Tensor | None],
    block_size: int,
) -> dict[tuple[int, str], tf.Tensor]:
    """Return a style's Gram matrices by region and layer."""
    if block_size:
        return block_grams(model, style, guides, block_size)
    features = extract_features(model, style)
    return {key: gram_matrix(features[key[1]], guide) for key, guide in guides.items()}


def _area(region: Region) -> float:
    """Return the region's share of the picture."""
    return 1.0 if region.content is None else float(region.content.mean(dtype=np.float64))


def _variation(style: np.ndarray, mask: np.ndarray | None) -> float:
    """Return the total variation of a part of a style over the part's count of numbers."""
    mask = np.ones(style.shape[1:3], np.float32) if mask is None else mask
    total = 0.0
    for axis in range(2):
        one, other = (np.delete(mask, edge, axis) for edge in (0, -1))
        steps = np.abs(np.diff(style[0], axis=axis)).sum(axis=-1)
        total += float((steps * np.minimum(one, other)).sum(dtype=np.float64))
    return total / (style.shape[-1] * (float(mask.sum(dtype=np.float64)) or 1.0))
