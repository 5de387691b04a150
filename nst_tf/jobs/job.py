"""A job: one picture to make, as a set of flags of `run`."""

import dataclasses
import functools
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from nst_tf.cli.flags import parse
from nst_tf.images.decode import upright_size
from nst_tf.images.resize import Size, fit_size
from nst_tf.settings import INITS, Settings

Flags = tuple[tuple[str, str], ...]
"""Names and values of flags, in order; one that takes several values is there for each."""

PICTURES = ("content", "style", "content_mask", "style_mask", "keep_mask")
"""The flags of a row that name files and are no settings."""

WORDS = {"init": INITS, "weights": ("bundled", "imagenet")}
"""The settings that may name files, and their words that do not."""

KNOWN_SETTINGS = 1024  # sets of flags whose settings are remembered


class Row(NamedTuple):
    """What a manifest or a pair of directories says of a job.

    Attributes:
        place: where it says so, such as `jobs.csv:12`.
        flags: of `run`.
        output: the picture's name in the directory of all, if the row has one.
    """

    place: str
    flags: Flags
    output: str = ""


class Job(NamedTuple):
    """One picture to make.

    Attributes:
        place: of its row.
        flags: those of all jobs, then those of the row, which win.
        output: path of the picture.
    """

    place: str
    flags: Flags
    output: str

    def files(self, name: str) -> list[str]:
        """Return the files that a flag names."""
        return [value for flag, value in self.flags if flag == name]

    def words(self) -> list[str]:
        """Return the command line of `run` that makes the picture, or goes on with it."""
        given = (f"--{name}={value}" for name, value in self.flags)
        return [*given, f"--output={self.output}", "--resume"]


def names_file(name: str, value: str) -> bool:
    """Return whether a flag's value is the path of a file that the run reads."""
    return name in PICTURES or (name in WORDS and value not in WORDS[name])


def absolute_paths(job: Job) -> Job:
    """Return a job whose paths mean the same in every directory."""
    flags = tuple((n, os.path.abspath(v) if names_file(n, v) else v) for n, v in job.flags)
    return Job(job.place, flags, os.path.abspath(job.output))


def job_settings(flags: Flags) -> Settings:
    """Return the settings that flags of `run` amount to.

    Raises:
        UsageError: a flag is unknown, malformed, out of bounds or missing.
    """
    return _settings(method(flags))


def photo_size(job: Job) -> Size:
    """Return the height and width at which a job's photo is painted, or 0 if it cannot be read."""
    for path in (job.files("content") or job.files("style"))[:1]:
        with suppress(OSError, ValueError, MemoryError):  # which the job reports
            return fit_size(*upright_size(path), job_settings(job.flags).max_dim)
    return 0, 0


def method(flags: Flags) -> tuple[str, ...]:
    """Return all of a command line but the names of its pictures: what jobs have in common."""
    return tuple(
        f"--{name}={name if name in PICTURES else value}" for name, value in flags
    )  # fmt: skip


# A row of a million has hardly a setting of its own: absl would take an hour to read them all.
@functools.lru_cache(KNOWN_SETTINGS)
def _settings(words: Sequence[str]) -> Settings:
    return parse(["nst_tf.batch", *words, "--resume"])[1]


def default_differences(settings: Settings) -> dict[str, object]:
    """Return the settings that differ from the tutorial's, by name."""
    plain = dataclasses.asdict(Settings())
    return {k: v for k, v in dataclasses.asdict(settings).items() if v != plain[k]}
