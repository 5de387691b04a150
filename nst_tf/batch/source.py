"""The jobs of a batch, read, checked and named."""

import itertools
import os
import warnings
from collections.abc import Iterable, Iterator

from absl import flags

from nst_tf.batch.flags import common_flags
from nst_tf.batch.job import job_settings, method, photo_size
from nst_tf.batch.manifest import ManifestRow, pair_rows, read_manifest
from nst_tf.batch.naming import (
    LENGTHS,
    NAMEABLE,
    Template,
    duplicates,
    identity,
    place_output,
)
from nst_tf.cli.pictures import find_pictures
from nst_tf.images.resize import Size
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError
from nst_tf.workers.job import Job

WITHOUT = {
    "style": "name no painting in a column `style`: the photo is rebuilt from its features",
    "content": "name no photo in a column `content`: a texture is made",
}
"""Warnings about jobs without a flag."""

MOST_ERRORS = 10  # that are printed
WINDOW = 256  # jobs that are sorted together, so that similar ones follow each other


class Jobs:
    """The jobs that the flags of a batch ask for, in order.

    Attributes:
        columns: number of paintings that each photo has in turn, or 0 if that has no meaning.

    Raises:
        OSError: a directory or manifest does not exist or cannot be read.
        UserError: a directory has no pictures, pictures do not pair, or a manifest is not text.
    """

    def __init__(self, values: flags.FlagValues) -> None:
        self._values = values
        self._template = Template(values.name)
        self._common = common_flags(values)
        self.columns = 0
        rows: Iterator[ManifestRow | ValueError]
        if values.manifest:
            rows = read_manifest(values.manifest)
        else:
            contents = find_pictures("content_dir", values.content_dir)
            styles = find_pictures("style_dir", values.style_dir)
            check_output_dir(values.output_dir, (*contents, *styles))
            rows = iter(pair_rows(contents, styles, values.pairs))
            self.columns = len(styles) if values.pairs == "product" else 0
        self._rows = list(rows)
        self._jobs = [self._job(index) for index in range(len(self._rows))]

    def _job(self, index: int, length: int = 0) -> Job | ValueError:
        """Return the job of a row, or the error that makes it invalid."""
        row = self._rows[index]
        if isinstance(row, ValueError):
            return row
        job = Job(row.place, self._common + row.flags, "")
        given = dict(job.flags)
        try:
            name = row.output or self._template.name(
                job.files("content"),
                job.files("style"),
                given.get("recipe", self._values.recipe),
                index + 1,
                job_settings(job.flags),
                length,
            )
            bit_depth = int(given.get("bit_depth", 8))
            return job._replace(output=place_output(self._values.output_dir, name, bit_depth))
        except UserError as error:
            return UserError(f"{row.place}: {error}")

    def check(self) -> int:
        """Return the number of jobs, after giving longer names to those whose names are equal.

        Raises:
            UserError: some are invalid, or two of them make the same file; a line for each.
        """
        problems = [str(job) for job in self._jobs if isinstance(job, ValueError)]
        if problems:
            raise UserError("\n".join(problems[:MOST_ERRORS]))
        for name, text in WITHOUT.items():
            if number := sum(not job.files(name) for job in self.valid()):
                warnings.warn(f"{number} of {counted(len(self._jobs), 'job')} {text}")
        equal = self._lengthen_names()
        if equal:
            raise UserError("\n".join(self._equal_names(equal)))
        if not self._jobs:
            raise UserError(f"--manifest {self._values.manifest} has no rows")
        return len(self._jobs)

    def _lengthen_names(self) -> set[str]:
        """Lengthen equal names as far as `LENGTHS` allows; return the identities of the rest.

        In each round the jobs that were lengthened in the round before, and are still equal to
        another, become longer. A name that was unique once never changes.
        """
        names = [identity(job.output) for job in self.valid()]
        candidates = list(range(len(names)))
        equal = duplicates(names)
        for length in range(1, len(LENGTHS)):
            candidates = [index for index in candidates if names[index] in equal]
            for index in candidates:
                job = self._jobs[index] = self._job(index, length)
                names[index] = identity(_valid(job).output)
            equal = duplicates(names)
        return equal

    def _equal_names(self, equal: set[str]) -> list[str]:
        """Return a line for each job whose picture another one makes too."""
        first: dict[str, Job] = {}
        lines: list[str] = []
        for index, job in enumerate(self.valid()):
            name = identity(job.output)
            other = first.setdefault(name, job)
            if name in equal and other is not job:
                short = _valid(self._job(index)).output
                remedy = separating(other, job, self._template)
                lines.append(f"{job.place}: {short} is what {other.place} makes already: {remedy}")
        return lines[:MOST_ERRORS]

    def valid(self) -> Iterator[Job]:
        """Yield the jobs; UserError if one is invalid, which `check` has excluded."""
        return map(_valid, self._jobs)


def _valid(job: Job | ValueError) -> Job:
    if isinstance(job, ValueError):
        raise job
    return job


def check_output_dir(directory: str, pictures: Iterable[str]) -> None:
    """Refuse a directory of results whose pictures the next batch would take for photos."""
    output = os.path.realpath(directory)
    for path in pictures:
        if os.path.realpath(os.path.dirname(path)) == output:
            raise UserError(f"--output_dir {directory} holds the input {path}: name another")


def separating(one: Job, other: Job, template: Template) -> str:
    """Return the remedy for two jobs that make the same file."""
    if one.flags == other.flags:
        return "leave one of them out"
    for name in dict.fromkeys(name for name, _ in (*one.flags, *other.flags)):
        values = [[value for flag, value in job.flags if flag == name] for job in (one, other)]
        if values[0] != values[1] and name in NAMEABLE and name not in template.fields:
            return f"put {{{name}}} into --name"
    return (
        "give them outputs in a manifest, or put {row} into --name, which changes with the jobs "
        "before it"
    )


def ordered(jobs: Iterable[Job], window: int = WINDOW) -> Iterator[Job]:
    """Yield jobs so that those of one method, size and painting follow each other.

    The graphs that were compiled for a job then serve the next jobs. Only `window` jobs are sorted
    together, so the first can begin before the photos of all are measured.
    """
    jobs = iter(jobs)
    while some := list(itertools.islice(jobs, window)):
        yield from sorted(some, key=_kind)


def _kind(job: Job) -> tuple[tuple[str, ...], Size, list[str]]:
    return method(job.flags), photo_size(job), job.files("style")
