"""What has become of a job, and the seam between jobs and those who run them."""

import dataclasses
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nst_tf.transfer.progress import DivergedError
from nst_tf.utils.errors import UserError
from nst_tf.workers.job import Job

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
        details: the traceback of a bug.
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


def run_safely(job: Job, do: Callable[[], Outcome]) -> Outcome:
    """Return the outcome of a job: errors and warnings are told by it, with the time that it took.

    Args:
        job: the job.
        do: does it.
    """
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            outcome = do()
        except (OSError, UserError, DivergedError) as error:
            outcome = Outcome(job, "failed", _line(error))
        except MemoryError:
            text = "memory ran out: lower --max_dim, --style_scale or --jobs"
            outcome = Outcome(job, "failed", text, worth_retrying=True)
        except Exception as error:  # a bug, which must not cost the other jobs
            text = f"{type(error).__name__}: {_line(error)}"
            outcome = Outcome(job, "failed", text, details=traceback.format_exc())
    return dataclasses.replace(
        outcome,
        seconds=time.perf_counter() - began,
        warnings=tuple(dict.fromkeys(_line(warning.message) for warning in warned)),
    )


def _line(error: object) -> str:
    return " ".join(str(error).split())
