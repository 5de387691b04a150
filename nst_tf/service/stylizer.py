"""A stylizer for services: many pictures from one process, for many threads."""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from nst_tf.compute.budget import BASE
from nst_tf.compute.budget import memory_budget as budget_of
from nst_tf.compute.cache import StatisticsCache, cache_share
from nst_tf.compute.device import use_device
from nst_tf.images.masks import Region
from nst_tf.images.resize import Size
from nst_tf.images.sources import Source
from nst_tf.inputs.sources import ImageSources, LoadedInputs
from nst_tf.keywords import Overrides
from nst_tf.recipes import resolve_settings
from nst_tf.service.admission import Admission
from nst_tf.service.result import KeptNetwork, Result
from nst_tf.service.stream import Stream, memory_need
from nst_tf.settings import Settings
from nst_tf.transfer.kept import SECOND_STAGE, check_kept, network_identity
from nst_tf.transfer.progress import Callback, any_ends, guarded
from nst_tf.transfer.scales import load_model
from nst_tf.transfer.start import Run, make_run
from nst_tf.utils.errors import UserError
from nst_tf.utils.forks import check_fork
from nst_tf.utils.locks import Patience
from nst_tf.validation import check_number, checked_duration

BUDGET = "memory_budget belongs to the Stylizer: give it to its constructor"

UNLIMITED = 512
"""Long side of the photos for which paintings are prepared if there is no limit, pixels."""


