"""Recipes: named settings, each for one description of the method.

Other formulations of the losses equal this package's with other weights; the comments derive them.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from nst_tf.extending.entry_points import check_extensions, outside_recipes
from nst_tf.settings import Settings
from nst_tf.validation import unknown

# `painting`, `fast` and `quality` share relative losses, in which weights are shares: of
# (F − P)² / P² at block4_conv2, of the mean over layers of the covariances' (C − S)² / S², and of
# the total variation over the painting's. The neighbour term brings strokes and motifs to their
# places, covariances add texture, means the palette. Maxima after block 1 leave grain, maxima after
# the other blocks keep contrast; block5_conv1 costs a quarter of the time and adds nothing.
# Repeated edges avoid rims. Coarse scales, which cost little, determine what goes where and have
# most steps. Each finer scale starts with brushstrokes of the painting itself and the photo's
# detail, so few steps suffice, and many would cause grain. Less content than without brushstrokes
# balances that detail.
_PAINTED: dict[str, Any] = {
    "loss": "relative",
    "optimizer": "lbfgs",
    "content_layers": ("block4_conv2",),
    "style_layers": tuple(f"block{block}_conv1" for block in range(1, 5)),
    "style_weight": 1.0,
    "style_statistics": "covariance",
    "total_variation_weight": 0.08,
    "mean_weight": 5.0,
    "pooling": "mixed",
    "padding": "edge",
    "epochs": 1,
    "scales": 8,
    "min_dim": 64,
    "precision": "auto",
    "keep_faces": True,
    "repaint": True,
}

RECIPES = {
    "tutorial": Settings(),
    # Gatys, Ecker and Bethge (arXiv 1508.06576, eqs. 1 to 7): α · ½ Σ (F − P)² on content and
    # β · Σ_l ⅕ · Σ (G − A)² / (4N²M²) on style, with G summed over M locations and α/β = 10⁻³. With
    # our G, averaged over them, the latter is β/4 times our style loss: style_weight = β/4. Our
    # content loss is a mean over n features: content_weight = α · n/2, so
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
    "painting": Settings(
        **_PAINTED,
        content_weight=0.4,
        neighbor_weight=1.8,
        style_sizes=2,
        steps_per_epoch=6,
        coarse_steps=1.9,
    ),
    # Like `painting` with half the steps at the finest scale, and without the style at half the
    # size, which costs a quarter of the time and which the coarser scales have determined.
    "fast": Settings(
        **_PAINTED,
        content_weight=0.4,
        neighbor_weight=1.8,
        steps_per_epoch=3,
        coarse_steps=2.5,
    ),
    "quality": Settings(
        **_PAINTED,
        content_weight=0.6,
        neighbor_weight=2.5,
        style_sizes=2,
        steps_per_epoch=10,
        coarse_steps=1.7,
        max_dim=1024,
        network_dim=768,
    ),
}  # fmt: skip


RECIPES |= outside_recipes(RECIPES)


def recipe(name: str) -> Settings:
    """Return the recipe `name`.

    Raises:
        UserError: there is no recipe of that name; the text suggests the closest name.
    """
    if name not in RECIPES:
        raise unknown("recipe", name, RECIPES)
    return RECIPES[name]


_IN_FILMS: dict[str, dict[str, Any]] = {
    "painting": {"steps_per_epoch": 18, "coarse_steps": 1.6, "content_weight": 0.55},
    "fast": {"steps_per_epoch": 8, "coarse_steps": 2.0, "content_weight": 0.55},
    "quality": {"steps_per_epoch": 40, "coarse_steps": 1.3, "content_weight": 0.8},
}


def film_recipe(name: str) -> Settings:
    """Return the recipe `name` for films, whose frames have no brushstrokes unless asked for.

    More steps at the finest scale paint the texture instead.

    Raises:
        UserError: there is no recipe of that name; the text suggests the closest name.
    """
    return replace(recipe(name), repaint=False, **_IN_FILMS.get(name, {}))


def resolve_settings(settings: Settings | str | None, overrides: Mapping[str, Any]) -> Settings:
    """Return settings with some fields changed.

    Args:
        settings: settings, or the name of a recipe; None: the recipe `tutorial`.
        overrides: values by the names of fields of `Settings`.

    Raises:
        UserError: there is no such recipe, or a value is not valid, or a term or recipe of another
            package cannot be used.
        TypeError: there is no such field; the text suggests the closest name.
    """
    check_extensions()
    if isinstance(settings, str):
        settings = recipe(settings)
    elif settings is None:
        settings = Settings()
    elif not isinstance(settings, Settings):
        kind = type(settings).__name__
        raise TypeError(f"settings must be a Settings or the name of a recipe, not of type {kind}")
    names = [entry.name for entry in fields(settings)]
    for name in overrides:
        if name not in names:
            raise TypeError(str(unknown("setting", name, names)))
    return replace(settings, **overrides) if overrides else settings
