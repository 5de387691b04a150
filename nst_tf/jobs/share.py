"""How memory and processors are shared out among workers."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from nst_tf.checks import parse_bytes
from nst_tf.cli.flags import parse
from nst_tf.cli.inputs import load_inputs
from nst_tf.cli.runtime import start_tensorflow
from nst_tf.fitting import Fitted
from nst_tf.jobs.job import Job, job_settings, method, photo_size
from nst_tf.schedule import plan_scales
from nst_tf.settings import Settings

LOOKED_AT = 8  # kinds of jobs whose need is estimated
UNKNOWN_SIDE = 2048  # pixels of a photo that cannot be read, where --max_dim sets no limit


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


def greatest_need(jobs: Sequence[Job], device: str = "auto", most: int | None = None) -> int:
    """Start TensorFlow and return the bytes that a worker needs for the largest of some jobs.

    Of each kind, which are the jobs of the same settings and paintings, the largest photo that can
    be read counts. Where none can be read, the largest photo that the settings allow does, so that
    damaged photos cost themselves and no job that comes later.

    Args:
        jobs: some of those to come, whose need counts for all.
        device: on which all of them run.
        most: bytes that a worker may take at most, its memo included; `None` stands for what this
            machine has.

    Raises:
        ValueError: the device is not there.
    """
    start_tensorflow(device)
    from nst_tf.memory.memo import beside_memo, memo_share

    if most is not None:
        most -= memo_share(most) + 1  # a byte for rounding
    needs: dict[tuple, int] = {}
    for job in sorted(jobs, key=_pixels, reverse=True):
        kind = (method(job.flags), tuple(job.files("style")))
        if kind not in needs and len(needs) < LOOKED_AT and (need := _need(job, most)):
            needs[kind] = need
    assumed = [_assumed_need(job_settings(job.flags), most) for job in jobs[:1] if not needs]
    return beside_memo(max([*needs.values(), *assumed], default=0))


def _pixels(job: Job) -> int:
    return math.prod(photo_size(job))


def _need(job: Job, most: int | None) -> int:
    """Return the bytes that a job needs, or 0 if it cannot be read or fits in no way."""
    from nst_tf.images.masks import count_masks

    with suppress(OSError, ValueError, MemoryError):  # which the job reports
        values, settings = parse(["nst_tf.batch", *job.words()])
        inputs = load_inputs(values, settings, most)
        need = run_need(inputs.fitted, count_masks(inputs.fitted.regions), most)
        return max(inputs.peak, need)
    return 0


def _assumed_need(settings: Settings, most: int | None) -> int:
    """Return the bytes that a square photo and a square painting of the longest side need."""
    from nst_tf.memory.budget import BASE
    from nst_tf.memory.plan import plan_memory

    side = settings.max_dim or UNKNOWN_SIDE
    size = (side, side)
    with suppress(ValueError):
        scales = plan_scales(settings, size, [size])
        plans = plan_memory(settings, scales, [size], 0, _budget(settings, most))
        return max(plan.peak for plan in plans)
    return BASE


def _budget(settings: Settings, most: int | None) -> int | None:
    """Return the smaller of `most` and what the settings allow; `None` asks this machine."""
    if most is None or settings.memory_budget == "auto":
        return most
    return min(most, parse_bytes(settings.memory_budget))


def run_need(fitted: Fitted, masks: int, most: int | None = None) -> int:
    """Return the bytes that a run takes, those of the process included.

    Args:
        fitted: what it is made from.
        masks: how many regions have a content mask.
        most: bytes that the process may take at most; `None` stands for what this machine has.

    Raises:
        ValueError: it fits into memory in no way.
    """
    from nst_tf.memory.plan import plan_memory

    budget = _budget(fitted.settings, most)
    plans = plan_memory(fitted.settings, fitted.scales, fitted.style_sizes, masks, budget)
    return max(plan.peak for plan in plans)