class Stylizer:
    """Makes pictures again and again, for any number of threads.

    >>> stylizer = Stylizer("painting", max_dim=384)
    >>> stylizer.prepare("painting.jpg")
    >>> result = stylizer("photo.jpg", "painting.jpg", strength=0.7)
    >>> data = result.encode("png")

    Photos of all sizes share the compiled steps. The statistics of paintings are cached. Results
    depend on neither, nor on threads: the same call gives the same picture, bit for bit, as a new
    `Stylizer` with these arguments and as much memory. For that, TensorFlow's graph optimizer is
    off on a CPU, in the whole process.

    Args:
        recipe: the name of a recipe, or a `Settings`.
        device: `auto`, `cpu`, `gpu`, or `gpu:1` for the second one. It holds for the whole
            process, so the first `Stylizer` decides.
        memory_budget: bytes that the process may use, such as 3.5GiB; `auto` takes the setting, or
            most of the memory that is free now.
        max_concurrent: maximum number of runs at a time; more wait, in the order in which they
            came. They also wait while their estimated memory does not fit into the budget.
        max_waiting: maximum number of runs that wait; a further run raises BusyError at once.
            `None` for no limit.
        wait_limit: time after which a run that still waits raises BusyError, in seconds or such as
            90s; 0 for no limit.
        idle_limit: time after which a stream that is not read is closed if other runs wait, in
            seconds or such as 90s; 0 for no limit.
        **settings: fields of `Settings` that differ from the recipe.

    Attributes:
        settings: of every run that does not override them.

    Raises:
        UserError: a value is invalid, or the device does not exist.
        TypeError: a keyword is not a field of `Settings`.
        OSError: the weights cannot be read.
        RuntimeError: it is too late to choose the device.
    """

    def __init__(
        self,
        recipe: Settings | str = "tutorial",
        *,
        device: str = "auto",
        memory_budget: str = "auto",
        max_concurrent: int = 1,
        max_waiting: int | None = None,
        wait_limit: float | str = 0,
        idle_limit: float | str = 60,
        **settings: Unpack[Overrides],
    ) -> None:
        check_fork()
        _check_count("max_concurrent", max_concurrent, 1)
        if max_waiting is not None:
            _check_count("max_waiting", max_waiting, 0)
        patience = Patience(_duration("wait_limit", wait_limit), max_waiting)
        self._idle_limit = _duration("idle_limit", idle_limit)
        budgeted = {} if memory_budget == "auto" else {"memory_budget": memory_budget}
        self.settings = resolve_settings(recipe, {**settings, **budgeted})
        use_device(device)
        budget = budget_of(self.settings)
        self._cache = StatisticsCache(cache_share(budget))
        self._budget = budget - self._cache.limit
        self._admission = Admission(max_concurrent, self._budget - BASE, patience)
        if not self.settings.recolor:
            load_model(self.settings)

    def __call__(
        self,
        content: Source,
        styles: Source | Sequence[Source],
        *,
        initial: Source | None = None,
        regions: Sequence[Region] = (),
        keep: Source | None = None,
        callbacks: Iterable[Callback] = (),
        cancel: threading.Event | None = None,
        **overrides: Unpack[Overrides],
    ) -> Result:
        """Paint the content image in the manner of the style images.

        Args:
            content, styles, initial, regions, keep, callbacks: the same as in `stylize`.
            cancel: ends the run, or its waiting, when it is set; a running step is finished.

        Raises:
            ValueError, TypeError, OSError, MemoryError, DivergedError, CallbackError: the same as
                in `stylize`.
            BusyError: the run may not wait; see `max_waiting` and `wait_limit`.
        """
        given = ImageSources(content, styles, self._chosen(overrides), regions, initial, keep)
        return _finish(self._stream(given, cancel), callbacks)

    def repaint(
        self,
        result: Result,
        *,
        callbacks: Iterable[Callback] = (),
        cancel: threading.Event | None = None,
        **changes: Unpack[Overrides],
    ) -> Result:
        """Paint the brushstrokes of a result again, which takes seconds: the network is done.

        The pictures are read again. With the same `max_dim`, the result is that of a whole run with
        these settings, bit for bit. A larger one enlarges the same picture.

        Args:
            result: of a `Stylizer`, with brushstrokes.
            callbacks, cancel: as for a call.
            **changes: `repaint_detail`, `patch_size` and `max_dim`, in place of the result's; the
                latter down to the long side at which the network has worked.

        Raises:
            UserError: the result has no network's picture, or a change needs the network.
            ValueError, TypeError, OSError, MemoryError, CallbackError, BusyError: as for a call.
        """
        if (kept := result.network) is None:
            raise UserError("this result has no brushstrokes to repaint: set repaint for its run")
        if "memory_budget" in changes:
            raise TypeError(BUDGET)
        last = {name: getattr(result.settings, name) for name in SECOND_STAGE}
        last["network_dim"] = kept.settings.network_limit
        settings = resolve_settings(kept.settings, {**last, **changes})
        check_kept(network_identity({}, settings), network_identity({}, kept.settings))
        given = kept.read_again(settings=settings)
        return _finish(self._stream(given, cancel, kept=kept), callbacks)

    def stream(
        self,
        content: Source,
        styles: Source | Sequence[Source],
        *,
        initial: Source | None = None,
        regions: Sequence[Region] = (),
        keep: Source | None = None,
        cancel: threading.Event | None = None,
        **overrides: Unpack[Overrides],
    ) -> "Stream":
        """Return a run that yields a `Progress` after every step.

        The pictures are read and checked at once. Each step is taken when it is asked for, by any
        thread; the run waits for others before its first step. Close the stream, or read it to its
        end: it keeps its place for at least `idle_limit`. Arguments and errors are those of a call.
        """
        given = ImageSources(content, styles, self._chosen(overrides), regions, initial, keep)
        return self._stream(given, cancel, self._idle_limit)

    def prepare(self, *styles: Source, **overrides: Unpack[Overrides]) -> None:
        """Compute the statistics of paintings, so that no later run has to wait for them.

        Each painting is taken on its own, at its size for photos of at least `max_dim` pixels.
        """
        settings = self._chosen(overrides)
        side = settings.max_dim or UNLIMITED
        for style in styles:
            self._alone(
                ImageSources(_noise((side, side)), style, settings), lambda run: run.prepare()
            )

    def warm_up(
        self, photo: Source | Size, *styles: Source, **overrides: Unpack[Overrides]
    ) -> None:
        """Compile the graphs for photos of a size, with a step at each scale.

        Args:
            photo: height and width in pixels, or a photo of that size.
            *styles: paintings that will be used together, to be prepared too; by default, noise.
        """
        picture = _noise(photo) if isinstance(photo, tuple) else photo
        given = ImageSources(picture, styles or picture, self._chosen(overrides))
        self._alone(given, lambda run: run.warm_up())

    def _chosen(self, overrides: Mapping[str, Any]) -> Settings:
        if "memory_budget" in overrides:
            raise TypeError(BUDGET)
        return resolve_settings(self.settings, overrides)

    def _stream(
        self,
        given: ImageSources,
        cancel: threading.Event | None,
        idle_limit: float = 0.0,
        kept: KeptNetwork | None = None,
    ) -> Stream:
        loaded = given.load()
        keep = functools.partial(KeptNetwork, settings=given.settings, read_again=given.read_again)
        transfer = self._transfer(loaded)
        return Stream(transfer, loaded, keep, self._admission, cancel, idle_limit, kept)

    def _transfer(self, loaded: LoadedInputs) -> Run:
        return make_run(loaded.fitted, self._budget, self._cache)

    def _alone(self, given: ImageSources, action: Callable[[Run], None]) -> None:
        """Do something that needs a place and memory like a run."""
        transfer = self._transfer(given.load())
        with self._admission.place(memory_need(transfer)):
            action(transfer)


def _finish(stream: Stream, callbacks: Iterable[Callback]) -> Result:
    """Return the result of a stream that is read to its end, or until a callback ends it."""
    callbacks = [guarded(callback, stream.picture) for callback in callbacks]
    try:
        for progress in stream:
            if any_ends(callbacks, progress):
                return dataclasses.replace(stream.result, stop_reason="callback")
        return stream.result
    finally:
        stream.close()


def _check_count(name: str, value: int, low: int) -> None:
    if not isinstance(value, int) or value < low:
        raise UserError(f"{name} must be a whole number from {low}, not {value}")


def _duration(name: str, value: float | str) -> float:
    """Return seconds; UserError if `value` is not a duration."""
    seconds = checked_duration(name, value, 0.0)
    check_number(name, seconds, {"at least": 0})
    return seconds


def _noise(size: Size) -> np.ndarray:
    """Return a picture of noise, uint8 `[*size, 3]`."""
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
