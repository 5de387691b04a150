"""Types of settings as callers may write them, for type checkers.

`Settings` checks and converts the values: `time_limit="2min"` becomes 120.0. A test compares names
and types with its fields.
"""

from collections.abc import Sequence
from typing import Literal, TypedDict

Optimizer = Literal["adam", "lbfgs"]
Loss = Literal["absolute", "relative"]
StyleStatistics = Literal["gram", "covariance"]
Pooling = Literal["max", "average", "mixed"]
Padding = Literal["zero", "edge"]
Convolution = Literal["auto", "winograd", "direct"]
Precision = Literal["float32", "bfloat16", "auto"]
Tileable = Literal["none", "both", "x", "y"]
PreserveColor = Literal["none", "luminance", "match"]

Seconds = float | str
"""Seconds, or a duration such as `2min`."""

Ramp = float | str | Sequence[float]
"""A weight, or the ends of its ramp over the epochs: `(100, 1)` or `"100:1"`."""


class Overrides(TypedDict, total=False):
    """Fields of `Settings` that a `Stylizer` and its runs may change."""

    epochs: int
    steps_per_epoch: int
    min_gain: float
    time_limit: Seconds
    scales: int
    min_dim: int
    scale_factor: float
    coarse_steps: float
    optimizer: Optimizer
    learning_rate: float
    beta_1: float
    epsilon: float
    lbfgs_memory: int
    averaging: float
    loss: Loss
    content_weight: Ramp
    style_weight: Ramp
    strength: float
    total_variation_weight: Ramp
    mean_weight: Ramp
    neighbor_weight: Ramp
    keep_weight: Ramp
    temporal_weight: Ramp
    style_statistics: StyleStatistics
    content_layers: Sequence[str]
    style_layers: Sequence[str]
    neighbor_layers: Sequence[str]
    keep_layers: Sequence[str]
    neighbor_rotations: int
    content_layer_weights: Sequence[float]
    style_layer_weights: Sequence[float]
    style_sizes: int
    pooling: Pooling
    padding: Padding
    weights: str
    convolution: Convolution
    block_size: int | str
    precision: Precision
    tf32: bool
    max_dim: int
    style_scale: float | Sequence[float]
    detail: float
    style_blend: Sequence[float]
    preserve_color: PreserveColor
    recolor: bool
    tileable: Tileable
    keep_faces: bool
    face_strength: float
    skip_faces: Sequence[float]
    repaint: bool
    network_dim: int
    patch_size: int
    repaint_detail: float
    init: str
    seed: int


class AllOverrides(Overrides, total=False):
    """All fields of `Settings`."""

    memory_budget: str
