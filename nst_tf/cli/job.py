"""A run of the command line: checked, made ready, and under way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags

from nst_tf.callbacks import Checkpoint
from nst_tf.cli.flags import PICTURES
from nst_tf.cli.inputs import Inputs, input_paths, load_inputs
from nst_tf.cli.outputs import OutputPaths, Outputs
from nst_tf.cli.places import check_painting, check_photo, read_pipes
from nst_tf.cli.provenance import run_metadata
from nst_tf.images.save import check_output_size
from nst_tf.network.weights import Weights, load_weights
from nst_tf.settings import Settings
from nst_tf.utils.errors import UserError

if TYPE_CHECKING:
    from nst_tf.compute.cache import StatisticsCache
    from nst_tf.transfer.progress import Callback, Progress
    from nst_tf.transfer.run import StyleTransfer
    from nst_tf.transfer.state import SavedRun


class CheckpointError(UserError):
    """A checkpoint is damaged, or another run's.

    Attributes:
        path: of the checkpoint.
        reason: what is wrong with it.
    """

    def __init__(self, text: str, path: Path, reason: str) -> None:
        super().__init__(text)
        self.path, self.reason = path, reason


@dataclass(frozen=True)
class Checked:
    """What can be known of a run before TensorFlow is imported.

    Attributes:
        values: the flags.
        settings: the settings that flags and pictures amount to.
        paths: where to write.
        inputs: the pictures.
    """

    values: flags.FlagValues
    settings: Settings
    paths: OutputPaths
    inputs: Inputs


@dataclass(frozen=True)
class Job(Checked):
    """All that a run needs, checked.

    Attributes:
        weights: the network's parameters.
        transfer: the run itself, ready to go.
        saved: the run that it goes on with, or None.
        metadata: what the picture carries, as far as it is known before the run.
    """

    weights: Weights
    transfer: "StyleTransfer"
    saved: "SavedRun | None"
    metadata: dict[str, Any]


def check(values: flags.FlagValues, settings: Settings, budget: int | None = None) -> Checked:
    """Read the inputs and check all that can be checked without TensorFlow.

    Args:
        values, settings: of the run.
        budget: bytes that the process may take; None: what the settings say.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        ValueError: pictures, masks, settings and outputs do not agree.
    """
    if values.content:
        check_photo(values.content)
    for path in values.style or ():
        check_painting(path)
    read_pipes(values, PICTURES)
    paths = OutputPaths.of(values)
    paths.check(input_paths(values, settings))
    inputs = load_inputs(values, settings, budget)
    settings = inputs.fitted.settings
    check_output_size(paths.picture, *inputs.fitted.size)
    if settings.weights != "imagenet":  # which TensorFlow may have to download
        load_weights(settings.weights)
    return Checked(values, settings, paths, inputs)


def prepare(
    checked: Checked, budget: int | None = None, memo: "StatisticsCache | None" = None
) -> Job:
    """Make a run ready to go. TensorFlow has been started.

    Args:
        checked: what is known of the run.
        budget: bytes that the process may take; None: what the settings say.
        memo: remembers what the network finds in the paintings; None: nothing is remembered.

    Raises:
        OSError: a file cannot be read, or an output cannot be written.
        CheckpointError: its checkpoint is damaged or another run's.
        UserError: the run would take more memory than it may, or Keras has another backend.
    """
    from nst_tf.transfer.run import StyleTransfer

    values, settings, paths = checked.values, checked.settings, checked.paths
    weights = load_weights(settings.weights)
    transfer = StyleTransfer(checked.inputs.fitted, budget, memo)
    saved = _saved_run(paths.checkpoint, transfer, values.resume_anyway)
    metadata = run_metadata(values, settings, weights, transfer.plans[-1].precision)
    if paths.snapshots:
        paths.snapshots.mkdir(exist_ok=True)
    return Job(values, settings, paths, checked.inputs, weights, transfer, saved, metadata)


def _saved_run(path: Path | None, transfer: "StyleTransfer", anyway: bool) -> "SavedRun | None":
    """Return the run that a checkpoint holds, if there is one, after making it fit."""
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


class Running:
    """One run of a job, and what it has reached.

    Attributes:
        job: what it is a run of.
        latest: the latest step, or None.
        outputs: what it writes.
        checkpoint: what it keeps to go on from, or None.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.latest: Progress | None = None
        self.checkpoint: Checkpoint | None = None
        fitted = job.inputs.fitted
        self.outputs = Outputs(
            job.paths,
            job.inputs,
            [fitted.content] if job.values.content else [],
            fitted.styles if job.values.style else [],
            self.metadata,
            job.values.history_layers,
        )
        if job.saved:
            self.latest = job.transfer.progress(job.saved.state, {})
            if isinstance(job.saved.notes, list):
                self.outputs.history.rows += job.saved.notes
        if job.paths.checkpoint:
            rows = self.outputs.history.rows
            every = job.values.checkpoint_every
            self.checkpoint = Checkpoint(job.paths.checkpoint, every, lambda: rows)

    def recorders(self) -> "Iterator[Callback]":
        """Yield what must see every step."""
        yield self.outputs.history
        yield self.remember
        if self.checkpoint:
            yield self.checkpoint

    def remember(self, progress: "Progress") -> None:
        """Keep the latest step at hand."""
        self.latest = progress

    def has_ended(self) -> bool:
        """Return whether the run has come to its own end, whatever else may have stopped it."""
        return bool(self.latest and self.job.transfer.ending(self.latest.state))

    def metadata(self) -> dict[str, Any]:
        """Return what the picture of the latest step carries: the plan is the one in force."""
        assert self.latest
        return self.job.metadata | {
            "steps": self.latest.step,
            "ending": self.job.transfer.ending(self.latest.state),
            "plan": self.latest.state.plan.record(),
        }
