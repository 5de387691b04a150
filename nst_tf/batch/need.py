"""The memory that the jobs of a batch need."""

import math
from collections.abc import Sequence
from contextlib import suppress

from nst_tf.batch.job import job_settings, method, parse_job, photo_size
from nst_tf.cli.inputs import load_inputs
from nst_tf.compute.device import start_tensorflow
from nst_tf.images.resize import fit_size
from nst_tf.inputs.pyramid import plan_scales
from nst_tf.settings import Settings
from nst_tf.workers.job import Job
from nst_tf.workers.share import Share, budget_within, run_need, split_resources

MOST_KINDS = 8  # kinds of jobs whose need is estimated
UNKNOWN_SIDE = 2048  # assumed pixels of an unreadable photo, without a limit by --max_dim


def share_out(workers: int, jobs: Sequence[Job], device: str = "auto") -> Share:
    """Return the share of each worker, with fewer workers if memory is not enough for all.

    Args:
        jobs: the first jobs, whose need stands for all.
    """
    if workers == 1:
        return Share(1)
    need = greatest_need(jobs, device)
    return split_resources(workers, need, [job_settings(job.flags).memory_budget for job in jobs])


def greatest_need(jobs: Sequence[Job], device: str = "auto", most: int | None = None) -> int:
    """Start TensorFlow and return the bytes that a worker needs for the largest of some jobs.

    Of each kind, the jobs with the same settings and paintings, the largest readable photo counts.
    If no photo is readable, the largest photo that the settings allow counts, so that later jobs
    have enough memory.

    Args:
        jobs: the first jobs, whose need stands for all.
        most: maximum number of bytes for a worker, including its cache of statistics; `None` takes
            the memory budget of this machine.
    """
    start_tensorflow(device)
    from nst_tf.compute.cache import cache_share, with_cache

    if most is not None:
        most -= cache_share(most) + 1  # a byte for rounding
    needs: dict[tuple, int] = {}
    for job in sorted(jobs, key=_pixels, reverse=True):
        kind = (method(job.flags), tuple(job.files("style")))
        if kind not in needs and len(needs) < MOST_KINDS and (need := _need(job, most)):
            needs[kind] = need
    assumed = [_assumed_need(job_settings(job.flags), most) for job in jobs[:1] if not needs]
    return with_cache(max([*needs.values(), *assumed], default=0))


def _pixels(job: Job) -> int:
    return math.prod(photo_size(job))


def _need(job: Job, most: int | None) -> int:
    """Return the bytes that a job needs, or 0 if it is unreadable or does not fit."""
    from nst_tf.images.masks import count_masks

    with suppress(OSError, ValueError, MemoryError):  # the job reports it
        inputs = load_inputs(parse_job(job), most)
        need = run_need(inputs.fitted, count_masks(inputs.fitted.regions), most)
        return max(inputs.peak, need)
    return 0


def _assumed_need(settings: Settings, most: int | None) -> int:
    """Return the bytes that a square photo and a square painting of the longest side need."""
    from nst_tf.compute.budget import BASE
    from nst_tf.compute.plan import plan_memory
    from nst_tf.transfer.strokes import peak_memory

    side = settings.max_dim or UNKNOWN_SIDE
    size = (side, side)
    with suppress(ValueError):
        network, budget = fit_size(*size, settings.network_limit), budget_within(settings, most)
        scales = plan_scales(settings, network, [network])
        plans = plan_memory(settings, scales, [network], 0, budget)
        return peak_memory(settings, size, [size], plans, budget)
    return BASE
