"""Images with margins that repeat their other side, for pictures that tile; and their gradient."""

import tensorflow as tf

from nst_tf.images.wrap import Margins


def wrap(image: tf.Tensor, around: Margins) -> tf.Tensor:
    """Return an image `[1, H, W, C]` with margins."""
    for axis, margin in enumerate(around, start=1):
        if margin:
            rest = image.shape[axis] - margin
            first, _ = tf.split(image, [margin, rest], axis)
            _, last = tf.split(image, [rest, margin], axis)
            image = tf.concat([last, image, first], axis)
    return image


def fold(gradient: tf.Tensor, around: Margins) -> tf.Tensor:
    """Return the gradient of a function of `wrap(image)` with respect to the image.

    It adds to each pixel what its copies in the margins have.
    """
    for axis, margin in enumerate(around, start=1):
        if margin:
            side = gradient.shape[axis] - 2 * margin
            before, inner, after = tf.split(gradient, [margin, side, margin], axis)
            first, last = [[0, 0]] * 4, [[0, 0]] * 4
            first[axis], last[axis] = [0, side - margin], [side - margin, 0]
            gradient = inner + tf.pad(after, first) + tf.pad(before, last)
    return gradient
