"""A run of the command line: its checks, its preparation, and its state under way."""

import dataclasses
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_tf.callbacks import Checkpoint
from nst_tf.cli.inputs import Inputs, input_paths, load_inputs
from nst_tf.cli.output_paths import OutputPaths
from nst_tf.cli.outputs import Outputs
from nst_tf.cli.places import check_painting, check_photo, read_pipes
from nst_tf.cli.provenance import kept_identity, run_metadata
from nst_tf.cli.request import Request
from nst_tf.images.save import check_output_size
from nst_tf.network.weights import Weights, load_ahead, load_weights
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache
    from nst_tf.transfer.progress import Callback, Progress
    from nst_tf.transfer.start import Run
    from nst_tf.transfer.state import RunState, SavedRun


class CheckpointError(UserError):
    """A checkpoint is damaged, or belongs to a different run."""

    def __init__(self, text: str, path: Path, reason: str) -> None:
        super().__init__(text)
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Checked:
    """What is known of a run before TensorFlow is imported.

    Attributes:
        request: the run that the command line asks for, with files in place of pipes.
    """

    request: Request
    paths: OutputPaths
    inputs: Inputs

    @property
    def settings(self) -> Settings:
        """Settings of the run, which depend on its pictures."""
        return self.inputs.fitted.settings


@dataclass(frozen=True)
class Job(Checked):
    """All that a run needs, checked.

    Attributes:
        saved: the run to resume, or that brushstrokes start from, or `None`.
        weights: of the network; `None`: the run has none.
        starts_at_network: whether it is a kept network's picture.
        metadata: metadata of the result, as far as it is known before the run.
    """

    weights: Weights | None
    transfer: "Run"
    saved: "SavedRun | None"
    metadata: dict[str, Any]
    starts_at_network: bool = False

    def kept(self, state: "RunState", notes: list[Any]) -> "SavedRun":
        """Return the network's picture of a state as its file keeps it."""
        from nst_tf.transfer.kept import kept_state
        from nst_tf.transfer.state import SavedRun

        assert self.weights
        known = kept_identity(self.request, self.inputs, self.weights)
        state = kept_state(state, self.inputs.fitted.scales)
        return SavedRun(state, tuple(self.transfer.plans), known, notes)


def check(request: Request, budget: int | None = None) -> Checked:
    """Read the inputs and check all that can be checked without TensorFlow.

    Args:
        budget: bytes that the process may use; `None`: what the settings allow.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        UserError: pictures, masks, settings and outputs do not agree.
    """
    if request.content:
        check_photo(request.content)
    for path in request.style:
        check_painting(path)
    request = read_pipes(request)
    paths = OutputPaths.of(request)
    paths.check(input_paths(request))
    checked = Checked(request, paths, load_inputs(request, budget))
    check_output_size(paths.picture, *checked.inputs.fitted.size, paths.format)
    if checked.settings.recolor:
        return checked
    if checked.settings.weights == "bundled":
        load_ahead()  # while TensorFlow is imported
    elif checked.settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(checked.settings.weights)
    return checked


def prepare(
    checked: Checked, budget: int | None = None, cache: "StatisticsCache | None" = None
) -> Job:
    """Make a run ready to start, after TensorFlow has been started.

    Args:
        cache: keeps what the network finds in paintings; `None` disables it.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        CheckpointError: the checkpoint is damaged or belongs to a different run.
        UserError: the run needs more memory than it may use, or Keras has another backend.
    """
    from nst_tf.transfer.start import make_run

    request, settings, paths = checked.request, checked.settings, checked.paths
    weights = None if settings.recolor else load_weights(settings.weights)
    transfer = make_run(checked.inputs.fitted, budget, cache)
    metadata = run_metadata(request, checked.inputs, weights, transfer.precision)
    kept = _kept_network(paths.network, checked, weights) if weights else None
    if kept:
        saved: SavedRun | None = kept
        if (side := kept.identity.get("max_dim")) != settings.max_dim:
            metadata["network_max_dim"] = side
    else:
        saved = _saved_run(paths.checkpoint, transfer, request.resume_anyway)
    if paths.snapshots:
        paths.snapshots.mkdir(exist_ok=True)
    return Job(request, paths, checked.inputs, weights, transfer, saved, metadata, bool(kept))


