"""The outcome of a job, and the interface between jobs and the workers that run them."""

import dataclasses
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from nst_tf.images.resize import Size
from nst_tf.transfer.progress import DivergedError
from nst_tf.utils.errors import UserError
from nst_tf.workers.job import Job

Status = Literal["done", "failed", "stopped"]

ATTEMPTS = 2  # maximum for a job


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        status: `done`, `failed`, or `stopped` before its end and resumable.
        error: one line about what went wrong.
        seconds: duration.
        steps: number of steps, including those before it was resumed.
        losses: of its last step, by term.
        size: height and width of the picture, pixels; (0, 0): not known.
        faces: number of faces that were kept.
        warnings: one line each.
        worth_retrying: whether the failure may be temporary: a lost worker, or memory.
        attempts: number of times that it was begun.
        details: the traceback of a bug.
    """

    job: Job
    status: Status
    error: str = ""
    seconds: float = 0.0
    steps: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    size: Size = (0, 0)
    faces: int = 0
    warnings: tuple[str, ...] = ()
    worth_retrying: bool = False
    attempts: int = 1
    details: str = ""
    worker: str = ""


ShouldStop = Callable[[], bool]
"""Returns whether running jobs must end soon."""

RunJob = Callable[[Job, ShouldStop], Outcome]
"""Runs a job; errors are reported by the outcome and never raised."""

WorkerFactory = Callable[[], RunJob]
"""Makes a `RunJob` in the worker process that uses it; must be picklable."""


def run_safely(job: Job, do: Callable[[], Outcome]) -> Outcome:
    """Run `do` and return its outcome with timing; errors and warnings are recorded, not raised."""
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
        except Exception as error:  # a bug must not end the other jobs
            text = f"{type(error).__name__}: {_line(error)}"
            outcome = Outcome(job, "failed", text, details=traceback.format_exc())
    return dataclasses.replace(
        outcome,
        seconds=time.perf_counter() - began,
        warnings=tuple(dict.fromkeys(_line(warning.message) for warning in warned)),
    )


def _line(error: object) -> str:
    return " ".join(str(error).split())
