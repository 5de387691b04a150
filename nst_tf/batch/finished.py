"""Which jobs are finished: their pictures say of what they were made, and how the run ended."""

import dataclasses
import functools
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import picture_paths
from nst_tf.cli.request import Request
from nst_tf.images.metadata import read_metadata
from nst_tf.inputs.prepare import with_keep_weight
from nst_tf.network.weights import BUNDLED_SHA256
from nst_tf.settings import Settings
from nst_tf.utils.digests import file_digest
from nst_tf.workers.job import Job

KNOWN_FILES = 4096  # whose checksums are remembered

WITHOUT_EFFECT = ("memory_budget",)
"""Settings that change no picture."""

RECORDED = ("keep_faces", "bit_depth", "dpi")
"""Flags that change the picture and are no settings."""


def is_finished(job: Job) -> bool:
    """Return whether the job's picture is there, complete, and of these inputs and settings.

    Its name alone says nothing: the files' checksums, the settings and the end of the run count,
    which the picture's metadata record.
    """
    if not os.path.isfile(job.output):
        return False
    request = parse(["nst_tf.batch", *job.words()])
    try:
        return _is_of(read_metadata(job.output), request)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # no picture of ours, or an input that is not there


def _is_of(record: Mapping[str, Any], request: Request) -> bool:
    made = record["settings"]
    return (
        record["ending"] is not None
        and all(record[name] == getattr(request, name) for name in RECORDED)
        and any(_same(made, possible) for possible in _possible(request))
        and record["weights"]["sha256"] == _weights_digest(request.settings, record)
        and all(
            [file["sha256"] for file in record["files"].get(name, [])] == list(map(_digest, paths))
            for name, paths in picture_paths(request).items()
        )
    )


def _possible(request: Request) -> Iterator[Settings]:
    """Yield the settings that the run may have had: whether faces were found shows in them."""
    masks = bool(request.keep_mask)
    for keeps in {masks, masks or request.keep_faces}:
        yield with_keep_weight(request.settings, keeps)


def _same(made: Mapping[str, Any], settings: Settings) -> bool:
    """Return whether recorded settings are those of a run, as far as the picture depends on it."""
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    for name in ("init", "weights"):  # of which the record has names without their paths
        wanted[name] = os.path.basename(wanted[name])
    unimportant = {*WITHOUT_EFFECT, *(["precision"] if settings.precision == "auto" else [])}
    names = (wanted.keys() | made.keys()) - unimportant
    return all(name in made and made[name] == wanted.get(name) for name in names)


def _weights_digest(settings: Settings, record: Mapping[str, Any]) -> str:
    if settings.weights == "bundled":
        return BUNDLED_SHA256
    if settings.weights == "imagenet":  # Keras checks what it downloads
        return record["weights"]["sha256"]
    return _digest(settings.weights)


def _digest(path: str) -> str:
    status = os.stat(path)
    return _digest_of(path, status.st_mtime_ns, status.st_size)


# A painting belongs to thousands of jobs.
@functools.lru_cache(KNOWN_FILES)
def _digest_of(path: str, *_: int) -> str:
    return file_digest(path)
