"""The check for finished jobs, by the metadata of their pictures."""

import dataclasses
import functools
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from nst_tf.batch.job import parse_job
from nst_tf.cli.inputs import picture_paths
from nst_tf.cli.request import Request
from nst_tf.images.metadata import read_metadata
from nst_tf.inputs.prepare import with_keep_weight
from nst_tf.network.weights import BUNDLED_SHA256
from nst_tf.settings import Settings
from nst_tf.utils.digests import file_digest
from nst_tf.workers.job import Job

KNOWN_FILES = 4096  # whose checksums are cached

WITHOUT_EFFECT = ("memory_budget",)
"""Settings that do not change the picture."""

RECORDED = ("keep_faces", "bit_depth", "dpi")
"""Flags that change the picture and are not settings."""


def is_finished(job: Job) -> bool:
    """Return whether the job's picture exists, is complete, and has these inputs and settings.

    Its name is not enough: the checksums of the files, the settings and the end of the run count,
    as the picture's metadata record them.
    """
    return os.path.isfile(job.output) and is_result(job.output, parse_job(job))


def is_result(path: str, request: Request) -> bool:
    """Return whether a file is the complete picture of a job, as `is_finished`.

    Args:
        path: of the file.
        request: of the job, from `parse_job`.
    """
    try:
        return os.path.isfile(path) and _is_of(read_metadata(path), request)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False  # not one of our pictures, or a missing input


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
    """Yield the settings that the run may have had, with and without faces to keep."""
    masks = bool(request.keep_mask)
    for keeps in {masks, masks or request.keep_faces}:
        yield with_keep_weight(request.settings, keeps)


def _same(made: Mapping[str, Any], settings: Settings) -> bool:
    """Return whether recorded settings give the same picture as `settings`."""
    wanted = json.loads(json.dumps(dataclasses.asdict(settings)))
    for name in ("init", "weights"):  # the record has their names without directories
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


# Thousands of jobs may share a painting.
@functools.lru_cache(KNOWN_FILES)
def _digest_of(path: str, *_: int) -> str:
    return file_digest(path)
