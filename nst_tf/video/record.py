"""The record of a film that `--json` prints."""

from pathlib import Path
from typing import Any

from nst_tf.network.weights import load_weights
from nst_tf.transfer.provenance import method_metadata
from nst_tf.video.session import VideoRun


def film_record(run: VideoRun) -> dict[str, Any]:
    """Return the record of an ended film: its file, frames and times, then the method.

    Times are in seconds; frames that were painted before a film was resumed take none.
    """
    job = run.job
    height, width = job.inputs.size
    method = method_metadata(
        job.settings, load_weights(job.settings.weights), job.painter.precision
    )
    return {
        "outputs": {"film": job.output},
        "width": width,
        "height": height,
        "frames": len(job.store),
        "whole": run.whole,
        "seconds": {part: round(seconds, 3) for part, seconds in run.seconds.items()},
        "problems": run.problems,
        "content": Path(job.values.content).name,
        "styles": [Path(path).name for path in job.values.style],
        "recipe": job.values.recipe,
        **method,
    }
