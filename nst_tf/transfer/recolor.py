"""A run without a network: the photo in the paintings' colours, with none of their strokes."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, cast

import numpy as np
from PIL import Image

from nst_tf.compute.budget import BASE
from nst_tf.images.masks import Region, compose
from nst_tf.images.recolor import Palette, color_table, look_up
from nst_tf.images.resize import fit_size, resize, resize_plane
from nst_tf.inputs.blend import blend_shares
from nst_tf.inputs.prepare import RunInputs
from nst_tf.losses.values import Losses
from nst_tf.transfer.progress import Callback, NoSteps, Progress, RunPart, StopReason, any_ends
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.compute.plan import Plan
    from nst_tf.transfer.state import RunState

SAMPLED = 160  # long side, pixels, at which the colours of a picture are counted
PIXEL = 64  # bytes that a pixel needs


class Recoloring:
    """A run that recolours the photo, used like a `StyleTransfer`.

    It takes one step, which counts as a level after those of a network.

    Args:
        fitted: the inputs of the run.
    """

    plans: "Sequence[Plan]" = ()
    levels = ()
    precision = None
    clock = staticmethod(time.perf_counter)

    def __init__(self, fitted: RunInputs) -> None:
        self.fitted = fitted
        self.settings = fitted.settings
        self.peak = BASE + PIXEL * fitted.size[0] * fitted.size[1]

    def adopt_checkpoint(self, saved: object, anyway: bool = False) -> None:
        """Refuse a checkpoint with a UserError: a recolouring has none."""
        raise UserError("the checkpoint belongs to a different run")

    def resumed(self, saved: object) -> Progress:
        """Refuse a checkpoint, as `adopt_checkpoint` does."""
        raise UserError("the checkpoint belongs to a different run")

    def prepare(self) -> None:
        """Do nothing: there are no statistics to compute."""

    def warm_up(self) -> None:
        """Do nothing: there are no graphs to compile."""

    def steps(
        self, state: object = None, cancel: threading.Event | None = None
    ) -> Iterator[Progress]:
        """Take the step, unless `cancel` is set."""
        if cancel and cancel.is_set():
            return
        began = self.clock()
        image = recolored(self.fitted)
        image.flags.writeable = False
        yield _progress(self.fitted, image, self.clock() - began)

    def finish(
        self,
        callbacks: Iterable[Callback] = (),
        state: object = None,
        cancel: threading.Event | None = None,
    ) -> np.ndarray:
        """Return the picture, and call each of the callbacks with it."""
        callbacks, image = tuple(callbacks), self.fitted.content
        for progress in self.steps(cancel=cancel):
            any_ends(callbacks, progress)
            image = self.result(progress)
        return image

    def result(self, progress: Progress) -> np.ndarray:
        """Return the picture, float32 `[1, h, w, 3]` in [0, 1]."""
        return progress.output()

    def ending(self, progress: Progress) -> StopReason:
        """Return why the run has ended with its step."""
        return "finished"

    network_ended = ending


def recolored(inputs: RunInputs) -> np.ndarray:
    """Return the photo in the paintings' colours, float32 `[1, h, w, 3]` in [0, 1].

    Each region gets the colours of its parts of the paintings. What is in none, and what is kept,
    has the photo's.
    """
    photo = inputs.content
    image = photo.copy()
    for region in inputs.regions:
        picture = _palette(photo, region.content)
        changed = look_up(
            color_table(picture, _paint_of(inputs, region), min(1.0, inputs.settings.strength)),
            photo,
        )
        changed -= photo
        image += changed if region.content is None else changed * region.content[..., None]
    image = np.clip(image, 0, 1)
    return image if inputs.keep is None else compose(photo, image, inputs.keep[..., None])


def _paint_of(inputs: RunInputs, region: Region) -> Palette:
    """Return the colours of a region's paintings, each weighted by its share."""
    parts = []
    for style, share in blend_shares(inputs.settings, region.styles).items():
        colors, weights = _palette(inputs.styles[style], region.styles[style])
        parts.append(Palette(colors, weights * (share / weights.sum())))
    colors, weights = zip(*parts, strict=True)
    return Palette(np.concatenate(colors), np.concatenate(weights))


def _palette(image: np.ndarray, mask: np.ndarray | None) -> Palette:
    """Return the colours of the white part of a picture, float32 `[1, h, w, 3]`."""
    height, width = image.shape[1:3]
    size = fit_size(height, width, SAMPLED)
    colors = resize(image, size).reshape(-1, 3)
    if mask is None:
        return Palette(colors, np.ones(len(colors)))
    weights = resize_plane(mask, size, resample=Image.Resampling.HAMMING).reshape(-1)
    counted = weights > 0
    return Palette(colors[counted], weights[counted].astype(np.float64))


def _progress(inputs: RunInputs, image: np.ndarray, seconds: float) -> Progress:
    scale = inputs.scales[-1]._replace(
        number=1, ratio=1.0, size=inputs.size, steps=1, steps_before=0, steps_after=0, deadline=1.0
    )
    return Progress(
        step=1,
        steps=1,
        scale=scale,
        scales=1,
        scale_step=1,
        losses=Losses({}),
        evaluations=0,
        seconds=seconds,
        image=lambda: image,
        state=cast("RunState", NoSteps()),  # no run continues from it
        saved=_refuse,
        output=lambda: image,
        level=1,
        levels=1,
        parts=(RunPart(1, inputs.size[0] * inputs.size[1], 1),),
    )


def _refuse() -> NoReturn:
    """Refuse a checkpoint: no state of a network can be resumed."""
    raise UserError("a recolouring has no checkpoint: it takes a second")
