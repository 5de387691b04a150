"""Faces in a photo: where they are, and where their eyes, noses and mouths are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from nst_tf.images import mtcnn
from nst_tf.images.channels import Decoded
from nst_tf.images.levels import quantize, to_float
from nst_tf.images.resize import Box, Size, as_image, fit_size

LONGEST = 2048
"""Maximum long side at which a photo is searched, pixels."""

_SMALLEST = 20  # width of the smallest face that is sought, pixels
_WINDOW = 12  # side of a window of the first network, pixels
_FACTOR = 0.709  # from one size of the photo to the next: its area is halved
_CONFIDENCE = (0.6, 0.7, 0.9)  # least confidence of the three networks
_GREY = 128  # level beyond the photo's borders


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes:
        box: left, top, right and bottom, pixels.
        points: x and y of the eyes, the nose and the corners of the mouth, pixels; of each pair,
            the left one in the picture comes first.
        confidence: how sure the detector is, in [0, 1].
        presence: how much the face counts, in [0, 1]: less than 1 while it appears or vanishes in a
            film.
    """

    box: Box
    points: tuple[tuple[float, float], ...]
    confidence: float
    presence: float = 1.0

    @property
    def width(self) -> float:
        """Width of the box, pixels."""
        return self.box[2] - self.box[0]

    def place(self, size: Size) -> tuple[float, float]:
        """Return x and y of the box's centre, as shares of the width and height of the picture.

        Args:
            size: height and width of the picture that shows the face, pixels.
        """
        left, top, right, bottom = self.box
        return (left + right) / 2 / size[1], (top + bottom) / 2 / size[0]

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Face":
        """Return the face whose fields are recorded as JSON values."""
        left, top, right, bottom = record["box"]
        points = tuple((x, y) for x, y in record["points"])
        return cls((left, top, right, bottom), points, record["confidence"], record["presence"])

    def scaled(self, size: Size, other: Size) -> "Face":
        """Return the face in a picture of another size.

        Args:
            size: height and width of the picture that shows the face, pixels.
            other: those of the same picture when it is resized.
        """
        down, across = (new / old for new, old in zip(other, size, strict=True))
        left, top, right, bottom = self.box
        box = (left * across, top * down, right * across, bottom * down)
        points = tuple((x * across, y * down) for x, y in self.points)
        return replace(self, box=box, points=points)


def find_faces(image: np.ndarray) -> tuple[Face, ...]:
    """Find the faces in a photo, the widest first.

    Args:
        image: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1]. Faces that are less than 20
            pixels wide are not sought, and not more than 2048 pixels of the long side are searched.

    Raises:
        UserError: `image` is not an image.
    """
    photo = as_image("image", image)[0]
    return faces_of(Decoded(list(np.moveaxis(photo, -1, 0)), None, False), photo.shape[:2], LONGEST)


def faces_of(decoded: Decoded, size: Size, longest: int = 0) -> tuple[Face, ...]:
    """Return the faces of a decoded photo in pixels of `size`, the widest first.

    Args:
        size: height and width of the picture that the photo becomes, pixels.
        longest: maximum long side that is searched; 0: twice that of `size`, at which faces are
            wide enough to be found if they are wide enough to be kept.
    """
    side = min(LONGEST, longest or 2 * max(size))
    rows, columns = decoded.channels[0].shape
    height, width = fit_size(rows, columns, side)
    levels = [_resized(channel, (width, height)) for channel in decoded.channels]
    photo = np.broadcast_to(np.stack(levels, axis=-1), (height, width, 3))
    return tuple(face.scaled((height, width), size) for face in _search(photo))


def face_at(faces: Sequence[Face], place: Sequence[float], size: Size) -> Face | None:
    """Return the face whose box contains a place, the nearest of several; `None`: there is none.

    Args:
        faces: in pixels of a picture.
        place: x and y, as shares of the picture's width and height.
        size: height and width of the picture, pixels.
    """
    x, y = place[0] * size[1], place[1] * size[0]

    def distance(face: Face) -> float:
        across, down = face.place(size)
        return math.hypot(x - across * size[1], y - down * size[0])

    around = (f for f in faces if f.box[0] <= x <= f.box[2] and f.box[1] <= y <= f.box[3])
    return min(around, key=distance, default=None)


