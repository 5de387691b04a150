"""Faces of a film, followed from frame to frame."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from nst_tf.images.faces import Face
from nst_tf.images.resize import Box
from nst_tf.video.flow import optical_flow
from nst_tf.video.frame import FrameInput, StylizedFrame

FOUND_SHARE = 0.5  # share of what is found in a frame; the rest is the earlier frame's, moved
APPEARING = 1 / 4  # growth of a new face's presence in each frame
VANISHING = 1 / 8  # loss of presence in each frame that does not show a face
SAME = 0.3  # least shared area of two boxes of one face, relative to the joint area


def follow_faces(frame: FrameInput, earlier: StylizedFrame, apart: int = 1) -> FrameInput:
    """Return a frame with its faces and those of the earlier frame, moved along with the motion.

    A face that is found again lies half way between both. One that is new, or is not found any
    more, gains or loses presence over a few frames.

    Args:
        frame: the new frame, with the faces found in it.
        earlier: the painted frame before it.
        apart: distance between both, frames.
    """
    if not frame.faces and not earlier.faces:
        return frame
    flow = optical_flow(earlier.photo, frame.photo)
    found, followed = list(frame.faces), []
    for known in earlier.faces:
        known = _moved(known, flow)
        matches = [face for face in found if _overlap(face.box, known.box) > SAME]
        if matches:
            match = max(matches, key=lambda face: _overlap(face.box, known.box))
            found.remove(match)
            followed.append(_between(known, match, apart))
        elif known.presence > apart * VANISHING:
            left = known.presence - apart * VANISHING
            followed.append(dataclasses.replace(known, presence=left))
    appearing = min(1.0, apart * APPEARING)
    followed += [dataclasses.replace(face, presence=appearing) for face in found]
    return frame._replace(faces=tuple(followed))


def _moved(face: Face, flow: np.ndarray) -> Face:
    """Return a face where the flow moves it."""
    height, width = flow.shape[:2]
    points = np.asarray(face.points)
    columns, rows = np.clip(points.astype(int), 0, (width - 1, height - 1)).T
    moves = flow[rows, columns]
    left, top, right, bottom = (
        np.asarray(face.box) + np.tile(np.median(moves, axis=0), 2)
    ).tolist()
    moved = tuple((x, y) for x, y in (points + moves).tolist())
    return dataclasses.replace(face, box=(left, top, right, bottom), points=moved)


def _between(known: Face, found: Face, apart: int) -> Face:
    """Return the face that lies between an earlier frame's, moved, and the one found."""

    def mixed(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
        return tuple(
            (1 - FOUND_SHARE) * a + FOUND_SHARE * b for a, b in zip(one, other, strict=True)
        )

    left, top, right, bottom = mixed(known.box, found.box)
    points = tuple(
        (x, y) for x, y in (mixed(*pair) for pair in zip(known.points, found.points, strict=True))
    )
    presence = min(1.0, known.presence + apart * APPEARING)
    return Face((left, top, right, bottom), points, found.confidence, presence)


def _overlap(one: Box, other: Box) -> float:
    """Return the shared area of two boxes, relative to their joint area."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return common / (sum(areas) - common)
