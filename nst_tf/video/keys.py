"""The plan of a scene: keys, which the network paints, and frames between, which follow them."""

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nst_tf.video.cuts import is_cut, is_uniform, unexplained, without_noise
from nst_tf.video.flow import Motion, Track, warp
from nst_tf.video.frame import FrameInput, StylizedFrame
from nst_tf.video.reference import painted_before

MIN_SHOWN = 0.8  # fraction of a frame that the key before it shows, below which a key is needed
MAX_UNEXPLAINED = 0.3  # fraction of a frame's variance that the key before may not explain
MAX_HIDDEN = 0.02  # fraction of a frame that neither key shows, above which it becomes a key


class Shot(NamedTuple):
    """A frame at its place in the film.

    Attributes:
        number: its number, from 0.
        frame: the painter's input.
        before, after: the motions to the key before it and, for a frame between keys, to the key
            after it. A uniform frame has no key after it. The first key of a scene has neither,
            nor have keys if all frames are keys.
    """

    number: int
    frame: FrameInput
    before: Motion | None = None
    after: Motion | None = None


class _Key(NamedTuple):
    """A key that is planned or, at the beginning, painted.

    Attributes:
        number: its number, from 0.
        frame: the frame.
        track: finds the motions to it.
    """

    number: int
    frame: FrameInput | StylizedFrame
    track: Track


def _key(number: int, frame: FrameInput | StylizedFrame) -> _Key:
    return _Key(number, frame, Track(frame.photo))


class Segment(NamedTuple):
    """A key and the frames between it and the key before.

    Attributes:
        key: the key; None: uniform frames, which follow the key before them.
        between: the frames between, in order.
        begins: whether a scene begins with the key.
    """

    key: Shot | None
    between: Sequence[Shot] = ()
    begins: bool = False


def plan_keys(
    frames: Iterable[FrameInput],
    every: int,
    forced: Container[int] = (),
    before: StylizedFrame | None = None,
    first: int = 0,
) -> Iterator[Segment]:
    """Yield the segments of a film, or of a part of one.

    Every `every`-th frame of a scene and its last one are keys; so are frames in front of which too
    much is uncovered or the flow fails, and frames that show what neither key shows. A uniform
    frame, such as in the middle of a fade, is not a key, because it would keep no paint. Not more
    than `every` frames are held.

    Args:
        frames: in order, all of one size.
        every: maximum distance between two keys of a scene; 1: all frames are keys.
        forced: the numbers of further keys.
        before: the painted key in front of `frames`; None: a scene begins.
        first: the number of the first frame.
    """
    key = None if before is None else _key(first - 1, before)
    latest = None if before is None else before.photo
    waiting: list[Shot] = []
    for number, frame in enumerate(frames, first):
        shot = Shot(number, frame)
        if key is None or latest is None or is_cut(latest, frame.photo):
            yield from _closed(key, waiting)
            key, latest, waiting = _key(*shot[:2]), frame.photo, []
            yield Segment(shot, begins=True)
            continue
        if number not in forced and is_uniform(frame.photo):
            yield from _closed(key, waiting)
            key, waiting = _last(key, waiting), []
            yield Segment(None, [_after(key, shot)])
            continue
        latest = frame.photo
        if every == 1:
            key = _key(*shot[:2])
            yield Segment(shot)
            continue
        shot = _after(key, shot)
        if waiting and _shown(key, shot) < MIN_SHOWN:
            yield from _closed(key, waiting)
            key, waiting = _last(key, waiting), []
            shot = _after(key, shot)
        waiting.append(shot)
        if number - key.number >= every or number in forced or _shown(key, shot) < MIN_SHOWN:
            yield from _closed(key, waiting)
            key, waiting = _last(key, waiting), []
    yield from _closed(key, waiting)


def _last(key: _Key, waiting: Sequence[Shot]) -> _Key:
    """Return the last of the frames that follow a key, or that key if there is none."""
    return _key(*waiting[-1][:2]) if waiting else key


def _after(key: _Key, shot: Shot) -> Shot:
    """Return a frame with the motion to the key before it."""
    apart = shot.number - key.number
    return shot._replace(before=key.track.motion(shot.frame.photo, apart))


def _closed(key: _Key | None, waiting: Sequence[Shot]) -> Iterator[Segment]:
    """Yield the segments of frames that follow a key, of which the last becomes a key."""
    if key is None or not waiting:
        return
    *between, last = waiting
    track = Track(last.frame.photo)
    for place, shot in reversed([*enumerate(between)]):
        after = track.motion(shot.frame.photo, last.number - shot.number)
        between[place] = shot._replace(after=after)
    hidden = [_hidden(key, shot, last) for shot in between]
    if max(hidden, default=0.0) <= MAX_HIDDEN:
        yield Segment(last, between)
        return
    middle = int(np.argmax(hidden)) + 1
    yield from _closed(key, waiting[:middle])
    inserted = _last(key, waiting[:middle])
    yield from _closed(inserted, [_after(inserted, shot) for shot in waiting[middle:]])


def _shown(key: _Key, shot: Shot) -> float:
    """Return the fraction of what is to be painted in a frame that the key before it shows.

    It is 0 where the flow fails, which both directions of it may agree on.
    """
    assert shot.before
    warped = warp(key.frame.photo, shot.before.flow, sharp=False)
    if unexplained(without_noise(warped), without_noise(shot.frame.photo)) > MAX_UNEXPLAINED:
        return 0.0
    return 1 - _missing(shot.frame, _painted(shot.before, key.frame, shot.frame))


def _hidden(key: _Key, shot: Shot, last: Shot) -> float:
    """Return the fraction of what is to be painted in a frame that neither key shows."""
    assert shot.before
    assert shot.after
    seen = _painted(shot.before, key.frame, shot.frame)
    return _missing(shot.frame, seen | _painted(shot.after, last.frame, shot.frame))


def _painted(motion: Motion, key: FrameInput | StylizedFrame, frame: FrameInput) -> np.ndarray:
    """Return where a frame shows what a key shows painted, bool `[H, W]`."""
    return painted_before(motion, key.covered, frame.covered)


def _missing(frame: FrameInput, seen: np.ndarray) -> float:
    """Return the fraction of what is to be painted in a frame that is not seen."""
    wanted = np.ones_like(seen) if frame.covered is None else frame.covered > 0
    count = int(wanted.sum())
    return float((wanted & ~seen).sum() / count) if count else 0.0
