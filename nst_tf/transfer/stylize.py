"""Neural style transfer: from pictures to the picture, step by step.

The method is that of Gatys, Ecker and Bethge (arXiv 1508.06576) as the TensorFlow tutorial runs it.
"""

import dataclasses
import functools
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Unpack

import numpy as np
import tensorflow as tf

from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.evaluate import release
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan, plan_memory
from nst_tf.compute.precision import warn_if_emulated
from nst_tf.images.masks import Region, count_masks
from nst_tf.images.sources import Source
from nst_tf.inputs.pictures import Pictures
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.inputs.sources import ImageSources
from nst_tf.inputs.start import start_image, upsample_start
from nst_tf.keywords import AllOverrides
from nst_tf.losses.objective import overflow_message
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Targets
from nst_tf.losses.values import Losses
from nst_tf.network.weights import load_weights
from nst_tf.optimizers.adam import AdamState, adam_resample, adam_start
from nst_tf.optimizers.lbfgs import LBFGSState, lbfgs_start
from nst_tf.recipes import resolve_settings
from nst_tf.settings import Settings
from nst_tf.transfer.checkpoint import differences, run_identity
from nst_tf.transfer.divergence import complaint, is_blank
from nst_tf.transfer.progress import (
    Callback,
    DivergedError,
    NonFiniteLossError,
    Progress,
    StopReason,
    any_ends,
    guarded,
)
from nst_tf.transfer.scales import load_model, scale_targets, tf32_mode
from nst_tf.transfer.state import Identity, RunState, SavedRun
from nst_tf.transfer.step import Stepper
from nst_tf.transfer.stopping import epoch_of, has_plateaued, push_loss
from nst_tf.utils.errors import UserError
from nst_tf.utils.forks import check_fork


def stylize(
    content: Source,
    styles: Source | Sequence[Source],
    settings: Settings | str | None = None,
    *,
    initial: Source | None = None,
    regions: Sequence[Region] = (),
    keep: Source | None = None,
    callbacks: Iterable[Callback] = (),
    cancel: threading.Event | None = None,
    state: SavedRun | None = None,
    **overrides: Unpack[AllOverrides],
) -> np.ndarray:
    """Paint the content image in the manner of the style images.

    A picture is the path of a file, its bytes, the file opened in binary mode, a PIL image, or an
    array: floats in [0, 1], `[1, H, W, 3]` or `[H, W, 3]` in sRGB, or uint8 or uint16, `[H, W]` or
    `[H, W, C]`. Transparent parts of the content are not painted, those of styles not imitated.

    Calls of one size, network and objective share one compiled step; `Stylizer` shares more.

    Args:
        content: the photo, limited to `settings.max_dim` on its long side.
        styles: a painting or a sequence of them, of any sizes.
        settings: a `Settings` or the name of a recipe; by default the recipe `tutorial`.
        initial: where to start, a picture that is resized to the content's size at the coarsest
            scale; by default what `settings.init` says.
        regions: which parts of the content are painted like which parts of which styles, from
            `pair_masks`; what is in none stays as it is. By default all of the content is painted
            like all of all styles.
        keep: where the photo's features are kept, such as its faces: floats `[H, W]` in [0, 1], 1
            where they are, or any picture of such a mask; of any size.
        callbacks: each is called with every step's `Progress`, in order; the run ends after a step
            for which one of them returns a true value.
        cancel: ends the run when it is set, after the step that it is in; before the first, the
            result is the content.
        state: a run that was left, from `load_checkpoint`, to go on from: with the same pictures
            and settings it ends with the same picture, bit for bit.
        **overrides: fields of `Settings` that differ from `settings`, such as `strength=0.7`.

    Returns:
        float32 `[1, h, w, 3]` in [0, 1], with h and w of the content as it was limited.

    Raises:
        ValueError: a picture is not valid or too small, settings and pictures do not agree, there
            is no such recipe, the run would take more memory than it may, or `state` is of another
            run.
        TypeError: something is no picture, or an override is no field of `Settings`.
        OSError: a picture or the weights cannot be read.
        MemoryError: memory ran out even by the smallest blocks; by larger ones the run goes on, and
            warns.
        DivergedError: the run went astray, even by gentler steps; the error holds the best picture.
        NonFiniteLossError: the objective overflowed, even by gentler steps or at once; the error
            holds the best picture or the last finite one.
        CallbackError: a callback raised an error; this one holds the picture of its step.
    """
    given = ImageSources(
        content, styles, resolve_settings(settings, overrides), regions, initial, keep
    )
    transfer = StyleTransfer(given.at(given.size).fitted)
    guards = [guarded(callback, transfer.result) for callback in callbacks]
    return transfer.finish(guards, transfer.restore(state) if state else None, cancel)


