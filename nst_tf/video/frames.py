"""A film painted frame by frame, each from the one before."""

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from nst_tf.compute.budget import memory_budget
from nst_tf.compute.cache import StatisticsCache, cache_share
from nst_tf.compute.precision import feature_precision
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import RunInputs, prepare_inputs
from nst_tf.settings import Settings
from nst_tf.transfer.progress import DivergedError
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.state import RunState
from nst_tf.video.cuts import is_cut
from nst_tf.video.keep import KeptFrames
from nst_tf.video.reference import LAGS, Start, combined, moved, repainted
from nst_tf.video.shot import Painted, Shot

SHARE = 0.4  # of the finest scale's steps that a frame takes that starts from the one before
SETTLING = 2.0  # times those steps that the first frame of a scene takes on top
LEAST_KNOWN = 0.8  # of what masks show; where they uncover more, few steps would not suffice


def later_settings(settings: Settings, steps: int) -> Settings:
    """Return the settings of a frame that starts from the one before: a few steps at full size.

    The coarse scales are for strokes, which are there already. Ramps are at their end.
    """
    return dataclasses.replace(
        settings.at(settings.epochs - 1), epochs=1, steps_per_epoch=steps, scales=1
    )


class FramePainter:
    """Paints frames in the manner of the same paintings; it learns those once.

    Args:
        styles: the paintings, float32 `[1, h, w, 3]` in [0, 1].
        settings: of the first frame of each scene. Their `temporal_weight` is that of all others.
        steps: that each other frame takes; 0: 0.4 of the finest scale's, at least one.
        long_term: whether frames follow those 2 and 4 before, too, where the one before does not
            show what is there.
        budget: bytes that the process may take; None: what the settings say.

    Attributes:
        settings: of the first frame of each scene.
        settled: of what that frame takes on top, so that those after it do not go on changing.
        later: of all others.
        lags: how many frames back those that a frame follows are.
    """

    def __init__(
        self,
        styles: Sequence[np.ndarray],
        settings: Settings,
        steps: int = 0,
        long_term: bool = False,
        budget: int | None = None,
    ) -> None:
        self.settings = settings
        self.later = later_settings(settings, steps or max(1, round(SHARE * settings.finest_steps)))
        self.settled = later_settings(settings, max(1, round(SETTLING * settings.finest_steps)))
        self.lags = LAGS if long_term else LAGS[:1]
        self._styles = list(styles)
        budget = memory_budget(settings) if budget is None else budget
        self._memo = StatisticsCache(cache_share(budget))
        self._budget = budget - self._memo.limit

    @property
    def precision(self) -> str:
        """That of the features."""
        return feature_precision(self.settings.precision, self.settings.convolution)

    def paint(
        self, shot: Shot, past: Sequence[Painted] = (), stop: Callable[[], bool] = lambda: False
    ) -> Painted | None:
        """Return a painted frame; None if it was stopped before its last step.

        Args:
            shot: the frame.
            past: the painted frames before it, the latest first; empty: a scene begins.
            stop: asked after every step.

        Raises:
            ValueError: pictures, masks, settings and memory do not agree.
            MemoryError: memory ran out, even by the smallest blocks.
        """
        if shot.regions is None:
            nothing = np.zeros(shot.photo.shape[:2], np.float32)
            return Painted(shot.photo, shot.photo[None], shot.photo[None], nothing)
        fitted = prepare_inputs(shot.photo, self._styles, self.later, shot.regions)
        earlier = [past[lag - 1] for lag in self.lags if lag <= len(past)]
        if not earlier:
            return self._begin(shot, stop)
        start = combined([moved(shot.photo, frame, fitted.covered) for frame in earlier])
        wanted = np.ones_like(start.seen) if fitted.covered is None else fitted.covered > 0
        fresh = None
        masked = any(frame.covered is not None for frame in earlier)
        known = (start.seen & wanted).sum() / wanted.sum()
        if not known or (masked and known < LEAST_KNOWN):
            fresh = self._begin(shot, stop)
            if fresh is None or not known:
                return fresh
        return self._run(shot, _following(fitted, start, wanted, fresh), stop)

    def _begin(self, shot: Shot, stop: Callable[[], bool]) -> Painted | None:
        """Return a frame painted by the whole recipe; None if it was stopped."""
        regions = shot.regions or ()
        first = self._run(
            shot, prepare_inputs(shot.photo, self._styles, self.settings, regions), stop
        )
        if first is None:
            return None
        settled = prepare_inputs(shot.photo, self._styles, self.settled, regions)
        return self._run(shot, dataclasses.replace(settled, initial=first.image), stop)

    def _run(self, shot: Shot, fitted: RunInputs, stop: Callable[[], bool]) -> Painted | None:
        """Return the frame that a run paints; None if it was stopped before its last step."""
        transfer = StyleTransfer(fitted, self._budget, self._memo)
        state: RunState | None = None
        try:
            for progress in transfer.steps():
                state = progress.state
                if stop() and transfer.ending(state) is None:
                    return None
        except DivergedError as error:
            warnings.warn(f"a frame keeps its best picture: {error}")
            return Painted(shot.photo, _best(fitted, state), error.image, fitted.covered)
        assert state  # each run takes a step
        return Painted(
            shot.photo, state.output_image.numpy(), transfer.result(state), fitted.covered
        )


