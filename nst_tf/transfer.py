"""Neural style transfer: from pictures to the picture, step by step.

The method is that of Gatys, Ecker and Bethge (arXiv 1508.06576) as the TensorFlow tutorial runs it.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from nst_tf.fitting import Fitted, fit
from nst_tf.images.masks import Region, count_masks
from nst_tf.losses.objective import overflow_message
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Targets
from nst_tf.memory.fallback import with_less_memory
from nst_tf.memory.plan import Plan, plan_memory
from nst_tf.optimizers.adam import AdamState, adam_resample, adam_start
from nst_tf.optimizers.lbfgs import lbfgs_start
from nst_tf.progress import Callback, NonFiniteLossError, Progress
from nst_tf.scale import Pictures, exact_products, load_model, scale_targets
from nst_tf.schedule import Scale, epoch_of, gains_too_little, watched
from nst_tf.settings import Settings
from nst_tf.start import refined, start_image
from nst_tf.state import RunState
from nst_tf.step import Stepper


def stylize(
    content: np.ndarray,
    styles: np.ndarray | Sequence[np.ndarray],
    settings: Settings | None = None,
    *,
    initial: np.ndarray | None = None,
    regions: Sequence[Region] = (),
    keep: np.ndarray | None = None,
    callbacks: Iterable[Callback] = (),
) -> np.ndarray:
    """Paint the content image in the manner of the style images.

    Calls of one size, network and objective share one compiled step; no file but the weights is
    read.

    Args:
        content: float `[1, H, W, 3]` or `[H, W, 3]`, sRGB in [0, 1]; limited to
            `settings.max_dim` on its long side.
        styles: one image of that kind or a sequence of them, of any sizes.
        settings: by default those of the recipe `tutorial`.
        initial: where to start, an image that is resized to the content's size at the coarsest
            scale; by default what `settings.init` says.
        regions: which parts of the content are painted like which parts of which styles, from
            `pair_masks`; what is in none stays as it is. By default all of the content is painted
            like all of all styles.
        keep: where the photo's features are kept, such as its faces: float `[H, W]` in [0, 1], 1
            where they are, of any size.
        callbacks: each is called with every step's `Progress`, in order; the run ends after a step
            for which one of them returns a true value.

    Returns:
        float32 `[1, h, w, 3]` in [0, 1], with h and w of the content as it was limited.

    Raises:
        ValueError: an image is not valid or too small, settings and images do not agree, or they
            would take more memory than they may.
        OSError: the weights cannot be read.
        MemoryError: memory ran out even by the smallest blocks; by larger ones the run goes on, and
            warns.
        NonFiniteLossError: the objective overflowed.
    """
    fitted = fit(content, styles, settings or Settings(), regions, initial, keep)
    return StyleTransfer(fitted).finish(callbacks)


class StyleTransfer:
    """A style transfer that is ready to go.

    Args:
        fitted: pictures, masks and settings, from `fit`.

    Attributes:
        fitted: what it is given.
        terms: of the objective.
        plans: how to run each scale, as planned.
        network: from `model.feature_model`.

    Raises:
        ValueError: the run would take more memory than it may.
        OSError: the weights cannot be read.
    """

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted
        self.settings = fitted.settings
        self.terms = make_terms(self.settings)
        self.plans = plan_memory(
            self.settings, fitted.scales, fitted.style_sizes, count_masks(fitted.regions)
        )
        self.network = load_model(self.settings, self.plans[-1].precision)
        self._total = sum(scale.steps for scale in fitted.scales)

    def finish(self, callbacks: Iterable[Callback] = ()) -> np.ndarray:
        """Take all steps and return the picture; arguments and errors as for `stylize`."""
        callbacks = tuple(callbacks)
        for progress in self.steps():
            # All are called before any answer counts: each sees the step that one of them ends.
            answers = [callback(progress) for callback in callbacks]
            if any(map(bool, answers)):
                break
        return self.fitted.result(progress.state.shown.numpy())

    def steps(self, state: RunState | None = None) -> Iterator[Progress]:
        """Take the steps one by one, from the start or from a state of the same run.

        Each `Progress` holds the state after its step. The run may be left after any of them.
        """
        began = time.perf_counter() - (state.seconds if state else 0.0)
        for scale, plan in zip(self.fitted.scales, self.plans, strict=True):
            if state and state.scale > scale.number:
                continue
            pictures = Pictures.at(self.fitted, scale)
            if state is None or state.scale < scale.number:
                state = self._enter(scale, plan, pictures, state)
            if self._ended(scale, state):
                continue
            with exact_products(self.settings):
                targets, plan = self._targets(pictures, state)
            state = state.fallen_back(plan)
            stepper = Stepper(self.network, self.terms, targets, self.settings)
            while not self._ended(scale, state):
                state, losses = self._step(stepper, scale, state, began)
                yield self._progress(scale, state, losses)

    def _enter(
        self, scale: Scale, plan: Plan, pictures: "Pictures", before: RunState | None
    ) -> RunState:
        """Return the state with which a scale starts."""
        settings = self.settings
        shape = pictures.photo.shape
        if before is None:
            start = start_image(pictures.photo, pictures.paintings, settings, self.fitted.initial)
            optimizer = adam_start(shape) if settings.optimizer == "adam" else lbfgs_start()
            image = tf.constant(start)
            return RunState(scale.number, 0, 0, 0, image, image, optimizer, None, (), 0, 0.0, plan)
        # A texture or a reconstruction has no photo to give away.
        strength = settings.strength if settings.content_weight and settings.style_weight else 1.0
        coarse = Pictures.at(self.fitted, self.fitted.scales[before.scale - 1]).photo
        image = tf.constant(refined(before.shown.numpy(), coarse, pictures.photo, strength))
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
        )

    def _targets(self, pictures: "Pictures", state: RunState) -> tuple[Targets, Plan]:
        start = state.start.numpy() if state.scale > 1 else None

        def make(plan: Plan) -> Targets:
            return scale_targets(
                self.network, self.terms, self.fitted, pictures, plan.block_size, start
            )

        return with_less_memory(make, state.plan)

    def _step(
        self, stepper: Stepper, scale: Scale, state: RunState, began: float
    ) -> tuple[RunState, Mapping[str, float]]:
        """Return the state after a step, and the losses before it."""
        spent = time.perf_counter() - began
        epoch = epoch_of(self.settings, scale, self._total, state.scale_step, spent)
        try:
            with exact_products(self.settings):
                after, losses = stepper.step(state, epoch)
        except FloatingPointError as error:
            raise NonFiniteLossError(
                overflow_message(state.step + 1, error.args[0]),
                self.fitted.result(state.shown.numpy()),
            ) from None
        after = dataclasses.replace(
            after,
            window=watched(after.window, losses["total"]),
            seconds=time.perf_counter() - began,
        )
        return after, losses

    def _ended(self, scale: Scale, state: RunState) -> bool:
        """Return whether the scale of the state takes no further step; it takes at least one."""
        settings = self.settings
        if not state.scale_step:
            return False
        late = 0 < settings.time_limit * scale.deadline <= state.seconds
        # Nothing can change the photo: a step at each scale is enough for the callbacks.
        unchanged = (
            not settings.strength and settings.init == "content" and self.fitted.initial is None
        )
        over = gains_too_little(state.window, settings.min_gain) or state.stationary
        last = epoch_of(settings, scale, self._total, scale.steps - 1, 0.0)
        ramps_on = state.epoch < last and settings.at(state.epoch) != settings.at(last)
        return state.scale_step >= scale.steps or late or unchanged or (over and not ramps_on)

    def _progress(self, scale: Scale, state: RunState, losses: Mapping[str, float]) -> Progress:
        scales = self.fitted.scales
        work = [s.steps * s.ratio**2 * p.cost for s, p in zip(scales, self.plans, strict=True)]
        unit = scale.ratio**2 * state.plan.cost
        return Progress(
            step=state.step,
            steps=state.step + scale.steps - state.scale_step + scale.steps_after,
            scale=scale,
            scales=len(scales),
            scale_step=state.scale_step,
            ahead=scale.steps - state.scale_step + sum(work[scale.number :]) / unit,
            losses=losses,
            evaluations=state.evaluations,
            seconds=state.seconds,
            image=lambda: self.fitted.finish(state.shown.numpy()),
            state=state,
        )
