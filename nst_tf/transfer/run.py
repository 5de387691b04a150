"""A run: the loop over scales and steps."""

import dataclasses
import functools
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from nst_tf.compute import winograd
from nst_tf.compute.cache import StatisticsCache
from nst_tf.compute.evaluate import release
from nst_tf.compute.fallback import with_less_memory
from nst_tf.compute.plan import Plan, plan_memory
from nst_tf.compute.precision import TF32, warn_if_emulated
from nst_tf.images.masks import count_masks
from nst_tf.inputs.identity import Identity, differences
from nst_tf.inputs.pictures import Pictures
from nst_tf.inputs.prepare import RunInputs
from nst_tf.inputs.pyramid import Scale
from nst_tf.losses.objective import overflow_message
from nst_tf.losses.registry import make_terms
from nst_tf.losses.targets import Targets
from nst_tf.network.weights import load_weights
from nst_tf.synthesis import repaint
from nst_tf.transfer.divergence import complaint, is_blank
from nst_tf.transfer.identity import run_identity
from nst_tf.transfer.progress import (
    Callback,
    DivergedError,
    NonFiniteLossError,
    Progress,
    StopReason,
    any_ends,
)
from nst_tf.transfer.report import level_progress, step_progress
from nst_tf.transfer.scales import finer_state, first_state, load_model, scale_targets
from nst_tf.transfer.state import RunState, SavedRun
from nst_tf.transfer.step import Stepper, Update, advance, at_epoch, latest_loss
from nst_tf.transfer.stopping import epoch_of, stop_reason
from nst_tf.transfer.strokes import levels_of, paint_sizes, paint_strokes, peak_memory
from nst_tf.utils.errors import UserError
from nst_tf.utils.forks import check_fork


