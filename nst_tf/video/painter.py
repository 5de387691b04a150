"""Painting of one frame of a film: by the network, or from the keys before and after it."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from nst_tf.compute.budget import memory_budget
from nst_tf.compute.cache import StatisticsCache, cache_share
from nst_tf.compute.precision import feature_precision
from nst_tf.images.color import luminance
from nst_tf.images.masks import compose
from nst_tf.images.resize import resize
from nst_tf.inputs.prepare import RunInputs, prepare_inputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.inputs.reference import Reference
from nst_tf.settings import Settings
from nst_tf.transfer.progress import DivergedError, NoSteps, Progress
from nst_tf.transfer.run import StyleTransfer
from nst_tf.transfer.state import RunState
from nst_tf.video.carry import Held, carry_paint
from nst_tf.video.faces import follow_faces
from nst_tf.video.flow import Motion
from nst_tf.video.frame import FrameInput, StylizedFrame
from nst_tf.video.reference import LAGS, WarpedFrame, combine, transfer_local_colors, warp_frame

FOLLOW_UP_SHARE = 0.4  # steps of a follow-up frame, relative to those of the finest scale
SETTLING_SHARE = 2.0  # extra steps of a scene's first frame, relative to the same
FADE = 1 / 64  # width of the band in which kept paint fades towards new, of the long side
SEAM = 1.0  # standard deviation of the blur between kept and new brushstrokes, pixels
MIN_KNOWN = 0.8  # fraction of a mask known from earlier frames, below which few steps do not do
NEW_PARTS_SHARE = 2.0  # steps of a frame with many new parts, relative to another follow-up frame
MAX_NEW = 0.02  # fraction of a frame that earlier frames do not show, for which few steps do


def follow_up_settings(settings: Settings, steps: int) -> Settings:
    """Return the settings of a frame that starts from an earlier one: `steps` at full size.

    Coarse scales lay out strokes, which the earlier frame already has. Ramps are at their end.
    """
    return dataclasses.replace(
        settings.at(settings.epochs - 1), epochs=1, steps_per_epoch=steps, scales=1
    )


def layout_settings(settings: Settings, coarse: Sequence[Scale]) -> Settings:
    """Return the settings that lay out new parts of a frame at the coarse scales of a recipe.

    Brushstrokes enlarge the picture of the last of these scales. They have the texture of the paint
    and the photo's detail from the first step at full size, so few steps suffice there.
    """
    *_, last = coarse
    return dataclasses.replace(
        follow_up_settings(settings, last.steps),
        scales=len(coarse), repaint=True, network_dim=max(last.size),
    )  # fmt: skip


class FramePainter:
    """Painter of frames in the style of the same paintings, whose statistics it caches.

    Args:
        styles: the paintings, float32 `[1, h, w, 3]` in [0, 1].
        settings: settings of the first frame of each scene. Follow-up frames use their
            `temporal_weight`.
        steps: steps of a follow-up frame; 0: 0.4 of the finest scale's steps, but at least 1.
        long_term: whether a frame also follows the frames 2 and 4 before it, where the frame
            before it does not show what is there.
        budget: memory of the process in bytes; None: as the settings say.

    Attributes:
        settings: settings of the first frame of each scene.
        settling: settings of that frame's extra steps, after which the next frames keep its paint;
            with brushstrokes, which they keep anyway, there are none.
        follow_up: settings of all other frames.
        renewing: of those among them that have many new parts.
        lags: distances, in frames, of the earlier frames that a frame follows.
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
        finest = settings.finest_steps
        steps = steps or max(1, round(FOLLOW_UP_SHARE * finest))
        self.follow_up = follow_up_settings(settings, steps)
        self.renewing = follow_up_settings(settings, round(NEW_PARTS_SHARE * steps))
        self.settling = follow_up_settings(settings, max(1, round(SETTLING_SHARE * finest)))
        self.lags = LAGS if long_term else LAGS[:1]
        self._styles = list(styles)
        budget = memory_budget(settings) if budget is None else budget
        self._cache = StatisticsCache(cache_share(budget))
        self._budget = budget - self._cache.limit

    @property
    def precision(self) -> str:
        """The precision of the features."""
        return feature_precision(self.settings.precision, self.settings.convolution)

    def paint(
        self,
        frame: FrameInput,
        past: Sequence[StylizedFrame] = (),
        stop: Callable[[], bool] = lambda: False,
        apart: int = 1,
        motion: Motion | None = None,
    ) -> StylizedFrame | None:
        """Return the painted frame; None if it was stopped before its last step.

        Args:
            frame: the frame.
            past: the painted frames before it, latest first; empty: a scene begins.
            stop: returns whether to stop; it is called after every step.
            apart: distance from the latest painted frame, frames.
            motion: the motion to that frame; None: it is estimated.

        Raises:
            ValueError: pictures, masks, settings and memory do not agree.
            MemoryError: memory ran out, even with the smallest tiles.
        """
        photo, frame = frame.photo, _with_faces(frame, past, apart)
        if frame.regions is None:
            return _unpainted(frame)
        inputs = self._inputs(frame, self.follow_up)
        earlier = [past[lag - 1] for lag in self.lags if lag <= len(past)]
        if not earlier:
            return self._begin(frame, stop)
        motions = [motion, None, None]  # of the frames farther back, none is known
        start = combine(
            [
                warp_frame(photo, one, inputs.covered, known)
                for one, known in zip(earlier, motions, strict=False)
            ]
        )
        wanted = np.ones_like(start.seen) if inputs.covered is None else inputs.covered > 0
        start = _soft_towards_new(start, wanted)
        fresh = None
        masked = any(one.covered is not None for one in earlier)
        known = (start.seen & wanted).sum() / wanted.sum()
        if not known or (masked and known < MIN_KNOWN):
            fresh = self._begin(frame, stop)
            if fresh is None or not known:
                return fresh
        elif known < 1 - MAX_NEW and (coarse := self._coarse_scales(frame)):
            fresh = self._lay_out(frame, coarse, _start_from(inputs, start, wanted, None), stop)
            if fresh is None:
                return None
            inputs = self._inputs(frame, self.renewing)
        painted = self._run(frame, _start_from(inputs, start, wanted, fresh), stop)
        if painted is None or not self.settings.repaints:
            return painted
        image = _keep_strokes(start, painted.image)
        return painted._replace(image=image, result=inputs.finish(image))

    def take(
        self,
        frame: FrameInput,
        picture: np.ndarray,
        past: Sequence[StylizedFrame] = (),
        apart: int = 1,
    ) -> StylizedFrame:
        """Return a frame that the user painted, float32 `[1, H, W, 3]` in [0, 1], as it is.

        Other arguments are those of `paint`.
        """
        frame, image = _with_faces(frame, past, apart), picture
        if self.settings.preserve_color == "luminance":
            image = np.repeat(luminance(picture), 3, axis=-1)
        return StylizedFrame(frame.photo, image, picture, frame.covered, frame.faces)

    def carry(self, frame: FrameInput, keys: Sequence[Held]) -> StylizedFrame:
        """Return a frame in the paint of keys, without a step of the network."""
        if frame.regions is None:
            return _unpainted(frame)
        inputs = self._inputs(frame, self.follow_up)
        image = carry_paint(frame.photo, inputs.colors.content, inputs.covered, keys)
        return StylizedFrame(frame.photo, image, inputs.finish(image), inputs.covered)

    def _begin(self, frame: FrameInput, stop: Callable[[], bool]) -> StylizedFrame | None:
        """Return a frame painted with the whole recipe; None if it was stopped."""
        first = self._run(frame, self._inputs(frame, self.settings), stop)
        if first is None or self.settings.repaints:
            return first
        inputs = self._inputs(frame, self.settling)
        return self._run(frame, dataclasses.replace(inputs, initial=first.image), stop)

    def _coarse_scales(self, frame: FrameInput) -> Sequence[Scale]:
        """Return the coarse scales of the recipe for a frame; none without a style."""
        if not (self.settings.style_weight and self.settings.strength):
            return ()
        return self._inputs(frame, self.settings).scales[:-1]

    def _lay_out(
        self,
        frame: FrameInput,
        coarse: Sequence[Scale],
        start: RunInputs,
        stop: Callable[[], bool],
    ) -> StylizedFrame | None:
        """Return a frame painted at coarse scales, for its new parts; None if it was stopped.

        `start` has the image and the reference that it starts from, at full size.
        """
        inputs = self._inputs(frame, layout_settings(self.settings, coarse))
        inputs = dataclasses.replace(inputs, initial=start.initial, reference=start.reference)
        return self._run(frame, inputs, stop)

    def _inputs(self, frame: FrameInput, settings: Settings) -> RunInputs:
        """Return the inputs of a run that paints a frame, without those of earlier frames."""
        regions, faces = frame.regions or (), frame.faces
        return prepare_inputs(frame.photo, self._styles, settings, regions, faces=faces)

    def _run(
        self, frame: FrameInput, inputs: RunInputs, stop: Callable[[], bool]
    ) -> StylizedFrame | None:
        """Return the frame that a run paints; None if it was stopped before its last step."""
        transfer = StyleTransfer(inputs, self._budget, self._cache)
        progress: Progress | None = None
        try:
            for progress in transfer.steps():
                if stop() and transfer.ending(progress) is None:
                    return None
        except DivergedError as error:
            warnings.warn(f"a frame keeps its best picture: {error}")
            state = progress.state if progress else None
            assert not isinstance(state, NoSteps)
            best = _best_image(inputs, state)
            return StylizedFrame(frame.photo, best, error.image, inputs.covered, frame.faces)
        assert progress  # each run takes a step
        result = transfer.result(progress)
        return StylizedFrame(frame.photo, progress.output(), result, inputs.covered, frame.faces)


