"""Every setting of a style transfer, once: default, help text, bounds and choices.

`Settings` is the single source of truth: the command line derives its flags from the fields, the
library takes an instance, and the output files record one. This module does not import TensorFlow:
mistakes are refused at once.
"""

import inspect
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Unpack, get_args

from nst_tf.extending.entry_points import with_outside_settings
from nst_tf.extending.fields import setting
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
    Tileable,
)
from nst_tf.network.layers import LAYERS, smallest_side
from nst_tf.utils.describe import changed, settings_doc
from nst_tf.validation import (
    Weight,
    check_combination,
    check_number,
    checked_auto,
    checked_duration,
    checked_each,
    checked_places,
    checked_ramp,
    unknown,
)

INITS = ("content", "style", "noise", "white")
"""Names that `Settings.init` knows; any other value is the path of a picture."""

STYLE_SIZES = 3  # maximum


@dataclass(frozen=True)
@with_outside_settings
class Settings:
    """The settings of one style transfer; the defaults are those of the TensorFlow tutorial.

    Fields called `NAME_weight` and `NAME_layers` belong to the loss term NAME. Layers may have the
    names used in papers, `relu4_1` or `conv4_1`, and durations may have units, such as `2min`.
    Terms of other installed packages add their fields after these: see `nst_tf.extending`.

    Immutable and comparable; `dataclasses.replace` makes a changed copy and checks it.

    Raises:
        UserError: a value has the wrong type, is not finite, is out of bounds, or is not a known
            name; the text names the field, the value and what was expected.
    """

    # fmt: off
    epochs: int = setting(10, "Schedule", "epochs to run", low=1)
    steps_per_epoch: int = setting(100, "Schedule", "steps (image updates) in an epoch", low=1)
    min_gain: float = setting(
        0.0, "Schedule", "end a scale when ten steps lower the loss by less than this fraction, "
        "but not before its ramps end; 0: never", low=0, high=0.9,
    )
    time_limit: float = setting(
        0.0, "Schedule", "end after about this time, in seconds or written like 90s, 2min or "
        "1h30min; the scales share it in proportion to their work; 0: no limit",
        low=0, check=checked_duration,
    )
    scales: int = setting(
        1, "Scales", "maximum number of sizes, coarse to fine; each has its own steps",
        low=1, high=50,
    )
    min_dim: int = setting(
        64, "Scales", "smallest long side of a scale in pixels; smaller scales are left out", low=1,
    )
    scale_factor: float = setting(
        2.0, "Scales", "size of each scale relative to the next coarser one", low=1.1, high=8,
    )
    coarse_steps: float = setting(
        1.0, "Scales", "steps at each scale relative to the next finer one", above=0, high=4,
    )
    optimizer: Optimizer = setting(
        "adam", "Optimizer", "adam, or lbfgs: projected L-BFGS, which reaches the same loss in "
        "fewer steps", choices=get_args(Optimizer),
    )
    learning_rate: float = setting(
        0.02, "Optimizer", "Adam's step size, in units of the [0, 1] pixel range; larger is faster "
        "and rougher", above=0, high=10,
    )
    beta_1: float = setting(
        0.99, "Optimizer", "decay of Adam's running mean of the gradient", low=0, high=0.9999,
    )
    epsilon: float = setting(
        0.1, "Optimizer", "added to the gradient's root mean square in Adam; larger damps small "
        "gradients", low=1e-12,
    )
    lbfgs_memory: int = setting(
        20, "Optimizer", "steps from which L-BFGS estimates the curvature; each keeps two pictures",
        low=1, high=1000,
    )
    averaging: float = setting(
        0.0, "Optimizer", "decay of a running average of the images, which becomes the result; 0: "
        "the last image", low=0, high=0.9999,
    )
    loss: Loss = setting(
        "absolute", "Loss", "absolute, or relative: every term is divided by its size at the "
        "target, and weights mean the same for all pictures and sizes, as in the recipe fast",
        choices=get_args(Loss),
    )
    content_weight: Weight = setting(
        1e4, "Loss", "weight of the content loss, or a ramp start:end over the epochs; larger "
        "keeps more of the photo", low=0, check=checked_ramp,
    )
    style_weight: Weight = setting(
        1e-2, "Loss", "weight of the style loss, or a ramp; larger uses more of the painting",
        low=0, check=checked_ramp,
    )
    strength: float = setting(
        1.0, "Loss", "strength of the style: 0 returns the photo, 1 the recipe as it is, 2 is "
        "extreme; multiplies all weights by its cube, except those of content, kept parts and the "
        "previous frame", low=0, high=10,
    )
    total_variation_weight: Weight = setting(
        30.0, "Loss", "weight of the total variation, or a ramp; larger is smoother",
        low=0, check=checked_ramp,
    )
    mean_weight: Weight = setting(
        0.0, "Loss", "weight of the difference between the mean features of image and painting, or "
        "a ramp; keeps the painting's palette if style_statistics is covariance",
        low=0, check=checked_ramp,
    )
    neighbor_weight: Weight = setting(
        0.0, "Loss", "weight of the neighbour loss, or a ramp: the distance between the features "
        "of each place and of the painting's place that is most similar to the photo there; larger "
        "gives bolder strokes", low=0, check=checked_ramp,
    )
    keep_weight: Weight = setting(
        0.0, "Loss", "weight of the photo's features where faces or a --keep_mask are kept, "
        "or a ramp; 0: ten times the content weight, or twice with relative losses",
        low=0, check=checked_ramp,
    )
    temporal_weight: Weight = setting(
        0.0, "Loss", "weight of the difference from the previous frame, moved along with the "
        "motion, or a ramp; for films: larger flickers less", low=0, check=checked_ramp,
    )
    style_statistics: StyleStatistics = setting(
        "gram", "Loss", "statistics that are compared with the painting: Gram matrices, or "
        "covariance matrices, which bring out strokes and motifs",
        choices=get_args(StyleStatistics),
    )
    content_layers: tuple[str, ...] = setting(
        ("block5_conv2",), "Network", "VGG19 layers of the content loss",
    )
    style_layers: tuple[str, ...] = setting(
        tuple(f"block{block}_conv1" for block in range(1, 6)), "Network", "VGG19 layers of the "
        "style loss",
    )
    neighbor_layers: tuple[str, ...] = setting(
        tuple(f"block{block}_conv1" for block in range(1, 5)), "Network", "VGG19 layers of the "
        "neighbour loss",
    )
    keep_layers: tuple[str, ...] = setting(
        ("block3_conv1", "block4_conv2"), "Network", "VGG19 layers of the features that masks keep",
    )
    neighbor_rotations: int = setting(
        0, "Network", "maximum number of quarter turns of the painting whose places can be matched "
        "as well; keeps more of the photo, is slower, and loses strokes", low=0, high=3,
    )
    content_layer_weights: tuple[float, ...] = setting(
        (), "Network", "factor of each content layer; empty: 1 each", low=0,
    )
    style_layer_weights: tuple[float, ...] = setting(
        (), "Network", "factor of each style layer, or of each layer of the first style, then of "
        "the second, and so on; empty: 1 each", low=0,
    )
    style_sizes: int = setting(
        1, "Network", "number of sizes at which the style is compared: the picture's, half of it, "
        "a quarter, each weighted by its number of pixels; more sizes keep large strokes together",
        low=1, high=STYLE_SIZES,
    )
    pooling: Pooling = setting(
        "max", "Network", "how the network halves its maps; average is smoother, mixed is average "
        "after the first block only", choices=get_args(Pooling),
    )
    padding: Padding = setting(
        "zero", "Network", "what the first layer sees beyond the borders: zero, which is a mean "
        "colour, as in the network's training, or edge, the border's pixels, which avoids dark and "
        "bright rims", choices=get_args(Padding),
    )
    weights: str = setting(
        "bundled", "Network", "bundled, imagenet (Keras' float32 file, downloaded once), or the "
        "path of a .npz or .h5 file",
    )
    convolution: Convolution = setting(
        "auto", "Network", "winograd: much faster on CPUs, only in float32, and needs more memory; "
        "auto: winograd on a CPU where memory suffices, otherwise direct",
        choices=get_args(Convolution),
    )
    block_size: int | str = setting(
        "auto", "Memory", "process the picture in tiles of this many pixels a side: the same "
        "result in less memory and about twice the time; 0: the whole picture at once; auto: tiles "
        "only if necessary", low=0, check=checked_auto,
    )
    memory_budget: str = setting(
        "auto", "Memory", "memory that the run may use, such as 3.5GiB; limits --block_size=auto "
        "and the memory of L-BFGS; auto: most of the free memory",
    )
    precision: Precision = setting(
        "float32", "Network", "precision of the features: bfloat16 needs less memory, and half the "
        "time if the processor has instructions for it, but many times as long otherwise; auto: "
        "bfloat16 on such a CPU, otherwise float32; Gram matrices and losses are always float32",
        choices=get_args(Precision),
    )
    tf32: bool = setting(
        False, "Network", "let NVIDIA GPUs since Ampere multiply with 10 bits of mantissa: faster, "
        "less exact; otherwise all products of float32 are float32",
    )
    max_dim: int = setting(
        512, "Pictures", "maximum long side of the result in pixels; 0: the photo's", low=0,
    )
    style_scale: float | tuple[float, ...] = setting(
        1.0, "Pictures", "long side of the paintings relative to the photo's, or of each painting, "
        "such as 1,0.5; larger gives larger strokes; 0 keeps a painting's size",
        low=0, high=16, check=checked_each,
    )
    detail: float = setting(
        1.0, "Pictures", "fineness of the strokes: divides the size of the paintings",
        low=1 / 16, high=16,
    )
    style_blend: tuple[float, ...] = setting(
        (), "Pictures", "share of each painting, such as 0.7,0.3; empty: equal shares", low=0,
    )
    preserve_color: PreserveColor = setting(
        "none", "Pictures", "keep the photo's colours: luminance transfers only light and dark; "
        "match gives the paintings the photo's colours before the run",
        choices=get_args(PreserveColor),
    )
    recolor: bool = setting(
        False, "Pictures", "give the photo the paintings' colours and nothing else of them, in "
        "about a second: no strokes, no network; --strength sets how far",
    )
    tileable: Tileable = setting(
        "none", "Pictures", "make a picture whose edges meet when it is repeated: both, x for left "
        "and right, or y for top and bottom; a photo is changed smoothly, so its edges meet too",
        choices=get_args(Tileable),
    )
    keep_faces: bool = setting(
        False, "Pictures", "find the photo's faces and keep them recognisable; without faces, "
        "nothing changes",
    )
    face_strength: float = setting(
        0.3, "Pictures", "how much of each face --keep_faces keeps: 0 nothing, 1 "
        "all of it with the hair", low=0, high=1,
    )
    skip_faces: tuple[float, ...] = setting(
        (), "Pictures", "places of faces that --keep_faces paints like the rest: x,y of each, as "
        "shares of the photo's width and height, such as 0.41,0.22", low=0, high=1,
        check=checked_places,
    )
    repaint: bool = setting(
        False, "Brushstrokes", "remake the network's picture of the paintings' own patches, which "
        "have no grain, and enlarge it to the result's size",
    )
    network_dim: int = setting(
        512, "Brushstrokes", "with --repaint, long side in pixels up to which the network works; "
        "brushstrokes enlarge its picture from there; 0: the result's", low=0,
    )
    patch_size: int = setting(
        3, "Brushstrokes", "side of the patches in pixels: larger is bolder and loses small things",
        low=2, high=9,
    )
    repaint_detail: float = setting(
        0.5, "Brushstrokes", "how much of the structure of photo and network's picture the "
        "brushstrokes keep: 0 is bold, 1 follows both closely", low=0, high=1,
    )
    init: str = setting(
        "content", "Pictures", "start image at the coarsest scale: content, style (the first), "
        "noise, white, or the path of a picture",
    )
    seed: int = setting(0, "Pictures", "seed of --init=noise", low=0, high=2**32 - 1)
    # fmt: on

    if TYPE_CHECKING:  # the fields hold fewer types than callers may pass

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
        check_combination(self, self._kinds())

    @property
    def finest_steps(self) -> int:
        """Maximum number of steps at the finest scale.

        Each coarser scale has `coarse_steps` times as many as the next finer one. The number of
        scales depends on the pictures: `RunInputs.steps` counts the steps of all of them.
        """
        return self.epochs * self.steps_per_epoch

    @property
    def repaints(self) -> bool:
        """Whether a second stage remakes the picture: there is a painting, and it has an effect."""
        return bool(self.repaint and self.style_weight and self.strength and not self.recolor)

    @property
    def network_limit(self) -> int:
        """Maximum long side at which the network works, pixels; 0: none."""
        limits = [self.max_dim, self.network_dim if self.repaints else 0]
        return min(filter(None, limits), default=0)

    @property
    def ramps(self) -> tuple[str, ...]:
        """The names of the weights that are ramps."""
        names = (entry.name for entry in fields(self) if entry.metadata["ramp"])
        return tuple(name for name in names if isinstance(getattr(self, name), tuple))

    def at(self, epoch: int) -> "Settings":
        """Return the settings of one epoch, counted from 0, with a number for every ramp.

        Ramps are geometric: the first epoch has the start of a ramp, the last epoch its end, and
        each epoch multiplies by the same factor.
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

        Terms whose weight is 0 read no layers, but content and style are always measured.
        """
        used = {
            layer
            for kind in self._kinds()
            if kind in ("content", "style") or getattr(self, f"{kind}_weight")
            for layer in getattr(self, f"{kind}_layers")
        }
        return tuple(name for name in LAYERS if name in used)

    @property
    def seeks_faces(self) -> bool:
        """Whether the photo is searched for faces, which needs a photo that is painted."""
        weights = (self.content_weight, self.style_weight, self.strength, self.face_strength)
        return self.keep_faces and all(weights) and not self.recolor

    @property
    def skipped_places(self) -> tuple[tuple[float, float], ...]:
        """The places of `skip_faces`, x and y of each."""
        return tuple(zip(self.skip_faces[::2], self.skip_faces[1::2], strict=True))

    @property
    def smallest_side(self) -> int:
        """The smallest height and width, in pixels, that the deepest used layer accepts."""
        return 1 if self.recolor else smallest_side(self.layers)


Settings.__doc__ = f"{inspect.getdoc(Settings)}\n\n{settings_doc(Settings)}\n"