class StyleTransfer:
    """A style transfer that is ready to run, with a plan for each scale in `plans`.

    Args:
        budget: bytes that the process may use; by default the settings' budget.
        cache: caches statistics of the paintings; `None` disables the cache.

    Attributes:
        clock: returns the time in seconds, from any start.

    Raises:
        ValueError: the run would need more memory than it may use.
        OSError: the weights cannot be read.
    """

    clock = staticmethod(time.perf_counter)

    def __init__(
        self,
        fitted: RunInputs,
        budget: int | None = None,
        cache: StatisticsCache | None = None,
    ) -> None:
        check_fork()
        self.fitted = fitted
        self.settings = fitted.settings
        warn_if_emulated(self.settings.precision)
        self.terms = make_terms(self.settings)
        self.plans = plan_memory(
            self.settings, fitted.scales, fitted.style_sizes, count_masks(fitted.regions), budget
        )
        self.levels = levels_of(self.fitted)
        self.peak = peak_memory(
            self.settings, self.fitted.size, paint_sizes(self.fitted), self.plans, budget
        )
        if any(plan.winograd for plan in self.plans):
            winograd.load()
        if self.levels:
            repaint.load()
        self._budget = budget
        self._cache = cache
        self.network = load_model(self.settings, self.plans[-1].precision)

    @functools.cached_property
    def identity(self) -> Identity:
        """What another run must share to continue from a state of this one."""
        weights = load_weights(self.settings.weights)
        return run_identity(self.fitted, weights, self.plans[-1].precision)

    def adopt_checkpoint(self, saved: SavedRun, anyway: bool = False) -> RunState:
        """Plan the scales as a saved run did, and return the state to continue from.

        Args:
            anyway: continue even if pictures, settings or machine differ.

        Raises:
            ValueError: the saved run is a different one; the text names the differences.
        """
        state, scales = saved.state, self.fitted.scales
        other = [] if anyway else differences(self.identity, saved.identity)
        if other:
            more = f" and {len(other) - 3} more" if len(other) > 3 else ""
            named = "; ".join(other[:3])
            raise UserError(f"the checkpoint belongs to a different run: {named}{more}")
        sizes = [scale.size for scale in scales[state.scale - 1 : state.scale]]
        if len(saved.plans) != len(scales) or sizes != [tuple(state.image.shape[1:3])]:
            raise UserError("the saved run works at other sizes")
        self.plans = [
            plan._replace(precision=ours.precision)
            for plan, ours in zip(saved.plans, self.plans, strict=True)
        ]
        return state

    @property
    def precision(self) -> str:
        """Precision of the features."""
        return self.plans[-1].precision

    def resumed(self, saved: SavedRun) -> Progress:
        """Return the report of a saved run's last step, without its losses."""
        return self.progress(saved.state, {})

    def finish(
        self,
        callbacks: Iterable[Callback] = (),
        state: RunState | None = None,
        cancel: threading.Event | None = None,
    ) -> np.ndarray:
        """Take all steps and return the picture; errors are those of `stylize`.

        Errors of callbacks are passed on unchanged: programs keep the picture themselves.

        Args:
            callbacks, cancel: as for `stylize`.
            state: a state of the same run to continue from; `None` starts a new run.
        """
        callbacks = tuple(callbacks)
        progress = self.progress(state, {}) if state else None
        for progress in self.steps(state, cancel):
            if any_ends(callbacks, progress):
                break
        return self.result(progress) if progress else self.fitted.content

    def result(self, progress: Progress) -> np.ndarray:
        """Return the picture of a run that ends with a step."""
        return self.fitted.result(progress.output())

    def steps(
        self, state: RunState | None = None, cancel: threading.Event | None = None
    ) -> Iterator[Progress]:
        """Take the steps one by one, from the start or from a state of the same run.

        Each `Progress` holds the state after its step. The run may be left after any step, and the
        next step may be taken by another thread. The run ends as soon as `cancel` is set, but not
        within a step.
        """
        cancel = cancel or threading.Event()
        losses: Mapping[str, float] = {}
        began = self.clock() - (state.seconds if state else 0.0)
        with TF32.set_to(self.settings.tf32):
            for scale, plan in zip(self.fitted.scales, self.plans, strict=True):
                if cancel.is_set():
                    return
                if state and self._is_done(scale, state):
                    continue
                state, stepper = self._begin(scale, plan, state)
                while not (cancel.is_set() or stop_reason(self.fitted, scale, state)):
                    before, update = self._update(stepper, scale, state, began)
                    state = self._advance(before, update, began)
                    losses = update.losses
                    yield self.progress(state, losses)
        if self.levels and not cancel.is_set():
            assert state  # each scale takes a step
            yield from self._strokes(state, losses, began, cancel)

    def _strokes(
        self, state: RunState, losses: Mapping[str, float], began: float, cancel: threading.Event
    ) -> Iterator[Progress]:
        """Paint the levels of brushstrokes on the network's picture."""
        if any(plan.block_size for plan in self.plans):
            release()  # the graphs of the network, because memory is short
        network = self.progress(state, losses)
        for level in paint_strokes(self.fitted, state, self.plans, self._budget):
            yield level_progress(self.fitted, self.levels, network, level, self.clock() - began)
            if cancel.is_set():
                return

    def _is_done(self, scale: Scale, state: RunState) -> bool:
        """Return whether a state needs no step of a scale."""
        return state.scale > scale.number or (
            state.scale == scale.number and bool(stop_reason(self.fitted, scale, state))
        )

    def _begin(self, scale: Scale, plan: Plan, state: RunState | None) -> tuple[RunState, Stepper]:
        """Return the state before the next step of a scale, and what takes its steps."""
        pictures = Pictures.at(self.fitted, scale)
        if state is None or state.scale < scale.number:
            if plan.block_size:
                release()  # the graphs of coarser scales, because memory is short
            state = (
                finer_state(state, self.fitted, scale, pictures.photo, plan)
                if state
                else first_state(self.fitted, pictures, plan)
            )
        # A frame of a film starts from a painted one, as a finer scale does.
        painted = state.scale > 1 or self.fitted.reference is not None
        start = state.start.numpy() if painted else None
        targets, plan = self._targets(pictures, start, state.plan)
        smallest = state.smallest_with(plan)
        return dataclasses.replace(state, plan=plan, smallest=smallest), self.stepper(targets)

    def stepper(self, targets: Targets) -> Stepper:
        """Return what takes the steps of a scale."""
        return Stepper(self.network, tuple(self.terms), targets, self.settings)

    def _targets(
        self, pictures: Pictures, start: np.ndarray | None, plan: Plan
    ) -> tuple[Targets, Plan]:
        """Return the targets at a scale, and the plan with which memory sufficed for them."""
        precision = self.plans[-1].precision

        def make(plan: Plan) -> Targets:
            return scale_targets(
                self.network, self.terms, self.fitted, pictures, plan, start, self._cache, precision
            )

        return with_less_memory(make, plan)

    def _update(
        self, stepper: Stepper, scale: Scale, state: RunState, began: float
    ) -> tuple[RunState, Update]:
        """Return the state before a step and its update, rolled back once if losses overflow."""
        while True:
            spent = self.clock() - began
            steps = self.fitted.steps
            epoch = epoch_of(self.settings, scale, steps, state.scale_step, spent)
            before = at_epoch(state, self.settings, epoch)
            try:
                return before, stepper.step(before)
            except FloatingPointError as error:
                problem = overflow_message(state.step + 1, error.args[0])
                state = self._roll_back(state, problem, NonFiniteLossError)

    def _advance(self, state: RunState, update: Update, began: float) -> RunState:
        """Return the state after an update, rolled back if the run has diverged."""
        image, loss = latest_loss(state, update)
        blank = is_blank(image) and not self._blank_photo
        watch = state.watch.seen(image, loss, blank)
        seconds = self.clock() - began
        state = advance(state, update, watch, self.settings.averaging, seconds)
        if not watch.lost:
            return state
        problem = complaint(state.step, update.losses, blank, self.settings.optimizer == "adam")
        return self._roll_back(state, problem, DivergedError)

    def _roll_back(self, state: RunState, problem: str, error: type[DivergedError]) -> RunState:
        """Return the state at the best image, with a reduced rate ahead.

        Without a best image, or at a reduced rate already, raise `error` with the text `problem`.
        """
        best = state.watch.image
        if best is None or state.watch.reduced_rate:
            image = self.fitted.result((state.output_image if best is None else best).numpy())
            raise error(problem, image) from None
        what, _, _ = problem.partition(": ")
        warnings.warn(f"{what}: continuing from the best image at a reduced rate")
        return state.rolled_back()

    @functools.cached_property
    def _blank_photo(self) -> bool:
        return is_blank(self.fitted.content)

    def prepare(self) -> None:
        """Fill the cache with the statistics of the paintings, without a step."""
        with TF32.set_to(self.settings.tf32):
            for scale, plan in zip(self.fitted.scales, self.plans, strict=True):
                self._targets(Pictures.at(self.fitted, scale), None, plan)

    def warm_up(self) -> None:
        """Take a step at each scale, which compiles all that the run needs."""
        state = None
        for scale in self.fitted.scales:
            progress = next(iter(self.steps(state)))
            assert isinstance(progress.state, RunState)
            state = dataclasses.replace(progress.state, scale_step=scale.steps)

    def ending(self, progress: Progress) -> StopReason | None:
        """Return why a run has ended with a step, or None if steps remain."""
        return self.network_ended(progress) if progress.level == len(self.levels) else None

    def network_ended(self, progress: Progress) -> StopReason | None:
        """Return why the network has ended with a step, or None if steps of it remain."""
        last, state = self.fitted.scales[-1], progress.state
        assert isinstance(state, RunState)
        return stop_reason(self.fitted, last, state) if state.scale == last.number else None

    def progress(self, state: RunState, losses: Mapping[str, float]) -> Progress:
        """Return the report of a step for callbacks."""
        return step_progress(
            self.fitted,
            self.plans,
            self.levels,
            state,
            losses,
            lambda: SavedRun(state, tuple(self.plans), self.identity),
        )
