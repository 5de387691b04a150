"""What has become of a job, and the seam between jobs and those who run them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nst_tf.jobs.job import Job

Status = Literal["done", "failed", "stopped"]

ATTEMPTS = 2  # of a job, at most


@dataclass(frozen=True)
class Outcome:
    """What has become of a job.

    Attributes:
        job: the job itself.
        status: `done`, `failed`, or `stopped` before its end, so that it can go on.
        error: what went wrong, in a line.
        seconds: that it took.
        steps: that it took, those before it went on included.
        losses: of its last step, by term.
        warnings: lines that tell what to know of the picture.
        worth_retrying: whether it failed for a reason that may have gone: a lost worker, memory.
        attempts: times that it was begun.
        details: the traceback of an error that nobody expected.
        worker: which process had it, in words.
    """

    job: Job
    status: Status
    error: str = ""
    seconds: float = 0.0
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    worth_retrying: bool = False
    attempts: int = 1
    details: str = ""
    worker: str = ""


Stopping = Callable[[], bool]
"""Returns whether jobs that are under way must end soon."""

Paint = Callable[[Job, Stopping], Outcome]
"""Does a job and never raises an error: whatever happens is told by the outcome."""

Make = Callable[[], Paint]
"""Makes a `Paint` in the process that will use it; it can be pickled."""
