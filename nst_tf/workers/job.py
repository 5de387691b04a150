"""A job: one picture to make, as a set of flags of `run`."""

import os
from typing import NamedTuple

from nst_tf.settings import INITS

Flags = tuple[tuple[str, str], ...]
"""Names and values of flags, in order; one that takes several values is there for each."""

PICTURES = ("content", "style", "content_mask", "style_mask", "keep_mask")
"""The flags of a row that name files and are no settings."""

WORDS = {"init": INITS, "weights": ("bundled", "imagenet")}
"""The settings that may name files, and their words that do not."""


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