def _kept_network(path: Path | None, checked: Checked, weights: Weights) -> "SavedRun | None":
    """Return the network's picture in a file, adapted to a run, or `None` without a file."""
    if path is None or not path.exists():
        return None
    from nst_tf.transfer.checkpoint import load_checkpoint
    from nst_tf.transfer.kept import state_of

    try:
        saved = load_checkpoint(path)
    except UserError:
        raise UserError(
            f"--network_picture {path} does not hold a network's picture of this version: name "
            "another file"
        ) from None
    ours = kept_identity(checked.request, checked.inputs, weights)
    try:
        state = state_of(saved, ours, checked.inputs.fitted.scales)
    except UserError as error:
        raise UserError(f"--network_picture {path}: {error}, or name another file") from None
    return dataclasses.replace(saved, state=state)


def _saved_run(path: Path | None, transfer: "Run", anyway: bool) -> "SavedRun | None":
    """Return the run that a checkpoint holds, adapted to this one, or `None` without a file."""
    if path is None or not path.exists():
        return None
    from nst_tf.transfer.checkpoint import load_checkpoint

    try:
        saved = load_checkpoint(path)
    except UserError as error:
        raise CheckpointError(str(error), path, "it cannot be used") from None
    try:
        transfer.adopt_checkpoint(saved, anyway)
    except UserError as error:
        remedy = "" if anyway else "repeat that run's command, add --resume_anyway, or "
        text = f"{path}: {error}; {remedy}delete it to start again"
        raise CheckpointError(text, path, str(error)) from None
    return saved


class RunContext:
    """A run under way: its latest step, its outputs and its checkpoint, each `None` if missing.

    Attributes:
        network_seconds: duration of the network's steps so far.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.latest: Progress | None = None
        self.network_seconds = 0.0
        self.checkpoint: Checkpoint | None = None
        self._kept = False
        fitted, request = job.inputs.fitted, job.request
        self.outputs = Outputs(
            job.paths,
            job.inputs,
            [fitted.content] if request.content else [],
            fitted.styles if request.style else [],
            self.metadata,
            request.history_layers,
        )
        if job.saved:  # the picture to save if the first step never ends; its losses are unknown
            self.latest = job.transfer.resumed(job.saved)
            if isinstance(job.saved.notes, list):
                self.outputs.history.rows += job.saved.notes
        if job.paths.checkpoint:
            rows = self.outputs.history.rows
            every = request.checkpoint_every
            self.checkpoint = Checkpoint(job.paths.checkpoint, every, lambda: rows)

    def recorders(self) -> "Iterator[Callback]":
        """Yield the callbacks that must see every step."""
        yield self.outputs.history
        yield self.remember
        if self.job.paths.network and not self.job.starts_at_network:
            yield self.keep_network
        if self.checkpoint:
            yield self.checkpoint

    def remember(self, progress: "Progress") -> None:
        """Keep the latest step."""
        self.latest = progress
        if not progress.level:
            self.network_seconds = progress.seconds

    def keep_network(self, progress: "Progress") -> None:
        """Write the network's picture once, when its steps are done; a failure warns."""
        if self._kept or not self.job.transfer.network_ended(progress):
            return
        from nst_tf.transfer.checkpoint import save_checkpoint
        from nst_tf.transfer.state import RunState

        path, state = self.job.paths.network, progress.state
        assert path
        assert isinstance(state, RunState)
        self._kept = True
        try:
            save_checkpoint(path, self.job.kept(state, self.outputs.history.rows))
        except OSError as error:
            warnings.warn(f"the network's picture is not kept: {error}")

    def has_ended(self) -> bool:
        """Return whether the run has reached its own end, regardless of a request to stop."""
        return bool(self.latest and self.job.transfer.ending(self.latest))

    def strokes_begun(self) -> bool:
        """Return whether the network's steps are done and brushstrokes are under way."""
        transfer = self.job.transfer
        return bool(self.latest and transfer.network_ended(self.latest) and not self.has_ended())

    def picture(self) -> np.ndarray:
        """Return the latest picture, float32 `[1, h, w, 3]` in [0, 1]: the network's, at its
        scale, until the brushstrokes are done.
        """
        assert self.latest
        return self.job.transfer.result(self.latest) if self.latest.level else self.latest.image()

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of the latest step's picture, with the memory plan in force."""
        from nst_tf.transfer.provenance import step_metadata

        assert self.latest
        ending = {"ending": self.job.transfer.ending(self.latest)}
        return self.job.metadata | step_metadata(self.latest) | ending