def _resized(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a channel with 8 bits at another size: width and height."""
    levels = channel if channel.dtype == np.uint8 else quantize(to_float(channel))
    picture = Image.fromarray(np.ascontiguousarray(levels))
    return np.asarray(picture.resize(size, Image.Resampling.BOX))


def _search(photo: np.ndarray) -> tuple[Face, ...]:
    """Return the faces of a photo, uint8 `[H, W, 3]`, the widest first."""
    boxes = _proposals(photo)
    if not len(boxes):
        return ()
    scores, moves = mtcnn.refine(_patches(photo, boxes, 24))
    boxes, scores = _corrected(boxes, moves, scores, _CONFIDENCE[1])
    boxes = _squares(boxes[_distinct(boxes, scores, 0.7)])
    if not len(boxes):
        return ()
    scores, moves, points = mtcnn.locate(_patches(photo, boxes, 48))
    sides = boxes[:, 2:] - boxes[:, :2]
    points = boxes[:, None, :2] + points * sides[:, None]
    points = points[scores > _CONFIDENCE[2]]
    boxes, scores = _corrected(boxes, moves, scores, _CONFIDENCE[2])
    chosen = _distinct(boxes, scores, 0.5, of_smaller=True)
    faces = [_face(boxes[n], points[n], scores[n]) for n in chosen]
    return tuple(sorted(faces, key=lambda face: face.width, reverse=True))


def _face(box: np.ndarray, points: np.ndarray, score: float) -> Face:
    left, top, right, bottom = box.tolist()
    return Face((left, top, right, bottom), tuple((x, y) for x, y in points.tolist()), float(score))


def _proposals(photo: np.ndarray) -> np.ndarray:
    """Return square boxes `[N, 4]` that may hold faces, from all sizes of the photo."""
    height, width, _ = photo.shape
    found, confidences = [np.zeros((0, 4))], [np.zeros(0)]
    ratio = _WINDOW / _SMALLEST
    while min(height, width) * ratio >= _WINDOW:
        small = Image.fromarray(photo).resize(
            (round(width * ratio), round(height * ratio)), Image.Resampling.BOX
        )
        scores, moves = mtcnn.propose(_normalized(np.asarray(small)))
        rows, columns = np.nonzero(scores > _CONFIDENCE[0])
        scores = scores[rows, columns]
        corners = np.stack([columns, rows], axis=1) * 2.0
        windows = np.concatenate([corners, corners + _WINDOW], axis=1)
        windows += moves[rows, columns] * _WINDOW
        windows /= np.tile([small.width / width, small.height / height], 2)
        chosen = _distinct(windows, scores, 0.5)
        found.append(windows[chosen])
        confidences.append(scores[chosen])
        ratio *= _FACTOR
    boxes, scores = np.concatenate(found), np.concatenate(confidences)
    return _squares(boxes[_distinct(boxes, scores, 0.7)])


def _normalized(levels: np.ndarray) -> np.ndarray:
    return (levels.astype(np.float32) - 127.5) / 128


def _patches(photo: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Return the parts of a photo in boxes `[N, 4]`, `[N, side, side, 3]` in [-1, 1]."""
    height, width, _ = photo.shape
    beyond = max(-boxes[:, :2].min(), (boxes[:, 2:] - (width, height)).max(), 0)
    margin = int(np.ceil(beyond))
    edges = ((margin, margin), (margin, margin), (0, 0))
    padded = Image.fromarray(np.pad(photo, edges, constant_values=_GREY))
    bounds = np.clip(boxes + margin, 0, np.tile(padded.size, 2))
    parts = [
        np.asarray(padded.resize((side, side), Image.Resampling.BILINEAR, box))
        for box in bounds.tolist()
    ]
    return _normalized(np.stack(parts))


def _corrected(
    boxes: np.ndarray, moves: np.ndarray, scores: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes whose scores exceed `least`, moved by fractions of their sides."""
    kept = scores > least
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return (boxes + moves * sides)[kept], scores[kept]


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Return the smallest squares about the centres of boxes `[N, 4]` that contain them."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _distinct(
    boxes: np.ndarray, scores: np.ndarray, most: float, of_smaller: bool = False
) -> Sequence[int]:
    """Return the indices of boxes that overlap no box with a higher score by more than `most`.

    The overlap is relative to the joint area, or to the area of the smaller box.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = sides.prod(axis=1)
    rest = np.argsort(-scores, kind="stable")
    chosen = []
    while len(rest):
        first, rest = rest[0], rest[1:]
        chosen.append(int(first))
        corners = np.minimum(boxes[first, 2:], boxes[rest, 2:]) - np.maximum(
            boxes[first, :2], boxes[rest, :2]
        )
        common = np.clip(corners, 0, None).prod(axis=1)
        smaller = np.minimum(areas[first], areas[rest])
        whole = smaller if of_smaller else areas[first] + areas[rest] - common
        rest = rest[common <= most * whole]
    return chosen
