"""A reference image that the generated image should resemble, pixel by pixel."""

from typing import NamedTuple

import numpy as np

from nst_tf.images.resize import Size, as_image, resize, resize_plane
from nst_tf.utils.errors import UserError


class Reference(NamedTuple):
    """An image, and how closely each pixel is to be followed.

    Attributes:
        image: float32 `[1, H, W, 3]` in [0, 1].
        confidence: float32 `[H, W]`, 1 where the image is to be followed, 0 where it is unknown.
    """

    image: np.ndarray
    confidence: np.ndarray

    def at(self, size: Size) -> "Reference":
        """Return the reference resampled to a height and width, pixels."""
        return Reference(resize(self.image, size), resize_plane(self.confidence, size))


def as_reference(reference: Reference, size: Size) -> Reference:
    """Return a reference as float32 arrays; UserError if it is not an image of size `size`."""
    image = as_image("the reference", reference.image)
    confidence = np.asarray(reference.confidence, np.float32)
    if image.shape[1:3] != tuple(size) or confidence.shape != tuple(size):
        raise UserError(
            f"the reference has shapes {list(image.shape)} and {list(confidence.shape)}: expected "
            f"{size[0]} rows and {size[1]} columns, as the content has"
        )
    return Reference(image, confidence)