def _with_faces(frame: FrameInput, past: Sequence[StylizedFrame], apart: int) -> FrameInput:
    """Return a frame with the faces to keep: those found in it, and those of the frame before."""
    frame = frame.with_faces()
    return follow_faces(frame, past[0], apart) if past else frame


def _unpainted(frame: FrameInput) -> StylizedFrame:
    """Return a frame in which nothing is painted."""
    photo = frame.photo
    return StylizedFrame(photo, photo[None], photo[None], frame.covered, frame.faces)


def _soft_towards_new(start: WarpedFrame, wanted: np.ndarray) -> WarpedFrame:
    """Return earlier frames, warped to a new one, that fade towards parts that they do not show.

    Only parts where paint is `wanted`, bool `[H, W]`, count.
    Beside a new part, the paint may change. Otherwise, old and new strokes would meet in a line,
    such as the former border of a frame that moves.
    """
    image, confidence = start.reference
    band = max(1, round(FADE * max(confidence.shape)))
    square = np.ones([2 * (band // 2) + 1] * 2, np.uint8)
    new = cv2.morphologyEx(np.uint8(wanted & ~start.seen), cv2.MORPH_OPEN, square)
    if not new.any():
        return start
    share = np.minimum(1, cv2.distanceTransform(1 - new, cv2.DIST_L2, 5) / band)
    return start._replace(reference=Reference(image, confidence * share), share=share)


def _start_from(
    inputs: RunInputs, start: WarpedFrame, wanted: np.ndarray, fresh: StylizedFrame | None
) -> RunInputs:
    """Return the inputs of a run that starts from earlier frames, warped to this one.

    What they do not show, where paint is `wanted`, starts from `fresh`, the frame painted without
    them, or from the film's own frame in colours of the surrounding paint.
    """
    image, photo = start.reference.image, inputs.colors.content
    if not start.seen.all():
        if fresh is None:
            paint = transfer_local_colors(photo[0], image[0], start.seen)[None]
        else:
            paint = fresh.image
        old = start.seen if start.share is None else start.seen * start.share
        image = compose(image, np.where(wanted[..., None], paint, photo), old[None, ..., None])
    return dataclasses.replace(inputs, initial=image, reference=start.reference)


def _keep_strokes(start: WarpedFrame, image: np.ndarray) -> np.ndarray:
    """Return a repainted image with the brushstrokes of earlier frames where these show them.

    A second stage that repaints a frame finds other patches than it did in the frame before.
    """
    kept = cv2.GaussianBlur(start.reference.confidence, (0, 0), SEAM) * start.seen
    return compose(start.reference.image, image, kept[None, ..., None])


def _best_image(inputs: RunInputs, state: RunState | None) -> np.ndarray:
    """Return the image that a diverged run falls back on, in the run's colours.

    `state` is the state after its last sound step, or None if there was none.
    """
    if state is None:
        return inputs.colors.content if inputs.initial is None else inputs.initial
    best = state.output_image if state.watch.image is None else state.watch.image
    return resize(best.numpy(), inputs.size)
