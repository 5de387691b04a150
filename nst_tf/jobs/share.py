"""How memory and processors are shared out among workers."""

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from nst_tf.checks import parse_bytes
from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.cli.runtime import start_tensorflow
from nst_tf.fitting import Fitted
from nst_tf.jobs.job import Job, job_settings, method

LOOKED_AT = 8  # jobs whose need is estimated, at most


class Share(NamedTuple):
    """What each worker has.

    Attributes:
        workers: how many there are.
        budget: bytes that each may take; None: what the settings say.
        threads: that TensorFlow may use in each; 0: all.
    """

    workers: int
    budget: int | None = None
    threads: int = 0


def share_out(workers: int, jobs: Sequence[Job], device: str = "auto") -> Share:
    """Return what each worker has, and fewer workers where memory has no room for all.

    Args:
        workers: how many there are to be.
        jobs: some of those to come, whose need counts for all.
        device: on which all of them run.

    Raises:
        ValueError: the device is not there.
    """
    if workers == 1:
        return Share(1)
    need = greatest_need(jobs, device)
    return divided(workers, need, [job_settings(job.flags).memory_budget for job in jobs])


def divided(workers: int, need: int, budgets: Sequence[str]) -> Share:
    """Return what each worker has, and fewer workers where memory has no room for all.

    TensorFlow must have been started.

    Args:
        workers: how many there are to be, two at least.
        need: bytes that each of them takes.
        budgets: what settings allow for all of them, sizes or `auto`.
    """
    import tensorflow as tf

    from nst_tf.memory.budget import free_memory

    processors = processor_count()
    if tf.config.list_logical_devices("GPU"):  # TensorFlow does not tell what is free
        return Share(workers, None, max(1, processors // workers))
    given = [parse_bytes(size) for size in budgets if size != "auto"]
    total = min([free_memory(), *given])
    workers = max(1, min(workers, total // need))
    return Share(workers, total // workers, max(1, processors // workers))


def processor_count() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def greatest_need(jobs: Sequence[Job], device: str = "auto") -> int:
    """Start TensorFlow and return the bytes that a worker takes for the largest of some jobs.

    Jobs that cannot be read need no more than TensorFlow itself.

    Raises:
        ValueError: the device is not there.
    """
    start_tensorflow(device)
    alike = {(method(job.flags), tuple(job.files("style"))): job for job in jobs}
    from nst_tf.memory.memo import beside_memo

    return beside_memo(max(map(_need, list(alike.values())[:LOOKED_AT]), default=0))


def _need(job: Job) -> int:
    from nst_tf.images.masks import count_masks
    from nst_tf.memory.budget import BASE

    with suppress(OSError, ValueError, MemoryError):
        values, settings = parse(["nst_tf.batch", *job.words()])
        inputs = load_inputs(values, settings)
        return max(inputs.peak, run_need(inputs.fitted, count_masks(inputs.fitted.regions)))
    return BASE


def run_need(fitted: Fitted, masks: int) -> int:
    """Return the bytes that a run takes, those of the process included.

    Args:
        fitted: what it is made from.
        masks: how many regions have a content mask.

    Raises:
        ValueError: it fits into memory in no way.
    """
    from nst_tf.memory.plan import plan_memory

    plans = plan_memory(fitted.settings, fitted.scales, fitted.style_sizes, masks)
    return max(plan.peak for plan in plans)
