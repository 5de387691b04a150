"""A run that proceeds step by step, and its result."""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

import numpy as np

from nst_tf.compute.budget import BASE
from nst_tf.inputs.sources import LoadedInputs
from nst_tf.network.weights import load_weights
from nst_tf.service.admission import Admission
from nst_tf.service.result import KeptNetwork, Result
from nst_tf.transfer.kept import kept_state
from nst_tf.transfer.progress import Progress, StopReason, stage_of
from nst_tf.transfer.provenance import method_metadata, step_metadata
from nst_tf.transfer.start import Run
from nst_tf.transfer.state import RunState


class Stream(Iterator[Progress]):
    """Yields a `Progress` after every step of a run.

    The run occupies a place among the concurrent runs from its first step until it ends, is closed
    (by `close` or at the end of a `with` block), or is garbage-collected. If other runs wait and no
    step is asked for during `idle_limit` seconds, it is closed too, as `result.stop_reason` says.

    Args:
        transfer: the run.
        loaded: its inputs.
        keep: returns what a result keeps of the network, given its last state and losses.
        kept: the network's picture that the run starts from; `None`: the network paints one.
    """

    def __init__(
        self,
        transfer: Run,
        loaded: LoadedInputs,
        keep: Callable[[RunState, Mapping[str, float]], KeptNetwork],
        admission: Admission,
        cancel: threading.Event | None,
        idle_limit: float = 0.0,
        kept: KeptNetwork | None = None,
    ) -> None:
        self._transfer = transfer
        self._keep = keep
        self._kept = kept
        self._loaded = loaded
        self._cancel = cancel
        self._latest: Progress | None = None
        # The generator must not refer to this object, which could not be garbage-collected then.
        self._steps = _admitted(transfer, admission, cancel, kept.state if kept else None)
        self._turn = threading.Lock()  # held during a step
        self._idle_limit = idle_limit
        self._rested: float | None = None  # when the latest step ended
        self._idled = False
        if idle_limit:
            admission.watch(self)

    def __next__(self) -> Progress:
        """Take a step.

        Raises:
            BusyError: the run may not wait, or not any longer.
            DivergedError, MemoryError: the same as in `stylize`.
        """
        with self._turn:
            self._latest = next(self._steps)
            self._rested = time.monotonic()
            return self._latest

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the run after its current step."""
        with self._turn:
            self._steps.close()

    def end_if_idle(self) -> None:
        """End the run if no step has been asked for during the idle limit."""
        if not self._turn.acquire(blocking=False):
            return  # in the middle of a step
        try:
            rested = self._rested
            if rested is not None and time.monotonic() - rested >= self._idle_limit:
                self._idled, self._rested = True, None
                self._steps.close()
        finally:
            self._turn.release()

    def picture(self, progress: Progress) -> np.ndarray:
        """Return the picture of a run that ends with a step, float32 `[1, h, w, 3]` in [0, 1]."""
        return self._transfer.result(progress)

    @property
    def result(self) -> Result:
        """The result of the run, at its end or so far; computed at each access."""
        latest, fitted = self._latest, self._loaded.fitted
        picture = self.picture(latest) if latest else fitted.content
        return Result(
            pixels=picture[0],
            alpha=self._loaded.alpha,
            losses=self._kept.losses if self._kept else latest.losses if latest else {},
            stop_reason=self._stop_reason(),
            stage=stage_of(latest),
            settings=fitted.settings,
            steps=latest.state.step if latest else 0,
            seconds=latest.seconds if latest else 0.0,
            metadata=_metadata(self._transfer, latest) | self._network_size(),
            has_profile=self._loaded.has_profile,
            faces=fitted.faces,
            network=self._network(),
        )

    def _network(self) -> KeptNetwork | None:
        """Return what the result can be repainted from."""
        transfer, latest = self._transfer, self._latest
        if self._kept or not (latest and transfer.levels and transfer.network_ended(latest)):
            return self._kept
        assert isinstance(latest.state, RunState)
        return self._keep(kept_state(latest.state, transfer.fitted.scales), latest.losses)

    def _network_size(self) -> dict[str, int]:
        """Return the `max_dim` of the run whose network's picture this one has, if it differs."""
        side = self._kept.settings.max_dim if self._kept else self._transfer.settings.max_dim
        return {} if side == self._transfer.settings.max_dim else {"network_max_dim": side}

    def _stop_reason(self) -> StopReason:
        ending = self._transfer.ending(self._latest) if self._latest else None
        if ending is None and self._idled:
            return "idle limit"
        if ending is None and self._cancel is not None and self._cancel.is_set():
            return "cancelled"
        return ending or "left"


def memory_need(transfer: Run) -> int:
    """Return the estimated bytes that a run needs beyond those that all runs share."""
    return transfer.peak - BASE


def _admitted(
    transfer: Run,
    admission: Admission,
    cancel: threading.Event | None,
    state: RunState | None,
) -> Generator[Progress, None, None]:
    with admission.place(memory_need(transfer), cancel) as has_place:
        if has_place:
            yield from transfer.steps(state, cancel)


def _metadata(transfer: Run, latest: Progress | None) -> dict[str, Any]:
    """Return the metadata of a picture, under the names that the program uses."""
    settings = transfer.settings
    weights = None if settings.recolor else load_weights(settings.weights)
    record = method_metadata(settings, weights, transfer.precision)
    record |= {"size": list(transfer.fitted.size)}
    if latest:
        return record | step_metadata(latest)
    if transfer.plans:
        record["plan"] = transfer.plans[-1].record()
    return record | {"stage": stage_of(None), "steps": 0}
