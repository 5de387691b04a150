"""The journal of a batch: a line of JSON for each job that has ended."""

import json
import os
from datetime import UTC, datetime
from typing import IO, Any

from nst_tf.files import is_stream
from nst_tf.jobs.job import PICTURES, default_differences, job_settings
from nst_tf.jobs.outcome import Outcome


class Journal:
    """Appends lines to a file, each as soon as it is known.

    Args:
        path: of the file, which may hold the lines of earlier batches.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        try:
            mode = "ab" if is_stream(path) else "a+b"  # pipes can only be written
            self._file: IO[bytes] = open(path, mode)  # noqa: SIM115
        except OSError as error:
            raise OSError(f"--journal {path} cannot be written: {error.strerror}") from None
        if self._file.readable() and self._file.tell():
            self._file.seek(-1, os.SEEK_END)
            if self._file.read(1) != b"\n":  # a kill may have cut the last line
                self._file.write(b"\n")

    def write(self, outcome: Outcome) -> None:
        """Append what has become of a job.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps(record(outcome), ensure_ascii=False)
        self._file.write(line.encode(errors="backslashreplace") + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def record(outcome: Outcome) -> dict[str, Any]:
    """Return what the journal says of a job: what is empty is left out, and defaults."""
    job = outcome.job
    found = {
        "job": job.place,
        "status": outcome.status,
        "output": job.output,
        "error": outcome.error,
        "warnings": outcome.warnings,
        "inputs": {name: files for name in PICTURES if (files := job.files(name))},
        "recipe": dict(job.flags).get("recipe", "tutorial"),
        "settings": default_differences(job_settings(job.flags)),
        "seconds": round(outcome.seconds, 3),
        "steps": outcome.steps,
        "losses": dict(outcome.losses),
        "attempts": outcome.attempts,
        "worker": outcome.worker,
        "details": outcome.details,
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {name: value for name, value in found.items() if value or name == "seconds"}
