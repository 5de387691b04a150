"""The record of a run that `--json` prints."""

import dataclasses
from typing import Any

from nst_tf.cli.session import PictureRun


def run_record(run: PictureRun) -> dict[str, Any]:
    """Return the record of an ended run: its files, times and losses, then its metadata.

    The metadata are those of the picture's file: version, settings, recipe, inputs and the reason
    of the end. Times are in seconds; those of a resumed run include the time before.
    """
    assert run.outcome
    assert run.latest
    outcome, fitted = run.outcome, run.job.inputs.fitted
    height, width = fitted.size
    return {
        "outputs": {"picture": outcome.saved and str(outcome.saved), **_other_outputs(run)},
        "width": width,
        "height": height,
        "seconds": {
            "preparation": round(run.preparation, 3),
            "network": round(run.network_seconds, 3),
            "brushstrokes": round(run.latest.seconds - run.network_seconds, 3),
            "saving": round(outcome.seconds, 3),
        },
        "losses": dict(run.latest.losses),
        "faces": [dataclasses.asdict(face) for face in fitted.faces],
        "stopped": outcome.stopped,
        "problems": outcome.problems,
        **run.metadata(),
    }


def _other_outputs(run: PictureRun) -> dict[str, str]:
    """Return the paths of the outputs that exist, except the picture's, by kind."""
    paths = run.job.paths
    kinds = {
        "history": paths.history,
        "figure": paths.figure,
        "timelapse": paths.timelapse,
        "snapshots": paths.snapshots,
        "tensorboard": paths.tensorboard,
        "checkpoint": paths.checkpoint,
    }
    return {kind: str(path) for kind, path in kinds.items() if path and path.exists()}
