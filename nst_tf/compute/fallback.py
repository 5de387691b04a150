"""Smaller tiles for a run whose memory runs out."""

import warnings
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

from nst_tf.compute.evaluate import release
from nst_tf.compute.plan import Plan

Result = TypeVar("Result")


def with_less_memory(action: Callable[[Plan], Result], plan: Plan) -> tuple[Result, Plan]:
    """Return the result of `action`, and the plan that it succeeded with: `plan` or a smaller one.

    The graphs and kernels of a failed plan are dropped before the next plan is tried.

    Args:
        action: is called with smaller and smaller plans until memory suffices. It must change
            nothing before it returns.

    Raises:
        MemoryError: even the smallest tiles need too much memory.
    """
    while True:
        try:
            return action(plan), plan
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            smaller = plan.smaller()
            if smaller is None:
                raise MemoryError("out of memory, even with the smallest tiles") from error
        plan = smaller
        release()
        warnings.warn(f"out of memory: continuing with {plan.block_size}-pixel tiles")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of TensorFlow or NumPy says that memory ran out.

    On GPUs, cuDNN reports a lack of memory for its workspaces as an algorithm that is not found.
    """
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    kinds = (tf.errors.NotFoundError, tf.errors.InternalError, tf.errors.UnknownError)
    text = str(error)
    return isinstance(error, kinds) and (
        "No algorithm worked" in text
        or "CUDNN_STATUS_ALLOC_FAILED" in text
        or "out of memory" in text
    )