class StyleTransfer:
    """A style transfer that is ready to go.

    Args:
        fitted: pictures, masks and settings, from `prepare_inputs`.
        budget: bytes that the process may take; None: what the settings say.
        memo: remembers what the network finds in the paintings; None: nothing is remembered.

    Attributes:
        fitted: what it is given.
        terms: of the objective.
        plans: how to run each scale, as planned.
        network: from `model.feature_model`.

    Raises:
        ValueError: the run would take more memory than it may.
        OSError: the weights cannot be read.
    """

    def __init__(
        self, fitted: RunInputs, budget: int | None = None, memo: StatisticsCache | None = None
    ) -> None:
        check_fork()
        self.fitted = fitted
        self.settings = fitted.settings
        warn_if_emulated(self.settings.precision)
        self.terms = make_terms(self.settings)
        self.plans = plan_memory(
            self.settings, fitted.scales, fitted.style_sizes, count_masks(fitted.regions), budget
        )
        self._memo = memo
        self.network = load_model(self.settings, self.plans[-1].precision)

    @functools.cached_property
    def identity(self) -> Identity:
        """What must be the same for another run to go on from a state of this one."""
        weights = load_weights(self.settings.weights)
        return run_identity(self.fitted, weights, self.plans[-1].precision)

    def restore(self, saved: SavedRun, anyway: bool = False) -> RunState:
        """Return the state to go on from, and from now on plan as the run that was saved did.

        Args:
            saved: from `load_checkpoint` or `Progress.saved`.
            anyway: go on even if pictures, settings or machine are others.

        Raises:
            ValueError: the saved run is another one; the text names what they do not share.
        """
        state, scales = saved.state, self.fitted.scales
        other = [] if anyway else differences(self.identity, saved.identity)
        if other:
            more = f" and {len(other) - 3} more" if len(other) > 3 else ""
            raise UserError(f"the saved run is another one: {'; '.join(other[:3])}{more}")
        sizes = [scale.size for scale in scales[state.scale - 1 : state.scale]]
        if len(saved.plans) != len(scales) or sizes != [tuple(state.image.shape[1:3])]:
            raise UserError("the saved run works at other sizes")
        self.plans = [
            plan._replace(precision=ours.precision)
            for plan, ours in zip(saved.plans, self.plans, strict=True)
        ]
        return state

    def finish(
        self,
        callbacks: Iterable[Callback] = (),
        state: RunState | None = None,
        cancel: threading.Event | None = None,
    ) -> np.ndarray:
        """Take all steps and return the picture; errors as for `stylize`.

        But what a callback raises passes as it is: programs keep the picture themselves.

        Args:
            callbacks, cancel: as for `stylize`.
            state: of the same run, to go on from; None: from the start.
        """
        callbacks = tuple(callbacks)
        for progress in self.steps(state, cancel):
            state = progress.state
            if any_ends(callbacks, progress):
                break
        return self.result(state) if state else self.fitted.content

    def result(self, state: RunState) -> np.ndarray:
        """Return the picture that a run ends with if it ends with a state."""
        return self.fitted.result(state.shown.numpy())

    def steps(
        self, state: RunState | None = None, cancel: threading.Event | None = None
    ) -> Iterator[Progress]:
        """Take the steps one by one, from the start or from a state of the same run.

        Each `Progress` holds the state after its step. The run may be left after any of them, and
        the next step may be taken by another thread. It ends as soon as `cancel` is set, but not
        within a step.
        """
        cancel = cancel or threading.Event()
        began = time.perf_counter() - (state.seconds if state else 0.0)
        for scale, plan in zip(self.fitted.scales, self.plans, strict=True):
            if cancel.is_set():
                return
            if state and state.scale > scale.number:
                continue
            pictures = Pictures.at(self.fitted, scale)
            if state is None or state.scale < scale.number:
                state = self._enter(scale, plan, pictures, state)
            if self._ending(scale, state):
                continue
            state, stepper = self._ready(pictures, state)
            del pictures  # which the steps have no use for
            while not (cancel.is_set() or self._ending(scale, state)):
                state, losses = self._step(stepper, scale, state, began)
                yield self.progress(state, losses)

    def prepare(self) -> None:
        """Let the memo learn the paintings, without a step."""
        for scale, plan in zip(self.fitted.scales, self.plans, strict=True):
            with tf32_mode(self.settings):
                self._targets(Pictures.at(self.fitted, scale), None, plan)

    def warm_up(self) -> None:
        """Take a step at each scale, so that all that the run compiles is compiled."""
        state = None
        for scale in self.fitted.scales:
            progress = next(iter(self.steps(state)))
            state = dataclasses.replace(progress.state, scale_step=scale.steps)

    def _enter(
        self, scale: Scale, plan: Plan, pictures: Pictures, before: RunState | None
    ) -> RunState:
        """Return the state with which a scale starts."""
        settings = self.settings
        shape = pictures.photo.shape
        if plan.block_size:
            release()  # the graphs of coarser scales: memory is short
        if before is None:
            start = start_image(pictures.photo, pictures.paintings, settings, self.fitted.initial)
            optimizer = adam_start(shape) if settings.optimizer == "adam" else lbfgs_start()
            image = tf.constant(start)
            return RunState(scale.number, 0, 0, 0, image, image, optimizer, None, (), 0, 0.0, plan)
        # A texture or a reconstruction has no photo to give away.
        strength = settings.strength if settings.content_weight and settings.style_weight else 1.0
        coarse = Pictures.at(self.fitted, self.fitted.scales[before.scale - 1]).photo
        image = tf.constant(upsample_start(before.shown.numpy(), coarse, pictures.photo, strength))
        optimizer = lbfgs_start()
        if isinstance(before.optimizer, AdamState):
            # A relative loss is a mean: a pixel's gradient falls as their number grows. In an
            # absolute one the sum of the total variation rules, which does not.
            ratio = (before.image.shape[1] * before.image.shape[2]) / (shape[1] * shape[2])
            factor = ratio if settings.loss == "relative" else 1.0
            optimizer = adam_resample(before.optimizer, shape, factor)
        return dataclasses.replace(
            before,
            scale=scale.number,
            scale_step=0,
            image=image,
            start=image,
            optimizer=optimizer,
            average=None,
            window=(),
            plan=plan.at_most(before.smallest),
            watch=before.watch.reset(),
        )

    def _ready(self, pictures: Pictures, state: RunState) -> tuple[RunState, Stepper]:
        """Return a state with the plan that sufficed for the targets, and what takes the steps."""
        with tf32_mode(self.settings):
            # A film's frame starts from a painted one, as a finer scale does.
            painted = state.scale > 1 or self.fitted.reference is not None
            start = state.start.numpy() if painted else None
            targets, plan = self._targets(pictures, start, state.plan)
        stepper = Stepper(self.network, self.terms, targets, self.settings)
        return state.fallen_back(plan), stepper

    def _targets(
        self, pictures: Pictures, start: np.ndarray | None, plan: Plan
    ) -> tuple[Targets, Plan]:
        def make(plan: Plan) -> Targets:
            return scale_targets(
                self.network,
                self.terms,
                self.fitted,
                pictures,
                plan.block_size,
                start,
                self._memo,
                self.plans[-1].precision,
            )

        return with_less_memory(make, plan)

    def _step(
        self, stepper: Stepper, scale: Scale, state: RunState, began: float
    ) -> tuple[RunState, Mapping[str, float]]:
        """Return the state after a step, and the losses before it."""
        spent = time.perf_counter() - began
        epoch = epoch_of(self.settings, scale, self.fitted.steps, state.scale_step, spent)
        try:
            with tf32_mode(self.settings):
                after, losses = stepper.step(state, epoch)
        except FloatingPointError as error:
            problem = overflow_message(state.step + 1, error.args[0])
            back = self._gone_back(state, problem, NonFiniteLossError)
            return self._step(stepper, scale, back, began)
        image, total = state.image, losses["total"]
        if isinstance(after.optimizer, LBFGSState) and after.optimizer.here:
            # Its loss is known already, and it is kept anyway: the one before would take memory.
            image, total = after.image, after.optimizer.here.losses["total"]
        blank = is_blank(image) and not self._blank_photo
        after = dataclasses.replace(
            after,
            window=push_loss(after.window, losses["total"]),
            seconds=time.perf_counter() - began,
            watch=after.watch.seen(image, total, blank),
        )
        if after.watch.lost:
            adam = self.settings.optimizer == "adam"
            problem = complaint(after.step, losses, blank, adam)
            after = self._gone_back(after, problem, DivergedError)
        return after, losses

    def _gone_back(self, state: RunState, problem: str, error: type[DivergedError]) -> RunState:
        """Return the state at the best image, with gentler steps ahead.

        Raises:
            DivergedError: of the kind `error`, if there is no such image or gentler steps have led
                astray too; it says what the problem is.
        """
        best = state.watch.image
        if best is None or state.watch.reduced_rate:
            image = self.result(state) if best is None else self.fitted.result(best.numpy())
            raise error(problem, image) from None
        what, _, _ = problem.partition(": ")
        warnings.warn(f"{what}: going on from the best image with gentler steps")
        return state.rolled_back()

    @functools.cached_property
    def _blank_photo(self) -> bool:
        return is_blank(self.fitted.content)

    def ending(self, state: RunState) -> StopReason | None:
        """Return why a run has ended with a state; None: it has steps to take."""
        last = self.fitted.scales[-1]
        return self._ending(last, state) if state.scale == last.number else None

    def _ending(self, scale: Scale, state: RunState) -> StopReason | None:
        """Return why the scale of the state takes no further step; it takes at least one."""
        settings = self.settings
        if not state.scale_step:
            return None
        if state.scale_step >= scale.steps:
            return "finished"
        if 0 < settings.time_limit * scale.deadline <= state.seconds:
            return "time limit"
        # Nothing can change the photo: a step at each scale is enough for the callbacks.
        if not settings.strength and settings.init == "content" and self.fitted.initial is None:
            return "no gain"
        over = has_plateaued(state.window, settings.min_gain) or state.stationary
        last = epoch_of(settings, scale, self.fitted.steps, scale.steps - 1, 0.0)
        ramps_on = state.epoch < last and settings.at(state.epoch) != settings.at(last)
        return "no gain" if over and not ramps_on else None

    def progress(self, state: RunState, losses: Mapping[str, float]) -> Progress:
        """Return what callbacks are told of a state.

        Args:
            state: after a step.
            losses: before it.
        """
        scales = self.fitted.scales
        scale = scales[state.scale - 1]
        work = [s.steps * s.ratio**2 * p.cost for s, p in zip(scales, self.plans, strict=True)]
        unit = scale.ratio**2 * state.plan.cost
        return Progress(
            step=state.step,
            steps=state.step + scale.steps - state.scale_step + scale.steps_after,
            scale=scale,
            scales=len(scales),
            scale_step=state.scale_step,
            remaining=scale.steps - state.scale_step + sum(work[scale.number :]) / unit,
            losses=losses if isinstance(losses, Losses) else Losses(losses),
            evaluations=state.evaluations,
            seconds=state.seconds,
            image=lambda: self.fitted.finish(state.shown.numpy()),
            state=state,
            saved=lambda: SavedRun(state, tuple(self.plans), self.identity),
        )
