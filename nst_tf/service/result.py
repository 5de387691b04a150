"""The result of a `Stylizer`."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from nst_tf.images.faces import Face
from nst_tf.images.levels import quantize
from nst_tf.images.save import FORMATS, save_image
from nst_tf.inputs.sources import ImageSources
from nst_tf.settings import Settings
from nst_tf.transfer.progress import Stage, StopReason
from nst_tf.utils.describe import brief
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.transfer.state import RunState


@dataclass(frozen=True, eq=False)
class KeptNetwork:
    """The network's picture of a result, from which `Stylizer.repaint` starts.

    Attributes:
        state: from `kept_state`.
        losses: as in `Result`.
        settings: with which the network worked.
        read_again: reads the pictures of the run with other settings.
    """

    state: "RunState"
    losses: Mapping[str, float]
    settings: Settings
    read_again: Callable[..., ImageSources]

    __repr__ = brief


@dataclass(frozen=True, eq=False)
class Result:
    """A picture that a `Stylizer` made.

    Attributes:
        pixels: float32 `[h, w, 3]`, sRGB in [0, 1].
        alpha: float32 `[h, w]` in [0, 1], of the photo; `None` if the picture is opaque.
        losses: the weighted terms of the objective by name, `total` first, before the last step's
            update; empty if there was no step.
        stop_reason: "finished" after all steps, "time limit", "no gain" if further steps gain too
            little, "callback" if one returned a true value, "cancelled" by its event, "left" if a
            stream was closed early, or "idle limit" if a stream was not read.
        settings: of the run.
        stage: "brushstrokes" if the picture shows them, "network" if it ended before them or has
            none, "colours" if it was recoloured.
        steps: number of steps of the network; 0 if the run was cancelled before the first, and the
            picture is the photo.
        seconds: duration, without the time that the run waited for others.
        metadata: recorded in the file by `encode`.
        has_profile: whether the photo carried a colour profile, so that the file will too.
        faces: the faces that were kept, in pixels of the picture.
        network: what `Stylizer.repaint` starts from; `None` if the run has no brushstrokes, or its
            network did not end.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    losses: Mapping[str, float]
    stop_reason: StopReason
    stage: Stage
    settings: Settings
    steps: int
    seconds: float
    metadata: Mapping[str, Any] = field(repr=False)
    has_profile: bool = False
    faces: tuple[Face, ...] = ()
    network: KeptNetwork | None = field(default=None, repr=False)

    __repr__ = brief

    def to_pil(self) -> Image.Image:
        """Return the picture as a PIL image with 8 bits per channel, RGB or RGBA."""
        levels = quantize(self.pixels)
        if self.alpha is None:
            return Image.fromarray(levels)
        return Image.fromarray(np.concatenate([levels, quantize(self.alpha)[..., None]], axis=-1))

    def encode(self, format: str = "png", bit_depth: int = 8) -> bytes:
        """Return the bytes of a picture file, with the settings in its metadata.

        Args:
            format: png, jpg or jpeg, webp, or tif or tiff.
            bit_depth: bits per channel: 8, or 16 for PNG and TIFF.

        Raises:
            UserError: the format is not one of these, or cannot hold the picture.
        """
        suffix = f".{format.lower()}"
        if suffix not in FORMATS:
            known = ", ".join(name.lstrip(".") for name in FORMATS)
            raise UserError(f"format {format!r} is not one of {known}")
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / f"picture{suffix}"
            save_image(
                path,
                self.pixels,
                alpha=self.alpha,
                has_profile=self.has_profile,
                metadata=self.metadata,
                bit_depth=bit_depth,
            )
            return path.read_bytes()
