"""The check for finished jobs, by the metadata of their pictures."""

import functools
import os

from nst_tf.batch.job import parse_job
from nst_tf.cli.provenance import request_identity
from nst_tf.images.metadata import read_metadata
from nst_tf.utils.digests import file_digest
from nst_tf.workers.job import Job

KNOWN_FILES = 4096  # whose checksums are cached


def is_finished(job: Job) -> bool:
    """Return whether the job's picture exists, is complete, and has these inputs and settings.

    Its name is not enough: its metadata record the end of the run and the identity of its inputs.
    """
    try:
        if not os.path.isfile(job.output):
            return False
        record = read_metadata(job.output)
        made_from = request_identity(parse_job(job), _digest)
        return record["ending"] is not None and record["identity"] == made_from
    except (OSError, ValueError, LookupError):
        return False  # not one of our pictures, or a missing input


def _digest(path: str) -> str:
    status = os.stat(path)
    return _digest_of(path, status.st_mtime_ns, status.st_size)


# Thousands of jobs may share a painting.
@functools.lru_cache(KNOWN_FILES)
def _digest_of(path: str, *_: int) -> str:
    return file_digest(path)
