"""The seam of the objective: what a loss term is.

A term is one addend of the objective. It says which layers it reads, what its target is, which
*statistics* of the features it depends on, and what its loss is as a function of them. Statistics
either add up over the blocks of a picture or lie side by side in it, so that the same three
functions serve the whole picture (one block) and a picture in blocks, with and without regions.

A new term is a subclass of `Term` in a file of its own, a line in `registry`, and its settings:
`NAME_weight`, and `NAME_layers` if it reads layers. A term of another package needs no line here:
see `nst_tf.extending`.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.images.resize import Size
from nst_tf.inputs.reference import Reference
from nst_tf.network.layers import stride

PIXELS = "pixels"
"""The name under which a term without layers finds the image among the features."""

Features = Mapping[str, tf.Tensor]


class Statistics(NamedTuple):
    """What a term depends on, by name; those of one name add up over layers.

    Attributes:
        sums: float32 tensors that add up over blocks: a mean over the picture is the sum of values
            times `Window.weights`, never a mean over the block, whose size is unknown.
        maps: tensors `[1, h, w, k]` that lie side by side, one location every `Term.grid` pixels.
    """

    sums: Mapping[str, tf.Tensor] = {}
    maps: Mapping[str, tf.Tensor] = {}


def add(totals: dict[str, tf.Tensor], found: Mapping[str, tf.Tensor]) -> None:
    """Add tensors to those of the same name, in place."""
    for name, value in found.items():
        totals[name] = totals[name] + value if name in totals else value


class Window(NamedTuple):
    """The part of a picture that the features at hand belong to.

    Attributes:
        size: height and width of the whole picture, pixels; int32 scalars in a graph for all sizes.
        bounds: int32 `[4]`, top, bottom, left and right in pixels; None: the whole picture.
        guides: by layer, how much each location of the whole picture counts in the region, float32
            `[1, h, w, 1]` with a sum of 1; empty: the region is the whole picture.
    """

    size: Size | Sequence[tf.Tensor]
    bounds: tf.Tensor | None = None
    guides: Mapping[str, tf.Tensor] = {}

    def crop(self, values: tf.Tensor, step: int) -> tf.Tensor:
        """Return the window's part of `[1, h, w, C]` with a location every `step` pixels."""
        if self.bounds is None:
            return values
        top, bottom, left, right = tf.unstack(self.bounds // step)
        return values[:, top:bottom, left:right]

    def weights(self, layer: str) -> tf.Tensor | float:
        """Return how much each of the layer's locations counts, 1 over the whole picture.

        The result is a number, or a tensor `[1, h, w, 1]` where there are guides.
        """
        if self.guides:
            return self.crop(self.guides[layer], stride(layer))
        return 1.0 / self.locations(stride(layer))

    def locations(self, step: int) -> float | tf.Tensor:
        """Return how many locations the whole picture has, one every `step` pixels."""
        count = (self.size[0] // step) * (self.size[1] // step)
        return tf.cast(count, tf.float32) if isinstance(count, tf.Tensor) else float(count)


Function = Callable[[Features, Window], Statistics]


class Summarize(Protocol):
    """Apply a function to the features of a picture and return its statistics for all of it."""

    def __call__(
        self,
        image: tf.Tensor,
        layers: tuple[str, ...],
        function: Function,
        *,
        guides: Mapping[str, tf.Tensor],
        grid: int,
        joint: bool,
        name: Hashable | None = None,
    ) -> Statistics:
        """Go through an image, float32 `[1, H, W, 3]` in [0, 1], whole or in blocks.

        Args:
            layers: what the function reads.
            function: is given features and their window; what it returns adds up.
            guides: of the region, for the windows.
            grid: pixels between two locations of the maps that it returns.
            joint: whether it needs all layers at once; otherwise they may come in turn.
            name: what the function finds is cached by this name, the layers, the picture and its
                region, also from one run to the next. So among all terms, the name must stand for
                one function, with all of the function's own parameters, such as
                `("moments", sigma)`. `None` disables the cache.
        """
        ...


class Source(NamedTuple):
    """A picture, or a region of one, that a target is made from.

    Attributes:
        image: float32 `[1, H, W, 3]` in [0, 1].
        mask: the region, float32 `[H, W]` in [0, 1]; None: all of the picture.
        guides: the region at the term's layers, as in `Window`.
        summarize: goes through the image.
    """

    image: tf.Tensor
    mask: np.ndarray | None
    guides: Mapping[str, tf.Tensor]
    summarize: Summarize

    def statistics(
        self,
        layers: tuple[str, ...],
        function: Function,
        grid: int = 1,
        joint: bool = False,
        name: Hashable | None = None,
    ) -> Statistics:
        """Return what `function` finds in the picture; arguments as for `Summarize`."""
        return self.summarize(
            self.image,
            self.located(layers),
            function,
            guides=self.guides,
            grid=grid,
            joint=joint,
            name=name,
        )

    def located(self, layers: tuple[str, ...]) -> tuple[str, ...]:
        """Return the layers in which the region has a location."""
        return tuple(name for name in layers if self.mask is None or name in self.guides)


class Sources(NamedTuple):
    """What a term's target is made from, at one scale and level and for one region.

    Attributes:
        content: the photo.
        styles: the paintings that the region is painted like, by their index.
        shares: the share of each of them, 1 in all.
        start: the generated image as the scale starts with it; None at the first scale.
        covered: how much of each pixel any region covers, float32 `[H, W]`; None: all of it.
        keep: how much of the photo each pixel keeps, float32 `[H, W]` from 0, or None.
        reference: an earlier frame of a film, at any size, or None.
        regions: for a term that is not regional, each region's share of the picture and its
            sources; `styles` and `shares` are empty then.
    """

    content: Source
    styles: Mapping[int, Source]
    shares: Mapping[int, float]
    start: tf.Tensor | None = None
    covered: np.ndarray | None = None
    keep: np.ndarray | None = None
    reference: Reference | None = None
    regions: Sequence[tuple[float, "Sources"]] = ()


class Target(NamedTuple):
    """What a term compares a picture with.

    Attributes:
        values: a nest of tensors, for `statistics` and `losses`. A tensor of four axes is a map of
            locations, `[1, h, w, C]`, or a list of them, `[1, N, 1, C]`: h, w and N vary with the
            sizes of the pictures. All other tensors should keep their shapes, because each shape
            needs a graph of its own.
        factors: the weight of each of the term's losses by name, usually a layer's name. The term's
            loss is their weighted mean.
        normalizers: divisor of each loss under `loss="relative"`: the size of its target, which is
            a mean of squares for a loss that is one, and a sum for a loss that is a sum. Losses
            without an entry are relative as they are.
    """

    values: Any
    factors: Mapping[str, float]
    normalizers: Mapping[str, float] = {}


class Term:
    """One addend of the objective; subclasses are frozen dataclasses.

    Attributes:
        name: of its weight's setting (`NAME_weight`), of its column in the history, in messages;
            unique among the terms of a run.
        layers: the layers whose features it reads; () for pixels, which it finds as `PIXELS`.
        levels: number of picture sizes at which it compares: full size, half of it, and so on.
        regional: whether each region has a target of its own.
        scaled_by_strength: whether `Settings.strength` multiplies its weight.
        grid: pixels between two locations of its maps.
        statistics_key: terms with the same key and the same layers share their statistics, which
            are computed and differentiated once; by default the term's name. They must be equal
            functions of the features.
    """

    name: str
    layers: tuple[str, ...]
    levels: int = 1
    regional: bool = False
    scaled_by_strength: bool = True
    grid: int = 1
    statistics_key: str = ""

    def target_floats_per_pixel(self) -> float:
        """Return how many float32 numbers its target keeps for each pixel of the picture.

        This is a sum over its layers: a layer of C channels and stride s has C / s². The plan of
        memory, in `compute.estimate`, multiplies it by the picture's pixels.
        """
        return 0.0

    def workspace_floats_per_pixel(self) -> float:
        """Return how many its statistics take at once for each pixel of a block, summed alike.

        Features and gradients are counted elsewhere.
        """
        return 0.0

    def target(self, sources: Sources) -> Target:
        """Return the target; called once for every scale, level and region."""
        raise TypeError(f"{type(self).__name__} has no target")

    def statistics(self, features: Features, values: Any, window: Window) -> Statistics:
        """Return the statistics of a block, traceable by TensorFlow and differentiable.

        Args:
            features: `[1, h, w, C]` by layer, float32 or bfloat16: those of `layers` that the
                network's part at hand computes, within the window.
            values: from `target`.
            window: the part of the picture that the block owns.
        """
        raise TypeError(f"{type(self).__name__} has no statistics")

    def losses(self, statistics: Statistics, values: Any) -> Mapping[str, tf.Tensor]:
        """Return the losses of the whole picture, scalars under the names of `Target.factors`.

        Statistics are those of all blocks: sums added up, maps put together. What counts over the
        whole picture, such as the uses of a match, is therefore counted here. A loss should not
        grow with the picture's size, because weights mean the same at all scales. By default, these
        are the sums of the statistics.
        """
        return statistics.sums
