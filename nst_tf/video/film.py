"""Painting of a film: keys one after another, and after each key the frames in front of it."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from nst_tf.inputs.identity import Identity
from nst_tf.video.carry import Held
from nst_tf.video.cuts import is_uniform
from nst_tf.video.frame import NOT_BEGUN, Begun, FrameInput, PaintedFrame, StylizedFrame
from nst_tf.video.keyframes import DEFAULT_PLAN, KEY_EVERY, NO_KEYFRAMES, KeyPlan
from nst_tf.video.keys import Shot, plan_keys
from nst_tf.video.painter import FramePainter
from nst_tf.video.store import FrameStore


def paint_film(
    painter: FramePainter,
    frames: Iterable[FrameInput],
    key_every: int = KEY_EVERY,
    own: Mapping[int, np.ndarray] = NO_KEYFRAMES,
    begun: Begun = NOT_BEGUN,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[PaintedFrame]:
    """Paint a film, or the rest of one; a cut starts the style again.

    Parts that begin at a cut are independent of each other: see `cuts.scenes`.

    Args:
        painter: paints the frames.
        frames: the frames from number `begun.first` on, in order, all of one size.
        key_every: maximum distance of keys, frames; 1: the network paints all frames.
        own: the user's keyframes by their numbers, float32 `[1, H, W, 3]` in [0, 1].
        begun: the part that is painted already.
        stop: returns whether to stop; it is called before every frame and after every step.

    Yields:
        the painted frames; each key precedes the frames between it and the key before.
    """
    keys, latest = begun.keys, begun.first - 1
    kept = max(painter.lags) if key_every == 1 else max(2, *painter.lags)
    before = keys[0] if keys else None
    awaited = itertools.takewhile(lambda _: not stop(), frames)
    for segment in plan_keys(awaited, key_every, own, before, begun.first):
        if stop():
            return
        earlier, distance = keys, 0
        if segment.key is not None:
            number = segment.key.number
            distance = number - latest
            if begun.ahead and begun.ahead[0] == number:
                keys = begun.ahead[1]
            else:
                known = () if segment.begins else keys
                key = _painted_key(painter, segment.key, own, known, stop, distance)
                if key is None:
                    return
                keys = (key, *known)[:kept]
                yield PaintedFrame(number, key, segment.key.frame.alpha, keys)
        for shot in segment.between:
            if stop():
                return
            held = _held(shot, earlier[0], keys[0], latest, distance)
            yield PaintedFrame(shot.number, painter.carry(shot.frame, held), shot.frame.alpha)
        latest += distance


def _painted_key(
    painter: FramePainter,
    shot: Shot,
    own: Mapping[int, np.ndarray],
    keys: Sequence[StylizedFrame],
    stop: Callable[[], bool],
    apart: int,
) -> StylizedFrame | None:
    """Return a key as the user or else the network paints it; None if it was stopped."""
    if shot.number in own:
        return painter.take(shot.frame, own[shot.number], keys, apart)
    return painter.paint(shot.frame, keys, stop, apart, shot.before)


def _held(
    shot: Shot, before: StylizedFrame, after: StylizedFrame, number: int, distance: int
) -> list[Held]:
    """Return the keys that a frame between follows.

    Args:
        shot: the frame.
        before, after: the keys around it.
        number: number of the key before.
        distance: from it to the key after; 0: there is none.
    """
    assert shot.before
    if shot.after is None:
        return [Held(before, shot.before, 1.0)]
    share = (shot.number - number) / distance
    return [Held(before, shot.before, 1 - share), Held(after, shot.after, share)]


def paint_frames(
    painter: FramePainter,
    frames: Iterable[FrameInput],
    past: Sequence[StylizedFrame] = (),
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[StylizedFrame, ...]]:
    """Paint the frames of a film, or of a part of one, by the network, one after another.

    Args:
        painter, frames, stop: as for `paint_film`.
        past: what was yielded for the frame just before `frames`, to continue from.

    Yields:
        After each frame, this frame and the earlier frames that the next one needs.
    """
    keys = tuple(past)
    if len(keys) > 1 and is_uniform(keys[0].photo):
        keys = keys[1:]
    for painted in paint_film(painter, frames, 1, begun=Begun(keys), stop=stop):
        keys = painted.keys or keys
        yield painted.keys or (painted.frame, *keys)


def store_frames(
    painter: FramePainter,
    frames: Iterable[tuple[int, FrameInput]],
    store: FrameStore,
    identity: Identity,
    stop: Callable[[], bool],
    plan: KeyPlan = DEFAULT_PLAN,
) -> Iterator[None]:
    """Paint frames after those of a store, add them to it, and yield after each.

    Args:
        painter, stop: as for `paint_film`.
        frames: from the frame `store.begun.first` on, the time of each in the film's units, and the
            frame.
        store, identity, plan: as for `FrameStore.keep`, whose errors and those of `paint` are
            raised.
    """
    begun, ended = store.begun, False
    times = store.times[: begun.first]

    def untimed() -> Iterator[FrameInput]:
        nonlocal ended
        for time, frame in frames:
            times.append(time)
            yield frame
        ended = True

    for painted in paint_film(painter, untimed(), plan.every, plan.own, begun, stop):
        store.add(painted, times)
        if painted.keys:
            store.keep(painted, times, identity, plan, ended)
        yield
