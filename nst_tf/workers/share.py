"""How memory and processors are shared out among workers."""

import os
from collections.abc import Sequence
from typing import NamedTuple

from nst_tf.inputs.prepare import RunInputs
from nst_tf.settings import Settings
from nst_tf.validation import parse_bytes


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


def split_resources(workers: int, need: int, budgets: Sequence[str]) -> Share:
    """Return what each worker has, and fewer workers where memory has no room for all.

    TensorFlow must have been started.

    Args:
        workers: how many there are to be, two at least.
        need: bytes that each of them takes.
        budgets: what settings allow for all of them, sizes or `auto`.
    """
    import tensorflow as tf

    from nst_tf.compute.budget import free_memory

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


def budget_within(settings: Settings, most: int | None) -> int | None:
    """Return the smaller of `most` and what the settings allow; `None` asks this machine."""
    if most is None or settings.memory_budget == "auto":
        return most
    return min(most, parse_bytes(settings.memory_budget))


def run_need(fitted: RunInputs, masks: int, most: int | None = None) -> int:
    """Return the bytes that a run takes, those of the process included.

    Args:
        fitted: what it is made from.
        masks: how many regions have a content mask.
        most: bytes that the process may take at most; `None` stands for what this machine has.

    Raises:
        ValueError: it fits into memory in no way.
    """
    from nst_tf.compute.plan import plan_memory

    budget = budget_within(fitted.settings, most)
    plans = plan_memory(fitted.settings, fitted.scales, fitted.style_sizes, masks, budget)
    return max(plan.peak for plan in plans)
