"""What the generated image is held to: the content's features, the styles' Gram matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nst_tf.blockwise import block_features, block_grams
from nst_tf.guides import block_means, layer_guide
from nst_tf.losses import gram_matrix, halved, total_variation_loss
from nst_tf.masks import Region, compose, coverage, fit_regions
from nst_tf.settings import Settings
from nst_tf.styles import blend_shares, layer_factors
from nst_tf.vgg import extract_features


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
    size, style_sizes = content.shape[1:3], [style.shape[1:3] for style in styles]
    regions = fit_regions(regions, size, style_sizes)
    goals = tuple(
        tuple(
            goal
            for region in regions
            if (goal := _goal(model, region, styles, settings, block_size, times)).grams
        )
        for times in sizes
    )
    variation = 0.0
    for region in regions:
        for number, share in blend_shares(settings, region.styles).items():
            style = tf.constant(styles[number])
            of_one = float(total_variation_loss(style)) / style.shape.num_elements()
            variation += _area(region) * share * of_one * content.size
    variation /= sum(map(_area, regions)) or 1.0
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


def _goal(
    model: keras.Model,
    region: Region,
    styles: Sequence[np.ndarray],
    settings: Settings,
    block_size: int,
    times: int,
) -> Goal:
    """Return what a region is held to at the size that is halved so many times.

    The sum of the losses to several styles s, each with its share, differs from the loss to their
    blend Σ_s w_sl A_sl / Σ_s w_sl with the weight Σ_s w_sl by a constant alone.
    """
    guides = _guides(region.content, settings.style_layers, times)
    weights = dict.fromkeys(settings.style_layers if guides is None else guides, 0.0)
    sums: dict[str, tf.Tensor] = {}
    for number, share in blend_shares(settings, region.styles).items():
        parts = _guides(region.styles[number], settings.style_layers, times)
        picture = halved(tf.constant(styles[number]), times)
        grams = _grams(model, picture, settings.style_layers, block_size, parts)
        factors = layer_factors(settings, number)
        for name, factor in zip(settings.style_layers, factors, strict=True):
            if name in grams and name in weights:
                weights[name] += share * factor
                sums[name] = sums.get(name, 0.0) + share * factor * grams[name]
    area = _area(region)
    return Goal(
        {name: total / (weights[name] or 1.0) for name, total in sums.items()},
        {name: tf.constant(area * weights[name]) for name in sums},
        {name: guides[name] for name in sums} if guides else {},
    )


def _guides(
    mask: np.ndarray | None, layers: Sequence[str], times: int
) -> dict[str, tf.Tensor] | None:
    """Return a mask's guides at the size that is halved so many times, where it has locations."""
    if mask is None:
        return None
    mask = block_means(mask, 2**times)
    guides = {name: layer_guide(mask, name) for name in layers}
    return {name: tf.constant(guide) for name, guide in guides.items() if guide is not None}


def _area(region: Region) -> float:
    """Return the region's share of the picture."""
    return 1.0 if region.content is None else float(region.content.mean(dtype=np.float64))


def _grams(
    model: keras.Model,
    style: tf.Tensor,
    layers: Sequence[str],
    block_size: int,
    guides: Mapping[str, tf.Tensor] | None,
) -> dict[str, tf.Tensor]:
    if guides is not None:
        layers = list(guides)
    if block_size:
        return block_grams(model, style, layers, block_size, guides)
    features = extract_features(model, style)
    return {name: gram_matrix(features[name], guides and guides[name]) for name in layers}
