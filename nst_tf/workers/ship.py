"""Files sent along with a job, and its picture sent back, where machines share no folder."""

import dataclasses
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nst_tf.workers.job import Flags, Job, names_file
from nst_tf.workers.outcome import Outcome, Paint, Stopping

HELD = 64  # files that stay in the object store, since the next jobs may need them


def input_files(flags: Flags) -> list[str]:
    """Return the files that flags of `run` name, each once."""
    return list(dict.fromkeys(value for name, value in flags if names_file(name, value)))


class Sender:
    """Puts files where the workers find them, each once as long as it is remembered.

    Args:
        put: stores the bytes of a file and returns what stands for them.
    """

    def __init__(self, put: Callable[[bytes], Any]) -> None:
        self._put = put
        self._held: OrderedDict[str, Any] = OrderedDict()

    def pack(self, job: Job) -> tuple[list[str], list[Any]]:
        """Return the names of a job's files, and what stands for their contents.

        Raises:
            OSError: a file cannot be read.
        """
        names = input_files(job.flags)
        return names, [self._stored(name) for name in names]

    def _stored(self, path: str) -> Any:
        if path not in self._held:
            try:
                data = Path(path).read_bytes()
            except OSError as error:
                raise OSError(f"{path} cannot be read: {error.strerror}") from None
            self._held[path] = self._put(data)
            if len(self._held) > HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(path)
        return self._held[path]


class Parcel(NamedTuple):
    """Files that have been sent.

    Attributes:
        names: their paths, where they come from.
        contents: their bytes.
    """

    names: Sequence[str]
    contents: Sequence[bytes]


def painted_elsewhere(
    paint: Paint, job: Job, parcel: Parcel, stopping: Stopping
) -> tuple[Outcome, bytes]:
    """Do a job whose files are not on this machine; return what has become of it and the picture.

    Args:
        paint: does it.
        job: with the paths of the machine that it comes from.
        parcel: the files.
        stopping: as for `paint`.
    """
    with tempfile.TemporaryDirectory(prefix="nst_tf-") as folder:
        places = {}
        for number, (name, data) in enumerate(zip(*parcel, strict=True)):
            place = Path(folder, str(number), Path(name).name)  # the metadata tell the name
            place.parent.mkdir()
            place.write_bytes(data)
            places[name] = str(place)
        output = os.path.join(folder, "result", Path(job.output).name)
        flags = tuple(
            (name, places[value] if names_file(name, value) else value) for name, value in job.flags
        )
        outcome = paint(Job(job.place, flags, output), stopping)
        error = outcome.error.replace(output, job.output)
        for name, there in places.items():
            error = error.replace(there, name)
        picture = Path(output).read_bytes() if outcome.status == "done" else b""
        return dataclasses.replace(outcome, job=job, error=error), picture
