"""Every setting of a style transfer, once: default, help text, bounds and choices.

`Settings` is the single source of truth: the command line derives its flags from the fields, the
library takes an instance, and the output files record one. This module does not import TensorFlow,
so that mistakes are refused at once.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Unpack, get_args

from nst_tf.keywords import (
    AllOverrides,
    Convolution,
    Loss,
    Optimizer,
    Padding,
    Pooling,
    Precision,
    PreserveColor,
    StyleStatistics,
)
from nst_tf.network.layers import LAYERS, smallest_side
from nst_tf.utils.describe import changed, settings_doc
from nst_tf.utils.errors import UserError
from nst_tf.validation import (
    Weight,
    check_number,
    checked_auto,
    checked_duration,
    checked_each,
    checked_ramp,
    checked_type,
    parse_bytes,
    unknown,
)

INITS = ("content", "style", "noise", "white")
"""Words that `Settings.init` knows; any other value is the path of a picture."""


STYLE_SIZES = 3  # at most


def setting(
    default: Any,
    group: str,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    check: Callable[[str, Any, Any], Any] = checked_type,
) -> Any:
    """Return a field of `Settings` with all that flags and checks need to know of it."""
    limits = {"at least": low, "more than": above, "at most": high}
    return field(
        default=default,
        metadata={
            "group": group,
            "help": help,
            "limits": {words: limit for words, limit in limits.items() if limit is not None},
            "choices": choices,
            "check": check,
            "ramp": check is checked_ramp,
        },
    )


@dataclass(frozen=True)
class Settings:
    """The settings of one style transfer; the defaults are those of the TensorFlow tutorial.

    Fields called `NAME_weight` and `NAME_layers` belong to the loss term of that name. Layers may
    have the names of papers, `relu4_1` or `conv4_1`, and durations words such as `2min`.

    Immutable and comparable; `dataclasses.replace` makes a changed copy, checked like the first.

    Raises:
        ValueError: a value has the wrong type, is not finite, out of bounds, or not a known name;
            the text names the field, the value and what was expected.
    """

    epochs: int = setting(10, "Schedule", "epochs to run", low=1)
    steps_per_epoch: int = setting(100, "Schedule", "steps (image updates) in an epoch", low=1)
    min_gain: float = setting(
        0.0, "Schedule",
        "end a scale when ten steps lower the loss by less than this share of it, though not "
        "before its ramps end; 0: never",
        low=0, high=0.9,
    )  # fmt: skip
    time_limit: float = setting(
        0.0, "Schedule",
        "end after about this time, in seconds or such as 90s, 2min or 1h30min, shared among the "
        "scales by their work; 0: no limit",
        low=0, check=checked_duration,
    )  # fmt: skip
    scales: int = setting(
        1,
        "Scales",
        "sizes to work at, at most, coarse to fine; each takes steps of its own",
        low=1,
        high=50,
    )
    min_dim: int = setting(
        64, "Scales", "scales with a smaller long side, in pixels, are left out", low=1
    )
    scale_factor: float = setting(
        2.0, "Scales", "size of each scale relative to the next coarser one", low=1.1, high=8
    )
    coarse_steps: float = setting(
        1.0, "Scales", "steps at each scale relative to the next finer one", above=0, high=4
    )
    optimizer: Optimizer = setting(
        "adam", "Optimizer",
        "adam, or lbfgs: projected L-BFGS, which reaches the same loss in fewer steps",
        choices=get_args(Optimizer),
    )  # fmt: skip
    learning_rate: float = setting(
        0.02, "Optimizer",
        "Adam's step size, in units of the [0, 1] pixel range; larger is faster and rougher",
        above=0, high=10,
    )  # fmt: skip
    beta_1: float = setting(
        0.99, "Optimizer", "decay of Adam's running mean of the gradient", low=0, high=0.9999
    )
    epsilon: float = setting(
        0.1, "Optimizer",
        "added to the gradient's root mean square in Adam; larger damps small gradients",
        low=1e-12,
    )  # fmt: skip
    lbfgs_memory: int = setting(
        20, "Optimizer", "steps that L-BFGS learns the curvature from; each keeps two pictures",
        low=1, high=1000,
    )  # fmt: skip
    averaging: float = setting(
        0.0, "Optimizer",
        "decay of a running average of the images, which is the result then; 0: the last image",
        low=0, high=0.9999,
    )  # fmt: skip
    loss: Loss = setting(
        "absolute", "Loss",
        "absolute, or relative: every term divided by that of its target; then weights below 1 as "
        "in the recipe fast mean the same for all pictures and sizes",
        choices=get_args(Loss),
    )  # fmt: skip
    content_weight: Weight = setting(
        1e4, "Loss", "weight of the content loss, or a ramp start:end over the epochs; larger "
        "keeps more of the photo", low=0, check=checked_ramp,
    )  # fmt: skip
    style_weight: Weight = setting(
        1e-2, "Loss", "weight of the style loss, or a ramp; larger takes more of the painting",
        low=0, check=checked_ramp,
    )  # fmt: skip
    strength: float = setting(
        1.0, "Loss",
        "how much of the painting: 0 is the photo, 1 the recipe, 2 wild; all weights but those of "
        "content, kept parts and the frame before times its cube",
        low=0, high=10,
    )  # fmt: skip
    total_variation_weight: Weight = setting(
        30.0, "Loss", "weight of the total variation, or a ramp; larger is smoother", low=0,
        check=checked_ramp,
    )  # fmt: skip
    mean_weight: Weight = setting(
        0.0, "Loss",
        "weight of the difference between the features' means in image and painting, or a ramp; "
        "keeps the painting's palette where style_statistics is covariance",
        low=0, check=checked_ramp,
    )  # fmt: skip
    neighbor_weight: Weight = setting(
        0.0, "Loss",
        "weight of the distance between each place's features and those of the painting's place "
        "that resembles the photo's most, or a ramp; larger gives bolder strokes",
        low=0, check=checked_ramp,
    )  # fmt: skip
    keep_weight: Weight = setting(
        0.0, "Loss",
        "weight of the photo's features where --keep_mask or --keep_faces keeps them, or a ramp; "
        "0: ten times the content weight, twice with relative losses",
        low=0, check=checked_ramp,
    )  # fmt: skip
    temporal_weight: Weight = setting(
        0.0, "Loss",
        "weight of the difference from the frame before, moved along with what it shows, or a "
        "ramp; for films: larger flickers less",
        low=0, check=checked_ramp,
    )  # fmt: skip
    style_statistics: StyleStatistics = setting(
        "gram", "Loss",
        "what is compared with the painting: Gram matrices, or covariance matrices, which bring "
        "out strokes and motifs",
        choices=get_args(StyleStatistics),
    )  # fmt: skip
    content_layers: tuple[str, ...] = setting(
        ("block5_conv2",), "Network", "VGG19 layers whose features are kept"
    )
    style_layers: tuple[str, ...] = setting(
        tuple(f"block{block}_conv1" for block in range(1, 6)), "Network",
        "VGG19 layers whose Gram matrices are matched",
    )  # fmt: skip
    neighbor_layers: tuple[str, ...] = setting(
        tuple(f"block{block}_conv1" for block in range(1, 5)), "Network",
        "VGG19 layers whose features are compared place by place",
    )  # fmt: skip
    keep_layers: tuple[str, ...] = setting(
        ("block3_conv1", "block4_conv2"), "Network",
        "VGG19 layers whose features are kept where a mask says so",
    )  # fmt: skip
    neighbor_rotations: int = setting(
        0, "Network",
        "quarter turns of the painting whose places may be matched too, at most; keeps more of the "
        "photo, takes longer, and loses strokes",
        low=0, high=3,
    )  # fmt: skip
    content_layer_weights: tuple[float, ...] = setting(
        (), "Network", "a factor for each content layer; empty for 1 each", low=0
    )
    style_layer_weights: tuple[float, ...] = setting(
        (),
        "Network",
        "a factor for each style layer, or for each layer of each style in turn; empty for 1 each",
        low=0,
    )
    style_sizes: int = setting(
        1, "Network",
        "sizes at which the style is matched: the picture's, half of it, a quarter, each weighing "
        "as many pixels as it has; more of them keep large strokes together",
        low=1, high=STYLE_SIZES,
    )  # fmt: skip
    pooling: Pooling = setting(
        "max", "Network",
        "how the network halves its maps; average is smoother, mixed is average behind the first "
        "block alone",
        choices=get_args(Pooling),
    )  # fmt: skip
    padding: Padding = setting(
        "zero", "Network",
        "what the first layer sees beyond the borders: zero, a mean colour, as the network was "
        "trained, or edge, the border's pixels, which avoids dark and bright rims",
        choices=get_args(Padding),
    )  # fmt: skip
    weights: str = setting(
        "bundled", "Network",
        "bundled, imagenet (Keras' float32 file, downloaded once), or a .npz or .h5 file",
    )  # fmt: skip
    convolution: Convolution = setting(
        "auto", "Network",
        "winograd: much faster on CPUs after some seconds of compiling, in float32, and takes more "
        "memory; auto: winograd on a CPU in runs that are long enough, else direct",
        choices=get_args(Convolution),
    )  # fmt: skip
    block_size: int | str = setting(
        "auto", "Memory",
        "work through the picture in blocks of this many pixels a side: the same result in less "
        "memory and about twice the time; 0: all of it at once; auto: only if it has to", low=0,
        check=checked_auto,
    )  # fmt: skip
    memory_budget: str = setting(
        "auto", "Memory",
        "memory that the run may take, such as 3.5GiB, with which --block_size=auto and L-BFGS's "
        "memory comply; auto: most of what is free",
    )  # fmt: skip
    precision: Precision = setting(
        "float32", "Network",
        "of the features: bfloat16 takes less memory, and half the time where the processor has "
        "instructions for it, but many times as long elsewhere; auto: bfloat16 on such a CPU, else "
        "float32; Gram matrices and losses are float32 always",
        choices=get_args(Precision),
    )  # fmt: skip
    tf32: bool = setting(
        False, "Network",
        "let NVIDIA GPUs from Ampere on multiply with 10 bits of mantissa: faster, less exact; "
        "otherwise all products of float32 are float32",
    )  # fmt: skip
    max_dim: int = setting(
        512, "Pictures", "limit of the content's long side in pixels; 0 keeps its size", low=0
    )
    style_scale: float | tuple[float, ...] = setting(
        1.0, "Pictures",
        "long side of the styles relative to the content's, or of each in turn, such as 1,0.5; "
        "larger gives larger strokes; 0 keeps a style's size", low=0, high=16, check=checked_each,
    )  # fmt: skip
    detail: float = setting(
        1.0, "Pictures",
        "how fine the strokes are in relation to the picture: the styles' sides are divided by it",
        low=1 / 16, high=16,
    )  # fmt: skip
    style_blend: tuple[float, ...] = setting(
        (), "Pictures", "share of each style, such as 0.7,0.3; empty for equal shares", low=0
    )
    preserve_color: PreserveColor = setting(
        "none", "Pictures",
        "keep the photo's colours: luminance transfers light and dark alone; match gives the "
        "styles the photo's colours before the run",
        choices=get_args(PreserveColor),
    )  # fmt: skip
    init: str = setting(
        "content",
        "Pictures",
        "where to start, at the coarsest scale: content, style (the first), noise, white, or a "
        "picture's path",
    )
    seed: int = setting(0, "Pictures", "seed of --init=noise", low=0, high=2**32 - 1)

    if TYPE_CHECKING:  # callers may write values in more ways than the fields hold them

        def __init__(self, **values: Unpack[AllOverrides]) -> None: ...

    __repr__ = changed

    def __post_init__(self) -> None:
        for entry in fields(self):
            check = entry.metadata["check"]
            value = check(entry.name, getattr(self, entry.name), entry.default)
            object.__setattr__(self, entry.name, value)
            for number in value if isinstance(value, tuple) else (value,):
                check_number(entry.name, number, entry.metadata["limits"])
            choices = entry.metadata["choices"]
            if choices and value not in choices:
                raise unknown(entry.name, str(value), choices)
        for kind in self._kinds():
            factors = getattr(self, f"{kind}_layer_weights", ())
            _check_layers(kind, getattr(self, f"{kind}_layers"), factors)
            if factors and not sum(factors):
                raise UserError(f"{kind}_layer_weights are all 0: set {kind}_weight to 0 instead")
        if self.style_blend and not sum(self.style_blend):
            raise UserError("style_blend must have a share above 0")
        if not self.content_weight and not self.style_weight:
            raise UserError("content_weight and style_weight are both 0: nothing to optimise")
        if not self.content_weight and not self.strength:
            raise UserError("strength is 0, but there is no content to keep: nothing to optimise")
        if self.ramps and self.epochs == 1:
            raise UserError(f"{self.ramps[0]} is a ramp, but epochs is 1: it needs 2 or more")
        if self.precision == "bfloat16" and self.convolution == "winograd":
            raise UserError("convolution=winograd needs precision=float32")
        if self.memory_budget != "auto":
            parse_bytes(self.memory_budget)
        for name in ("init", "weights"):
            if not getattr(self, name):
                raise UserError(f"{name} must not be empty")

    @property
    def finest_steps(self) -> int:
        """Steps at the finest scale, at most: each coarser one has `coarse_steps` times as many.

        How many scales there are depends on the pictures: `RunInputs.steps` counts them all.
        """
        return self.epochs * self.steps_per_epoch

    @property
    def ramps(self) -> tuple[str, ...]:
        """The names of the weights that are ramps."""
        names = (entry.name for entry in fields(self) if entry.metadata["ramp"])
        return tuple(name for name in names if isinstance(getattr(self, name), tuple))

    def at(self, epoch: int) -> "Settings":
        """Return the settings of one epoch, counted from 0, with a number for every ramp.

        Ramps are geometric: the first epoch has their start, the last their end, and each epoch
        multiplies by the same factor.
        """
        fraction = epoch / max(1, self.epochs - 1)
        ends = {name: getattr(self, name) for name in self.ramps}
        numbers = {name: start * (end / start) ** fraction for name, (start, end) in ends.items()}
        return replace(self, **numbers) if numbers else self

    def _kinds(self) -> list[str]:
        """Return the names of the terms that read layers."""
        names = [entry.name for entry in fields(self)]
        return [name.removesuffix("_layers") for name in names if name.endswith("_layers")]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that the terms read, in the network's order, each once.

        Terms without a weight read none, but content and style are always measured.
        """
        used = {
            layer
            for kind in self._kinds()
            if kind in ("content", "style") or getattr(self, f"{kind}_weight")
            for layer in getattr(self, f"{kind}_layers")
        }
        return tuple(name for name in LAYERS if name in used)

    @property
    def smallest_side(self) -> int:
        """The least height and width, in pixels, that the deepest used layer needs."""
        return smallest_side(self.layers)


def _check_layers(kind: str, names: tuple[str, ...], factors: tuple[float, ...]) -> None:
    if not names:
        raise UserError(f"{kind}_layers must name a layer; to do without, set {kind}_weight to 0")
    for name in names:
        if name not in LAYERS:
            raise unknown(f"{kind} layer", name, LAYERS)
        if names.count(name) > 1:
            raise UserError(f"{kind}_layers names {name!r} twice")
    rest = len(factors) % len(names) if kind == "style" else len(factors) - len(names)
    if factors and rest:
        raise UserError(
            f"{kind}_layer_weights has {len(factors)} values for {len(names)} {kind} layers"
        )


Settings.__doc__ = f"{inspect.getdoc(Settings)}\n\n{settings_doc(Settings)}\n"
