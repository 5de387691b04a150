"""The journal of a batch: a line of JSON for each job that has ended."""

import json
import os
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from typing import IO, Any

from nst_tf.batch.job import default_differences, job_settings
from nst_tf.utils.files import reason
from nst_tf.utils.version import __version__
from nst_tf.workers.job import PICTURES, Job
from nst_tf.workers.outcome import Outcome


class Journal:
    """Appends lines to a file, which may exist, each as soon as its job has ended."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._warned = False
        cut = _is_cut(path)
        try:
            self._file: IO[bytes] = open(path, "ab")  # noqa: SIM115
        except OSError as error:
            raise OSError(f"--journal {path} cannot be written: {reason(error)}") from None
        if cut:
            self._file.write(b"\n")

    def write(self, outcome: Outcome) -> None:
        """Append the outcome of a job.

        A line that cannot be written is kept for the next try; the first failure gives a warning.
        """
        line = json.dumps(record(outcome), ensure_ascii=False)
        try:
            self._file.write(line.encode(errors="backslashreplace") + b"\n")
            self._file.flush()
        except OSError as error:
            if not self._warned:
                warnings.warn(f"the journal {self._path} cannot be written: {reason(error)}")
            self._warned = True

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # a warning has been given
            self._file.close()


def _is_cut(path: str) -> bool:
    """Return whether a kill has cut the last line of a file."""
    if not os.path.isfile(path) or not os.path.getsize(path):
        return False
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def finished_record(job: Job) -> dict[str, Any]:
    """Return the record of a job whose picture existed before the batch began."""
    return {"job": job.place, "status": "finished before", "output": job.output}


def record(outcome: Outcome) -> dict[str, Any]:
    """Return the journal's record of a job, without empty values and defaults."""
    job = outcome.job
    found = {
        "job": job.place,
        "status": outcome.status,
        "output": job.output,
        "nst_tf": __version__,
        "faces": outcome.faces,
        "error": outcome.error,
        "warnings": outcome.warnings,
        "inputs": {name: files for name in PICTURES if (files := job.files(name))},
        "recipe": dict(job.flags).get("recipe", "tutorial"),
        "settings": default_differences(job_settings(job.flags)),
        "seconds": round(outcome.seconds, 3),
        "width": outcome.size[1],
        "height": outcome.size[0],
        "steps": outcome.steps,
        "losses": dict(outcome.losses),
        "attempts": outcome.attempts,
        "worker": outcome.worker,
        "details": outcome.details,
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {name: value for name, value in found.items() if value or name == "seconds"}
