"""Files sent to workers with a job, and its picture sent back, without a shared file system."""

import dataclasses
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nst_tf.workers.job import Flags, Job, names_file
from nst_tf.workers.outcome import Outcome, RunJob, ShouldStop

HELD = 64  # files that stay in the object store for the next jobs


def input_files(flags: Flags) -> list[str]:
    """Return the files that the flags of a job name, each once."""
    return list(dict.fromkeys(value for name, value in flags if names_file(name, value)))


class Sender:
    """Stores files for the workers; the latest are stored only once.

    Args:
        put: stores the bytes of a file and returns a reference to them.
        most: maximum number of files that remain stored.
    """

    def __init__(self, put: Callable[[bytes], Any], most: int = HELD) -> None:
        self._put = put
        self._most = most
        self._held: OrderedDict[str, Any] = OrderedDict()

    def pack(self, job: Job) -> tuple[list[str], list[Any]]:
        """Return the paths of a job's files, and references to their contents, or raise OSError."""
        names = input_files(job.flags)
        return names, [self._stored(name) for name in names]

    def _stored(self, path: str) -> Any:
        if path not in self._held:
            try:
                data = Path(path).read_bytes()
            except OSError as error:
                raise OSError(f"{path} cannot be read: {error.strerror}") from None
            self._held[path] = self._put(data)
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        self._held.move_to_end(path)
        return self._held[path]


class Parcel(NamedTuple):
    """Files that have been sent: their paths on the first machine, and their bytes."""

    names: Sequence[str]
    contents: Sequence[bytes]


def painted_elsewhere(
    run_job: RunJob, job: Job, parcel: Parcel, should_stop: ShouldStop
) -> tuple[Outcome, bytes]:
    """Run a job whose files are not on this machine; return its outcome and the picture."""
    with tempfile.TemporaryDirectory(prefix="nst_tf-") as folder:
        places = {}
        for number, (name, data) in enumerate(zip(*parcel, strict=True)):
            place = Path(folder, str(number), Path(name).name)  # the metadata record the name
            place.parent.mkdir()
            place.write_bytes(data)
            places[name] = str(place)
        output = os.path.join(folder, "result", Path(job.output).name)
        flags = tuple(
            (name, places[value] if names_file(name, value) else value) for name, value in job.flags
        )
        outcome = run_job(Job(job.place, flags, output), should_stop)
        error = outcome.error.replace(output, job.output)
        for name, there in places.items():
            error = error.replace(there, name)
        picture = Path(output).read_bytes() if outcome.status == "done" else b""
        return dataclasses.replace(outcome, job=job, error=error), picture
