"""Recipes: named settings, each reproducing one description of the method.

Other formulations of the losses are this package's with other weights; the comments derive them.
"""

from typing import Any

from nst_tf.checks import unknown
from nst_tf.settings import Settings

# `fast`, `quality` and `painting` share relative losses, in which weights are shares: of
# (F − P)² / P² at block4_conv2, of the mean over layers of (G − A)² / A², and of the total
# variation over the painting's. At the photo the style term is near 1 and the content 0; they meet
# at some tenths.
_RELATIVE: dict[str, Any] = {
    "loss": "relative",
    "optimizer": "lbfgs",
    "content_layers": ("block4_conv2",),
    "style_weight": 1.0,
    "min_dim": 64,
    "precision": "auto",
}

RECIPES = {
    "tutorial": Settings(),
    # Gatys, Ecker and Bethge (arXiv 1508.06576, eqs. 1 to 7): α · ½ Σ (F − P)² on content and
    # β · Σ_l ⅕ · Σ (G − A)² / (4N²M²) on style, with G summed over M locations and α/β = 10⁻³. With
    # our G, averaged over them, the latter is β/4 times our style loss: style_weight = β/4. Our
    # content loss is a mean over n features: content_weight = α · n/2, so that
    # content_weight / style_weight = 2n · α/β, where n = 64 · 48 · 512 for a picture of 512x384.
    # For the paper's smoother variant add --pooling=average.
    "gatys": Settings(
        content_layers=("block4_conv2",),
        content_weight=31.5,
        style_weight=1e-2,
        total_variation_weight=0,
        optimizer="lbfgs",
        init="noise",
    ),
    # On inputs of unit variance, with Grams divided by C·H·W: 1 · mean (F − P)² on content and
    # 10⁵ · Σ_l mean (G − A)² on style. Our inputs are larger by k = 255 · 0.226, the mean standard
    # deviation of ImageNet's channels, and VGG19 nearly homogeneous: features grow by k, Grams by
    # k². Dividing by C makes w_l = 1/C², their sum over layers is 5 of our means, and all times k²
    # gives content_weight = 1 and style_weight = 5 · 10⁵ / k².
    "lbfgs-256": Settings(
        epochs=40,
        content_layers=("block2_conv2",),
        style_layers=(
            "block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2", "block3_conv1",
        ),
        style_layer_weights=(64**-2, 64**-2, 128**-2, 128**-2, 256**-2),
        content_weight=1,
        style_weight=5e5 / (255 * 0.226) ** 2,
        total_variation_weight=0,
        optimizer="lbfgs",
        max_dim=256,
    ),
    # Content first, then style: on blank paper the photo appears, then the painting takes over.
    # Over the epochs style_weight grows by 10³, to the one of `gatys` and `tutorial`; the content
    # weight falls to that of `gatys`, so that the end is its balance α/β = 10⁻³, kept smooth by the
    # tutorial's total variation.
    "two-phase": Settings(
        content_layers=("block4_conv2",),
        content_weight=(1e3, 31.5),
        style_weight=(1e-5, 1e-2),
        init="white",
    ),
    # Until ten steps gain less than 8 %, at each scale.
    "fast": Settings(
        **_RELATIVE,
        content_weight=0.25,
        total_variation_weight=0.03,
        epochs=1,
        steps_per_epoch=100,
        min_gain=0.08,
        scales=4,
    ),
    # Style at half the size too costs a quarter more and keeps large strokes together: without it
    # the distance at half the size is about 1.7 times as large at the same content.
    "quality": Settings(
        **_RELATIVE,
        content_weight=0.37,
        total_variation_weight=0.04,
        style_sizes=2,
        epochs=1,
        steps_per_epoch=80,
        coarse_steps=1.2,
        scales=5,
        max_dim=1024,
    ),
    # The neighbour term brings strokes and motifs to their places, covariances bring texture, means
    # the palette. Average pooling and the total variation keep flat areas free of grain; edges are
    # repeated so that no rim appears. Matches are fixed at each scale, and 25 steps do.
    "painting": Settings(
        **_RELATIVE,
        content_weight=0.3,
        total_variation_weight=0.08,
        style_statistics="covariance",
        mean_weight=5.0,
        neighbor_weight=2.0,
        style_sizes=2,
        pooling="average",
        padding="edge",
        epochs=1,
        steps_per_epoch=25,
        scales=8,
    ),
}  # fmt: skip


def recipe(name: str) -> Settings:
    """Return the recipe `name`.

    Raises:
        ValueError: there is none of that name; the text offers the closest one.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]
