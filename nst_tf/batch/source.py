"""All jobs of a batch, read as often as they are needed and never held."""

import itertools
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from absl import flags

from nst_tf.batch.flags import common_flags
from nst_tf.batch.job import job_settings, method, photo_size
from nst_tf.batch.manifest import Manifest, pair_rows
from nst_tf.batch.naming import LENGTHS, NAMEABLE, Taken, Template, identity, place_output
from nst_tf.batch.pictures import find_pictures
from nst_tf.images.resize import Size
from nst_tf.settings import Settings
from nst_tf.utils.describe import counted
from nst_tf.utils.errors import UserError
from nst_tf.workers.job import Job, Row

WITHOUT = {
    "style": "name no painting in a column `style`: the photo is rebuilt from its features",
    "content": "name no photo in a column `content`: a texture is made",
}
"""What to say of jobs without a flag."""

TOLD = 10  # errors that are told, at most
WINDOW = 256  # jobs among which those that are alike are brought together


class Jobs:
    """The jobs that the flags of `batch` ask for; each loop reads them from the start.

    Args:
        values: the flags, from `parse_batch`.

    Raises:
        OSError: a directory or manifest is not there.
        ValueError: a directory has no pictures, or pictures do not pair.
    """

    def __init__(self, values: flags.FlagValues) -> None:
        self._values = values
        self._template = Template(values.name)
        self._common = common_flags(values)
        self._contents: list[str] = []
        self._styles: list[str] = []
        self._twice: list[set[int]] = []  # identities of names, by index in `LENGTHS`
        self._manifest = Manifest(values.manifest) if values.manifest else None
        if not self._manifest:
            self._contents = find_pictures("content_dir", values.content_dir)
            self._styles = find_pictures("style_dir", values.style_dir)
            self._check_directories()
            next(self._rows())  # says whether they pair

    def _check_directories(self) -> None:
        """Refuse a directory of results whose pictures the next batch would take for photos."""
        output = os.path.realpath(self._values.output_dir)
        for path in (*self._contents, *self._styles):
            if os.path.realpath(os.path.dirname(path)) == output:
                raise UserError(
                    f"--output_dir {self._values.output_dir} holds the input {path}: name another"
                )

    @property
    def columns(self) -> int:
        """How many paintings each photo has in turn, or 0 if that has no meaning."""
        return len(self._styles) if self._values.pairs == "product" else 0

    def __iter__(self) -> Iterator[Job | ValueError]:
        """Yield the jobs in order, and an error for each that is not valid."""
        return self._jobs(self._twice)

    def _jobs(self, twice: Sequence[set[int]]) -> Iterator[Job | ValueError]:
        for number, row in enumerate(self._rows(), start=1):
            yield row if isinstance(row, ValueError) else self._job(number, row, twice)

    def _rows(self) -> Iterator[Row | ValueError]:
        if self._manifest:
            return self._manifest.rows()
        return iter(pair_rows(self._contents, self._styles, self._values.pairs))

    def _job(self, number: int, row: Row, twice: Sequence[set[int]]) -> Job | ValueError:
        job = Job(row.place, self._common + row.flags, "")
        try:
            settings = job_settings(job.flags)
            for length in range(len(twice) + 1):
                job = job._replace(output=self._output(number, row, job, settings, length))
                if length == len(twice) or identity(job.output) not in twice[length]:
                    break
            return job
        except UserError as error:
            return UserError(f"{row.place}: {error}")

    def _output(self, number: int, row: Row, job: Job, settings: Settings, length: int) -> str:
        given = dict(job.flags)
        name = row.output or self._template.name(
            job.files("content"),
            job.files("style"),
            given.get("recipe", self._values.recipe),
            number,
            settings,
            length,
        )
        return place_output(self._values.output_dir, name, int(given.get("bit_depth", 8)))

    def check(self) -> int:
        """Return how many jobs there are, after a look at every one.

        Jobs whose pictures would have the same name get longer names.

        Raises:
            ValueError: some are not valid, or two of them make the same file; a line for each.
        """
        count, twice = self._look()
        while twice and len(self._twice) + 1 < len(LENGTHS):
            self._twice.append(twice)
            count, twice = self._look()
        if twice:
            raise UserError("\n".join(self._doubles(twice)))
        if not count:
            raise UserError(f"--manifest {self._values.manifest} has no rows")
        return count

    def _look(self) -> tuple[int, set[int]]:
        """Return how many jobs there are, and the identities of the names that several have.

        Raises:
            ValueError: some are not valid; a line for each.
        """
        taken, count, without = Taken(), 0, Counter[str]()
        problems: list[str] = []
        for count, job in enumerate(self, start=1):  # noqa: B007
            if isinstance(job, ValueError):
                problems.append(str(job))
                if len(problems) == TOLD:
                    break
            else:
                taken.add(job.output)
                without.update(name for name in WITHOUT if not job.files(name))
        if problems:
            raise UserError("\n".join(problems))
        if not self._twice:
            for name, number in without.items():
                warnings.warn(f"{number} of {counted(count, 'job')} {WITHOUT[name]}")
        return count, taken.twice()

    def _doubles(self, twice: set[int]) -> list[str]:
        """Return a line for each job whose picture another one makes too."""
        first: dict[int, Job] = {}
        lines: list[str] = []
        for job, plain in zip(self, self._jobs(()), strict=True):
            if isinstance(job, ValueError) or isinstance(plain, ValueError):
                continue
            name = identity(job.output)
            if name not in twice:
                continue
            other = first.setdefault(name, job)
            if other is not job:
                remedy = separating(other, job, self._template)
                lines.append(
                    f"{job.place}: {plain.output} is what {other.place} makes already: {remedy}"
                )
            if len(lines) == TOLD:
                break
        return lines

    def valid(self) -> Iterator[Job]:
        """Yield the jobs, which have been checked.

        Raises:
            ValueError: the manifest has changed since.
        """
        for job in self:
            if isinstance(job, ValueError):
                raise job
            yield job


def separating(one: Job, other: Job, template: Template) -> str:
    """Return what to do about two jobs that make the same file."""
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

    What has been compiled for a job then serves the next ones.

    Args:
        jobs: in any order.
        window: how many are looked at together: they are never all held.
    """
    jobs = iter(jobs)
    while some := list(itertools.islice(jobs, window)):
        yield from sorted(some, key=_alike)


def _alike(job: Job) -> tuple[tuple[str, ...], Size, list[str]]:
    return method(job.flags), photo_size(job), job.files("style")
