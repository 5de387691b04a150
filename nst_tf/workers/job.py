"""A job: one picture to make, as a set of flags."""

import os
from typing import NamedTuple

from nst_tf.settings import INITS

Flags = tuple[tuple[str, str], ...]
"""Names and values of flags, in order; a flag with several values has an entry for each."""

PICTURES = ("content", "style", "content_mask", "style_mask", "keep_mask")
"""The flags of a row that name files and are not settings."""

WORDS = {"init": INITS, "weights": ("bundled", "imagenet")}
"""The settings that may name files, and their values that do not."""


class Job(NamedTuple):
    """One picture to make.

    Attributes:
        place: of its row, such as `jobs.csv:12`.
        flags: those of all jobs, then those of the row, which override them.
        output: path of the picture.
    """

    place: str
    flags: Flags
    output: str

    def files(self, name: str) -> list[str]:
        """Return the files that a flag names."""
        return [value for flag, value in self.flags if flag == name]

    def words(self) -> list[str]:
        """Return the command line of `nst-tf` that makes the picture, or resumes it."""
        given = (f"--{name}={value}" for name, value in self.flags)
        return [*given, f"--output={self.output}", "--resume"]


def names_file(name: str, value: str) -> bool:
    """Return whether a flag's value is the path of a file that the run reads."""
    return name in PICTURES or (name in WORDS and value not in WORDS[name])


def absolute_paths(job: Job) -> Job:
    """Return a job whose paths mean the same in every directory."""
    flags = tuple((n, os.path.abspath(v) if names_file(n, v) else v) for n, v in job.flags)
    return Job(job.place, flags, os.path.abspath(job.output))