def _following(
    fitted: RunInputs, start: Start, wanted: np.ndarray, fresh: Painted | None
) -> RunInputs:
    """Return what a frame that follows others is made from.

    Args:
        fitted: the frame and the paintings.
        start: the earlier frames, moved.
        wanted: where the frame is to be painted, bool `[H, W]`.
        fresh: the frame without those before it, for what they do not show; None: the film's own,
            in colours of paint.
    """
    image, photo = start.reference.image, fitted.colors.content
    if not start.seen.all():
        paint = repainted(photo[0], image[0], start.seen)[None] if fresh is None else fresh.image
        image = np.where(start.seen[..., None], image, np.where(wanted[..., None], paint, photo))
    return dataclasses.replace(fitted, initial=image, reference=start.reference)


def _best(fitted: RunInputs, state: RunState | None) -> np.ndarray:
    """Return the image that a run falls back on when it goes astray, in the run's colours.

    Args:
        fitted: what the run was made from.
        state: after its last sound step; None: it took none.
    """
    if state is None:
        return fitted.colors.content if fitted.initial is None else fitted.initial
    best = state.output_image if state.watch.image is None else state.watch.image
    return resize(best.numpy(), fitted.size)


def paint_frames(
    painter: FramePainter,
    shots: Iterable[Shot],
    past: Sequence[Painted] = (),
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Painted, ...]]:
    """Paint the frames of a film, or of a part of one; a cut starts the style again.

    Parts that begin at a cut do not depend on each other: see `cuts.scenes`.

    Args:
        painter: paints them.
        shots: the frames, in order, all of one size.
        past: what was yielded for the frame just before them, to go on from.
        stop: asked before every frame and after every step; once it returns True, no more come.

    Yields:
        After each frame, this frame and those before it that the next one needs.
    """
    past = tuple(past)
    for shot in shots:
        if stop():
            return
        if past and is_cut(past[0].photo, shot.photo):
            past = ()
        painted = painter.paint(shot, past, stop)
        if painted is None:
            return
        past = (painted, *past)[: max(painter.lags)]
        yield past


def keep_frames(
    painter: FramePainter,
    shots: Iterable[tuple[int, Shot]],
    kept: KeptFrames,
    identity: dict[str, Any],
    stop: Callable[[], bool],
) -> Iterator[None]:
    """Paint the frames that are not kept yet, and yield after each, when it is on the disk.

    Args:
        painter: paints them.
        shots: when each of them is shown, in the film's units, and the frame.
        kept: those before them.
        identity: what must be the same for the frames to be of use.
        stop: as for `paint_frames`.

    Raises:
        OSError: a frame cannot be read or written.
        ValueError: pictures, masks, settings and memory do not agree.
        MemoryError: memory ran out, even by the smallest blocks.
    """
    shown, alpha = 0, None

    def timed() -> Iterator[Shot]:
        nonlocal shown, alpha
        for time, shot in shots:
            shown, alpha = time, shot.alpha
            yield shot

    for past in paint_frames(painter, timed(), kept.past, stop):
        kept.add(shown, past, identity, alpha)
        yield
