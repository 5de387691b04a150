"""The user's own keyframes: frames of a film that are taken as they are."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nst_tf.images.io import load_picture, opaque
from nst_tf.images.levels import quantize, to_float
from nst_tf.images.resize import Size, resize
from nst_tf.utils.digests import array_digest
from nst_tf.utils.errors import UserError

ROUNDING = 2  # pixels by which a side may differ after resizing: sides of films are even


class Keyframes(Mapping[int, np.ndarray]):
    """Pictures by the numbers of their frames, from 0.

    The values are float32 `[1, H, W, 3]` in [0, 1]. They are held with 8 bits, as films are.

    Args:
        pictures: uint8 `[H, W, 3]` each.
        first: number in the film of the frame that has the number 0.

    Attributes:
        digests: the digest of each picture, by the frame's number.
    """

    def __init__(self, pictures: Mapping[int, np.ndarray], first: int = 0) -> None:
        self._pictures = {n - first: p for n, p in sorted(pictures.items()) if n >= first}
        self.digests = {number: array_digest(p) for number, p in self._pictures.items()}

    def __getitem__(self, number: int) -> np.ndarray:
        return to_float(self._pictures[number])[None]

    def __iter__(self) -> Iterator[int]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)

    def after(self, first: int) -> "Keyframes":
        """Return the keyframes of the part of the film that begins with the frame `first`."""
        return Keyframes(self._pictures, first)


NO_KEYFRAMES = Keyframes({})

KEY_EVERY = 12
"""Default distance of keys, frames: half a second of most films."""


class KeyPlan(NamedTuple):
    """What decides which frames of a film, or of one of its scenes, are keys.

    Attributes:
        every: maximum distance of keys, frames; 1: the network paints all frames.
        own: the user's keyframes.
        total: the expected number of frames, of which the last is a key; 0: unknown.
    """

    every: int = KEY_EVERY
    own: Keyframes = NO_KEYFRAMES
    total: int = 0


DEFAULT_PLAN = KeyPlan()


def load_keyframes(
    paths: Mapping[int, str], size: Size, total: int, directory: Path | None = None
) -> Keyframes:
    """Read keyframes and resize them to the frames' size, with a warning if they differ.

    Args:
        paths: paths of pictures by the numbers of the frames, from 1.
        size: height and width of the painted frames, pixels.
        total: number of the painted frames; 0: unknown.
        directory: the directory of an unfinished film's frames, whose files are replaced.

    Raises:
        OSError: a file cannot be read as a picture.
        UserError: a number is too large, a picture has another shape, or lies in the directory.
    """
    for number, path in paths.items():
        if total and number > total:
            raise UserError(
                f"--keyframe {number}={path}: the film has {total} painted frames: name one of them"
            )
        if directory and directory.resolve() in Path(path).resolve().parents:
            raise UserError(
                f"--keyframe {number}={path} is a file that this program replaces: copy it to "
                "another directory"
            )
    return Keyframes({number - 1: _load(path, size) for number, path in paths.items()})


def _load(path: str, size: Size) -> np.ndarray:
    """Return a keyframe at the size of the frames, uint8 `[H, W, 3]`."""
    image = opaque(load_picture(path))
    rows, columns = image.shape[1:3]
    height, width = size
    if abs(width * rows / columns - height) > ROUNDING * max(1, height / width):
        raise UserError(
            f"{path} has {columns}x{rows} pixels, but the frames have {width}x{height}: save it "
            "in their shape"
        )
    if (rows, columns) != (height, width):
        warnings.warn(f"{path} is resized from {columns}x{rows} to {width}x{height} pixels")
    return quantize(resize(image, size)[0])
