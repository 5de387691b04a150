"""The division of memory and processors among workers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nst_tf.compute.budget import free_memory
from nst_tf.compute.processor import processor_count
from nst_tf.inputs.prepare import RunInputs
from nst_tf.settings import Settings
from nst_tf.validation import parse_bytes


class Share(NamedTuple):
    """The share of each worker.

    Attributes:
        budget: bytes that each may use; `None` leaves it to the settings.
        threads: number of threads that TensorFlow may use in each; 0 for all.
    """

    workers: int
    budget: int | None = None
    threads: int = 0


def split_resources(
    workers: int,
    need: int,
    budgets: Sequence[str],
    free: Callable[[], int] = free_memory,
    processors: Callable[[], int] = processor_count,
) -> Share:
    """Return the share of each worker, with fewer workers if memory is not enough for all.

    TensorFlow must have been started.

    Args:
        workers: wanted number of workers, at least 2.
        need: bytes that each of them needs.
        budgets: `memory_budget` of the settings; each limits all workers together.
        free: returns the free memory of the machine, bytes.
        processors: returns the number of its processors.
    """
    import tensorflow as tf

    count = processors()
    if tf.config.list_logical_devices("GPU"):  # their free memory is unknown
        return Share(workers, None, max(1, count // workers))
    given = [parse_bytes(size) for size in budgets if size != "auto"]
    total = min([free(), *given])
    workers = max(1, min(workers, total // need))
    return Share(workers, total // workers, max(1, count // workers))


def budget_within(settings: Settings, most: int | None) -> int | None:
    """Return the smaller of `most` and the budget of the settings; `None` asks this machine."""
    if most is None or settings.memory_budget == "auto":
        return most
    return min(most, parse_bytes(settings.memory_budget))


def run_need(fitted: RunInputs, masks: int, most: int | None = None) -> int:
    """Return the bytes that the process of a run needs; UserError if the run does not fit.

    Args:
        most: maximum number of bytes; `None` takes the memory budget of this machine.
    """
    from nst_tf.compute.plan import plan_memory
    from nst_tf.transfer.strokes import paint_sizes, peak_memory

    budget = budget_within(fitted.settings, most)
    plans = plan_memory(fitted.settings, fitted.scales, fitted.style_sizes, masks, budget)
    return peak_memory(fitted.settings, fitted.size, paint_sizes(fitted), plans, budget)
