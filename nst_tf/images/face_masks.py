"""Soft masks of faces: eyes, brows and mouth most, cheeks less, hair hardly."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.images.faces import Face
from nst_tf.images.resize import Size

NARROWEST = 10.0
"""Width from which a face can be kept, pixels: two or three locations of the kept features."""

WIDE, MOST = 64.0, 4.0  # width from which n is 1, pixels, and maximum of n (by eye and figure)

# Weight w and exponent e of the parts of a face: at the strength s, a part has w s^e (by eye).
_FEATURES = (4.0, 1.0)  # eyes with their brows, mouth
_NOSE = (3.0, 1.0)
_FACE = (1.5, 1.5)  # from the forehead to the chin
_HEAD = (1.0, 4.0)  # with hair

_FADE = 0.5  # width of a part's soft edge, relative to its radii


class Part(NamedTuple):
    """A part of a face, an ellipse.

    Attributes:
        centre: x and y, pixels.
        axes: vectors `[2, 2]` from the centre to the ellipse, across and along the face, pixels.
        weight: of the photo at a strength of 1.
        exponent: of the strength; larger for parts that a painter may change more.
    """

    centre: np.ndarray
    axes: np.ndarray
    weight: float
    exponent: float


def face_mask(size: Size, faces: Sequence[Face], strength: float) -> np.ndarray:
    """Return how much of the photo each pixel keeps, the maximum over all parts of all faces of

        n w s^e · t² (3 − 2t)    n = min(4, max(1, 64 / b)),  t = min(1, max(0, (1.5 − r) / 0.5))

    with the face's width b in pixels, the strength s, the part's weight w and exponent e, and the
    distance r from its centre in its radii. A narrow face is kept more: the few locations that the
    features have in it must fit the photo closely, or eyes and mouth are lost.

    Args:
        size: height and width of the picture, pixels.
        faces: in pixels of that picture.
        strength: in [0, 1]; 0 keeps nothing, 1 the whole head.

    Returns:
        float32 `[H, W]` in [0, 16].
    """
    mask = np.zeros(size, np.float32)
    for face in faces if strength else ():
        for part in parts(face):
            reach = (1 + _FADE) * np.abs(part.axes).sum(axis=0)
            left, top = np.clip(np.floor(part.centre - reach), 0, None).astype(int)
            right, bottom = np.clip(np.ceil(part.centre + reach), 0, None).astype(int)
            seen = mask[top:bottom, left:right]
            rows, columns = np.indices(seen.shape) + 0.5
            offsets = np.stack([columns + left, rows + top], axis=-1) - part.centre
            distance = np.hypot(*np.moveaxis(offsets @ np.linalg.inv(part.axes), -1, 0))
            inside = np.clip((1 + _FADE - distance) / _FADE, 0, 1)
            weight = part.weight * strength**part.exponent
            kept = face.presence * narrowness(face.width) * weight * inside**2 * (3 - 2 * inside)
            np.maximum(seen, kept, out=seen, casting="same_kind")
    return mask


def narrowness(width: float) -> float:
    """Return n, the factor for a face that is `width` pixels wide."""
    return min(MOST, max(1.0, WIDE / max(width, 1e-6)))


def parts(face: Face) -> Iterator[Part]:
    """Yield the parts of a face, in units of the distance from its eyes to its mouth.

    In a face seen from above or below, the unit is at least a third of the face's width.
    """
    left, right, nose, *corners = np.asarray(face.points)
    eyes, mouth = (left + right) / 2, np.mean(corners, axis=0)
    length = float(np.hypot(*(mouth - eyes)))
    unit = max(length, face.width / 3)
    down = unit * (mouth - eyes) / length if length else np.array([0.0, unit])
    axes = np.array([[down[1], -down[0]], down])

    def part(centre: np.ndarray, width: float, height: float, kept: tuple[float, float]) -> Part:
        return Part(centre, axes * [[width], [height]], *kept)

    for eye in (left, right):
        yield part(eye - 0.12 * down, 0.42, 0.42, _FEATURES)
    half = float(np.hypot(*(corners[1] - corners[0]))) / 2 / unit
    yield part(mouth, half + 0.2, 0.32, _FEATURES)
    yield part(nose - 0.15 * down, 0.35, 0.45, _NOSE)
    middle = (eyes + mouth) / 2
    yield part(middle - 0.1 * down, 1.1, 1.4, _FACE)
    yield part(middle - 0.4 * down, 1.5, 1.9, _HEAD)
