"""The settings and pictures of a job of a batch."""

import dataclasses
import functools
from collections.abc import Sequence
from contextlib import suppress

from nst_tf.cli.flags import parse
from nst_tf.cli.request import Request
from nst_tf.images.decode import upright_size
from nst_tf.images.resize import Size, fit_size
from nst_tf.settings import Settings
from nst_tf.workers.job import PICTURES, Flags, Job

KNOWN_SETTINGS = 1024  # sets of flags whose settings are cached


def parse_job(job: Job) -> Request:
    """Return the request that the flags of a job make; UsageError if they are wrong."""
    return parse(["nst_tf.batch", *job.words()])


def job_settings(flags: Flags) -> Settings:
    """Return the settings that the flags of a job amount to; UsageError if they are wrong."""
    return _settings(method(flags))


def photo_size(job: Job) -> Size:
    """Return the height and width at which a job's photo is painted, or (0, 0) if unreadable."""
    for path in (job.files("content") or job.files("style"))[:1]:
        with suppress(OSError, ValueError, MemoryError):  # the job reports it
            return fit_size(*upright_size(path), job_settings(job.flags).max_dim)
    return 0, 0


def method(flags: Flags) -> tuple[str, ...]:
    """Return a command line without the names of its pictures: the part that jobs share."""
    return tuple(f"--{name}={name if name in PICTURES else value}" for name, value in flags)


# Most rows share their settings, and absl needs some milliseconds for each.
@functools.lru_cache(KNOWN_SETTINGS)
def _settings(words: Sequence[str]) -> Settings:
    return parse(["nst_tf.batch", *words, "--resume"]).settings


def default_differences(settings: Settings) -> dict[str, object]:
    """Return the settings that differ from the tutorial's, by name."""
    plain = dataclasses.asdict(Settings())
    return {k: v for k, v in dataclasses.asdict(settings).items() if v != plain[k]}
