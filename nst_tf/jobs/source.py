"""All jobs of a batch, read as often as they are needed and never held."""

import itertools
import os
from collections.abc import Iterable, Iterator

from absl import flags

from nst_tf.errors import UserError
from nst_tf.images.resize import Size
from nst_tf.jobs.flags import common_flags
from nst_tf.jobs.job import Job, Row, job_settings, method, photo_size
from nst_tf.jobs.manifest import find_pictures, pair_rows, read_rows
from nst_tf.jobs.naming import Taken, Template, identity, place_output

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
        if values.manifest:
            if not os.path.isfile(values.manifest):
                raise FileNotFoundError(f"--manifest {values.manifest} is no file: check the path")
        else:
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
        for number, row in enumerate(self._rows(), start=1):
            yield row if isinstance(row, ValueError) else self._job(number, row)

    def _rows(self) -> Iterator[Row | ValueError]:
        if self._values.manifest:
            return read_rows(self._values.manifest)
        return iter(pair_rows(self._contents, self._styles, self._values.pairs))

    def _job(self, number: int, row: Row) -> Job | ValueError:
        job = Job(row.place, self._common + row.flags, "")
        given = dict(job.flags)
        try:
            settings = job_settings(job.flags)
            name = row.output or self._template.name(
                job.files("content"),
                job.files("style"),
                given.get("recipe", self._values.recipe),
                number,
                settings,
            )
            directory, depth = self._values.output_dir, given.get("bit_depth", 8)
            return job._replace(output=place_output(directory, name, int(depth)))
        except ValueError as error:
            return UserError(f"{row.place}: {error}")

    def check(self) -> int:
        """Return how many jobs there are, after a look at every one.

        Raises:
            ValueError: some are not valid, or two of them make the same file; a line for each.
        """
        taken, count = Taken(), 0
        problems: list[str] = []
        for count, job in enumerate(self, start=1):  # noqa: B007
            if isinstance(job, ValueError):
                problems.append(str(job))
                if len(problems) == TOLD:
                    break
            else:
                taken.add(job.output)
        problems += self._doubles(taken.twice())[: TOLD - len(problems)]
        if not count:
            problems.append(f"--manifest {self._values.manifest} has no rows")
        if problems:
            raise UserError("\n".join(problems))
        return count

    def _doubles(self, twice: set[int]) -> list[str]:
        """Return a line for each job whose picture another one makes too."""
        first: dict[str, str] = {}
        lines = []
        for job in self if twice else ():
            if isinstance(job, ValueError) or identity(job.output) not in twice:
                continue
            name = os.path.normcase(os.path.realpath(job.output))
            if name in first:
                lines.append(
                    f"{job.place}: {job.output} is what {first[name]} makes already: put {{row}} "
                    "into --name, or give it another output"
                )
            first.setdefault(name, job.place)
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
